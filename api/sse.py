"""Server-sent events (WHATWG HTML, section 9.2) with a heartbeat, so that a dead connection is noticed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from pydantic import BaseModel
from starlette.responses import StreamingResponse

HEARTBEAT_SECONDS = 10.0

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(name: str, data: BaseModel | dict[str, Any]) -> bytes:
    """One event; JSON in one line cannot break the framing."""
    text = data.model_dump_json() if isinstance(data, BaseModel) else json.dumps(data, allow_nan=False)
    return f"event: {name}\ndata: {text}\n\n".encode()


def data(value: dict[str, Any]) -> bytes:
    """An event without a name."""
    return f"data: {json.dumps(value, allow_nan=False)}\n\n".encode()


END = b"data: [DONE]\n\n"
"""What OpenAI's streams end with."""
HEARTBEAT = event("heartbeat", {})
COMMENT = b": heartbeat\n\n"
"""For readers who would take an event of this name for one of theirs."""


def response(events: AsyncIterator[bytes], heartbeat: bytes = HEARTBEAT) -> StreamingResponse:
    """The events as they come; the iterator is closed when the client goes away."""
    return StreamingResponse(
        _with_heartbeat(events, HEARTBEAT_SECONDS, heartbeat), media_type="text/event-stream", headers=HEADERS
    )


async def _with_heartbeat(
    events: AsyncIterator[bytes], seconds: float, heartbeat: bytes = HEARTBEAT
) -> AsyncIterator[bytes]:
    coming: asyncio.Task[bytes] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(_next(events))
            done, _ = await asyncio.wait({coming}, timeout=seconds)
            if not done:
                yield heartbeat
                continue
            finished, coming = coming, None
            try:
                yield finished.result()
            except StopAsyncIteration:
                return
    finally:
        if coming is not None:
            coming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await coming
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


async def _next(events: AsyncIterator[bytes]) -> bytes:
    return await anext(events)
