"""Signs of life of a worker, for the process that started it: a worker that hangs is as bad as a dead one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BEAT_SECONDS = 5.0


class Pulse:
    """Calls ``beat`` every few seconds as long as the main thread gets on with anything.

    Whether it does is told by its processor clock: a thread that is locked up uses no time, one that works
    or looks for work does. Where a library locks up everything, this thread is silent as well. A worker that
    waits for a parser is silent too, but for no longer than a parser may take.

    Args:
        beat: tells the parent.
        seconds: between two looks.
    """

    def __init__(self, beat: Callable[[], None], seconds: float = BEAT_SECONDS) -> None:
        self._beat = beat
        self._seconds = seconds
        ident = threading.main_thread().ident
        assert ident is not None
        self._clock = time.pthread_getcpuclockid(ident)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()

    def _run(self) -> None:
        used = -1
        while not self._closing.wait(self._seconds):
            now = time.clock_gettime_ns(self._clock)
            if now != used:
                used = now
                self._beat()
