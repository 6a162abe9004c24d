from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from api.middleware import BodyLimits
from api.problems import HttpProblem

_PART_SECONDS = 0.01
_PAUSE_SECONDS = 0.1


def _send_slowly(parts: Iterator[bytes], rate: float, *, answers: bool = False) -> int:
    """Bytes that the application received before it was through, or was told that it is over."""
    received = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal received
        if answers:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            received += len(message["body"])
            more = message["more_body"]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(_PART_SECONDS)
        part = next(parts, None)
        if part is None:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": part, "more_body": part != b"end"}

    async def send(_: Any) -> None:
        return

    limited = BodyLimits(app, json_bytes=10_000, upload_bytes=10, pause_seconds=_PAUSE_SECONDS, rate=rate)
    asyncio.run(limited({"type": "http", "headers": []}, receive, send))
    return received


def test_a_byte_now_and_then_does_not_keep_a_request_open() -> None:
    with pytest.raises(HttpProblem) as refused:
        _send_slowly(repeat(b"x"), rate=1e6)
    assert (refused.value.status_code, refused.value.code) == (408, "body_too_slow")


def test_a_body_that_keeps_up_may_take_its_time() -> None:
    parts = chain(repeat(b"x" * 10, 40), [b"end"])
    assert _send_slowly(parts, rate=1.0) == 403


def test_at_any_pace_when_none_is_asked_for() -> None:
    assert _send_slowly(chain(repeat(b"x", 40), [b"end"]), rate=0.0) == 43


def test_after_the_answer_has_begun_a_body_that_stops_is_a_client_that_has_gone() -> None:
    assert _send_slowly(iter([b"x"]), rate=1.0, answers=True) == 1
