# Made by scripts/make_client.py from api/client/aio/answers.py; change that one.
"""Answers that were given, and answers as they are written."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from api.client.blocking.wire import Wire, parsed
from api.client.errors import Interrupted
from api.client.records import (
    Answer,
    AnswerDone,
    AnswerEvent,
    ListedAnswer,
    Receipt,
    Replay,
    RetrievalFound,
    SentenceDelivered,
    TokenWritten,
)


class Answers:
    """``client.answers``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def get(self, answer_id: str) -> Receipt:
        """An answer as it was given, its quotations read back, with what made it and how fresh it is."""
        return self._wire.get(Receipt, f"/v1/answers/{answer_id}")

    def list(self, *, conversation: str | None = None, document: str | None = None) -> Iterator[ListedAnswer]:
        """Answers, newest first; of a conversation, or those that cite a document."""
        return self._wire.pages(ListedAnswer, "/v1/answers", conversation=conversation, document=document)

    def replay(self, answer_id: str) -> Replay:
        """Ask the same question again, and compare."""
        return self._wire.post(Replay, f"/v1/answers/{answer_id}/replay")

    def delete(self, answer_id: str) -> None:
        self._wire.call("DELETE", f"/v1/answers/{answer_id}")


class AnswerStream:
    """The events of an answer: ``for event in stream``. Leaving ``with`` stops the model.

    Attributes:
        answer: the whole answer, once its last event was read.
    """

    def __init__(self, wire: Wire, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.answer: Answer | None = None
        self._events = self._read(wire, dict(body), dict(headers))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> AnswerEvent:
        return self._events.__next__()

    def close(self) -> None:
        """Stop: the service ends its work for this answer at once."""
        self._events.close()

    def _read(
        self, wire: Wire, body: dict[str, Any], headers: dict[str, str]
    ) -> Generator[AnswerEvent, None, None]:
        for name, data in wire.events("POST", "/v1/ask", json={**body, "stream": True}, headers=headers):
            match name:
                case "retrieval":
                    yield parsed(RetrievalFound, data)
                case "token":
                    yield TokenWritten(str(data["text"]))
                case "sentence":
                    yield parsed(SentenceDelivered, data)
                case "done":
                    self.answer = parsed(Answer, data)
                    yield AnswerDone(self.answer)
        if self.answer is None:
            raise Interrupted(wire.url, "the answer broke off")
