"""Answers that were given, and answers as they are written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

from api.client.aio.wire import AsyncWire, parsed
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


class AsyncAnswers:
    """``client.answers``."""

    def __init__(self, wire: AsyncWire) -> None:
        self._wire = wire

    async def get(self, answer_id: str) -> Receipt:
        """An answer as it was given, its quotations read back, with what made it and how fresh it is."""
        return await self._wire.get(Receipt, f"/v1/answers/{answer_id}")

    def list(
        self, *, conversation: str | None = None, document: str | None = None
    ) -> AsyncIterator[ListedAnswer]:
        """Answers, newest first; of a conversation, or those that cite a document."""
        return self._wire.pages(ListedAnswer, "/v1/answers", conversation=conversation, document=document)

    async def replay(self, answer_id: str) -> Replay:
        """Ask the same question again, and compare."""
        return await self._wire.post(Replay, f"/v1/answers/{answer_id}/replay")

    async def delete(self, answer_id: str) -> None:
        await self._wire.call("DELETE", f"/v1/answers/{answer_id}")


class AsyncAnswerStream:
    """The events of an answer: ``async for event in stream``. Leaving ``async with`` stops the model.

    Attributes:
        answer: the whole answer, once its last event was read.
    """

    def __init__(self, wire: AsyncWire, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.answer: Answer | None = None
        self._events = self._read(wire, dict(body), dict(headers))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AnswerEvent:
        return await self._events.__anext__()

    async def aclose(self) -> None:
        """Stop: the service ends its work for this answer at once."""
        await self._events.aclose()

    async def _read(
        self, wire: AsyncWire, body: dict[str, Any], headers: dict[str, str]
    ) -> AsyncGenerator[AnswerEvent, None]:
        async for name, data in wire.events(
            "POST", "/v1/ask", json={**body, "stream": True}, headers=headers
        ):
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
