from __future__ import annotations

import pytest

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
from rag.models.wire import (
    LineBuffer,
    encode_line,
    event_from_wire,
    event_to_wire,
    parts_from_wire,
    request_from_wire,
    request_to_wire,
)

NASTY = 'a\nb\r\u2028\x00\ud800 \U0001f600 "}{'


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest((PromptPart(NASTY), PromptPart("t", True))),
        GenerationRequest((PromptPart("x"),), citations=(), stop=("\n",), seed=3, temperature=0.5),
        GenerationRequest((PromptPart("x"),), citations=(1, 2), cache_scope="me"),
        GenerationRequest((PromptPart("x"),), copy_from=(NASTY, "")),
    ],
)
@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_requests_survive_the_wire(request_: GenerationRequest, cut: int) -> None:
    line = encode_line(request_to_wire(request_))
    assert line.count(b"\n") == 1
    buffer = LineBuffer()
    messages = [m for i in range(0, len(line), cut) for m in buffer.feed(line[i : i + cut])]
    assert [request_from_wire(message) for message in messages] == [request_]


@pytest.mark.parametrize(
    "event",
    [
        TokenEvent(NASTY),
        ProgressEvent(1, 2),
        FinishedEvent(FinishReason.LENGTH, Usage(1, 2, 3), {"decode": 0.5}),
        FinishedEvent(FinishReason.STOP, Usage(1, 2), copied=CopiedSpan(1, 2, 3)),
    ],
)
def test_events_survive_the_wire(event: EngineEvent) -> None:
    (message,) = LineBuffer().feed(encode_line(event_to_wire(event)))
    assert event_from_wire(message) == event


def test_only_a_true_true_is_trust() -> None:
    parts = parts_from_wire([["a", 1], ["b", "true"], ["c", True]])
    assert [part.trusted for part in parts] == [False, False, True]
