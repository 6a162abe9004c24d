"""How long the event loop keeps everybody waiting: nothing on it may block."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Mapping
from types import FrameType

import structlog

_log = structlog.get_logger(__name__)

_PERIOD_SECONDS = 0.05
_REMEMBERED = 1200
_BLOCKED_SECONDS = 1.0
_LOOK_SECONDS = 0.25
_FRAMES_SHOWN = 6
_LONGEST_WORD = 128


class LoopLag:
    """Measures twenty times a second how late a timer is; a thread beside the loop says where it hangs.

    Args:
        blocked_seconds: after which a loop that does not come round is logged, with its stack.
    """

    def __init__(self, blocked_seconds: float = _BLOCKED_SECONDS) -> None:
        self._delays: deque[float] = deque(maxlen=_REMEMBERED)
        self._blocked_seconds = blocked_seconds
        self._beat = time.monotonic()
        self._closing = threading.Event()
        self._loop_thread = 0
        self.blocked = 0
        """How often the loop stood still for longer than ``blocked_seconds``."""

    def quantiles(self) -> Mapping[str, float]:
        """Seconds by which timers were late in the last minute: ``0.5``, ``0.99`` and ``1`` (the worst)."""
        ordered = sorted(self._delays) or [0.0]
        last = len(ordered) - 1
        return {"0.5": ordered[last // 2], "0.99": ordered[int(last * 0.99)], "1": ordered[last]}

    async def run(self) -> None:
        """Measure until cancelled."""
        self._loop_thread = threading.get_ident()
        self._beat = time.monotonic()
        watchdog = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)
        watchdog.start()
        loop = asyncio.get_running_loop()
        try:
            while True:
                due = loop.time() + _PERIOD_SECONDS
                await asyncio.sleep(_PERIOD_SECONDS)
                self._delays.append(max(0.0, loop.time() - due))
                self._beat = time.monotonic()
        finally:
            self._closing.set()

    def _watch(self) -> None:
        told = 0.0
        while not self._closing.wait(_LOOK_SECONDS):
            beat = self._beat
            silence = time.monotonic() - beat
            if silence > self._blocked_seconds and beat != told:
                told = beat
                self.blocked += 1
                frame = sys._current_frames().get(self._loop_thread)
                _log.error("event_loop_blocked", seconds=round(silence, 1), where=_places(frame))


def _places(frame: FrameType | None) -> str:
    """Files and lines, innermost first, as far as one word of a log line goes."""
    if frame is None:
        return "unknown"
    found = traceback.extract_stack(frame)[-_FRAMES_SHOWN:]
    places = [f"{one.filename.rpartition('/')[2]}:{one.lineno}" for one in reversed(found)]
    return "/".join(places)[:_LONGEST_WORD]
