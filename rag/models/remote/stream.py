"""What a server answers, read with suspicion: events of a stream, or one whole completion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rag.models.remote.failures import failed

MOST_BYTES = 1 << 20
"""Of one event, and of a body that is read whole."""
_END = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event said. ``thought`` is whether it was of what is not part of the answer."""

    text: str = ""
    thought: bool = False
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    ended: bool = False


class EventStream:
    """Takes bytes as they arrive; gives the pieces that are complete (WHATWG HTML, section 9.2).

    Lines end at ``\\n`` alone, with or without ``\\r``: other line ends stand unescaped in JSON.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> Iterator[Piece]:
        """Raises ``Unavailable`` (``model_server_failed``) for what is no chat completion."""
        self._rest += received
        while (end := self._rest.find(b"\n")) >= 0:
            line = bytes(self._rest[:end]).removesuffix(b"\r")
            del self._rest[: end + 1]
            if not line:
                yield from self._event()
            elif line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
        if len(self._rest) + sum(map(len, self._data)) > MOST_BYTES:
            raise failed("sent an event without an end")

    def _event(self) -> Iterator[Piece]:
        data, self._data = b"\n".join(self._data), []
        if data == _END:
            yield Piece(ended=True)
        elif data:
            yield piece(_parsed(data), "delta")


def whole(body: bytes) -> Piece:
    """The piece that a completion in one JSON body is. Raises as ``EventStream.feed``."""
    return piece(_parsed(body), "message")


def piece(message: dict[str, Any], member: str) -> Piece:
    """What stands in ``choices[0][member]``, and what was used."""
    if message.get("error"):
        raise failed("reported an error while it wrote")
    usage = message.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    choices = message.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    said = choice.get(member) if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or (choice and not isinstance(said, dict)):
        raise failed("answered in another form than OpenAI's")
    said = said or {}
    content, reason = said.get("content"), choice.get("finish_reason")
    return Piece(
        text=content if isinstance(content, str) else "",
        thought=any(
            isinstance(said.get(name), str) and said[name] for name in ("reasoning_content", "reasoning")
        ),
        finish_reason=reason if isinstance(reason, str) else None,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
    )


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise failed("sent something that is no JSON object")
    return message


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
