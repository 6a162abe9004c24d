"""How generator and parent talk: one JSON object per line, in ASCII.

No text can break the framing, and nothing that is read is ever executed (no pickle).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rag.models.generation import (
    CopiedSpan,
    EngineEvent,
    FinishedEvent,
    FinishReason,
    GenerationRequest,
    ProgressEvent,
    PromptPart,
    TokenEvent,
    Usage,
)

WireMessage = dict[str, Any]


class LineBuffer:
    """Puts messages together again from whatever pieces the socket delivers."""

    def __init__(self) -> None:
        self._open = bytearray()

    def feed(self, data: bytes) -> list[WireMessage]:
        """The messages completed by ``data``."""
        self._open += data
        if b"\n" not in data:
            return []
        *lines, rest = self._open.split(b"\n")
        self._open = rest
        return [json.loads(line) for line in lines]


def encode_line(message: WireMessage) -> bytes:
    """One message as one line. Lone surrogates survive as escapes and are replaced at tokenization."""
    return json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def parts_to_wire(parts: Iterable[PromptPart]) -> list[list[Any]]:
    return [[part.text, part.trusted] for part in parts]


def parts_from_wire(rows: Sequence[Sequence[Any]]) -> tuple[PromptPart, ...]:
    # ``is True`` and not truthiness: anything unexpected is untrusted.
    return tuple(PromptPart(text=str(row[0]), trusted=row[1] is True) for row in rows)


def request_to_wire(request: GenerationRequest) -> WireMessage:
    message = asdict(request)
    message["prompt"] = parts_to_wire(request.prompt)
    return message


def request_from_wire(message: WireMessage) -> GenerationRequest:
    values = dict(message)
    values["prompt"] = parts_from_wire(values["prompt"])
    values["stop"] = tuple(values["stop"])
    if values["citations"] is not None:
        values["citations"] = tuple(values["citations"])
    if values["copy_from"] is not None:
        values["copy_from"] = tuple(values["copy_from"])
    return GenerationRequest(**values)


def event_to_wire(event: EngineEvent) -> WireMessage:
    match event:
        case TokenEvent():
            return {"type": "token", "text": event.text}
        case ProgressEvent():
            return {"type": "progress", "done": event.done, "total": event.total}
        case FinishedEvent():
            return {
                "type": "done",
                "finish_reason": event.finish_reason.value,
                "usage": asdict(event.usage),
                "timings": event.timings,
                "copied": None if event.copied is None else asdict(event.copied),
            }


def event_from_wire(message: WireMessage) -> EngineEvent:
    match message["type"]:
        case "token":
            return TokenEvent(message["text"])
        case "progress":
            return ProgressEvent(message["done"], message["total"])
        case "done":
            copied = message["copied"]
            return FinishedEvent(
                FinishReason(message["finish_reason"]),
                Usage(**message["usage"]),
                message["timings"],
                None if copied is None else CopiedSpan(**copied),
            )
    raise ValueError(f"unknown event {message['type']!r}")
