"""How fast something goes, judged by the recent past: what began slowly is not slow for ever."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 20.0


class Pace:
    """Units a second over the last ``WINDOW_SECONDS``, from counts that only grow."""

    def __init__(self, now: float) -> None:
        self._seen: deque[tuple[float, float]] = deque([(now, 0.0)])

    def at(self, now: float, done: float) -> float:
        """The pace when ``done`` units have been done by ``now``; 0 while nothing can be said."""
        self._seen.append((now, done))
        # The newest that is old enough stays, so that the window is full.
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return (done - before) / (now - since) if now > since else 0.0
