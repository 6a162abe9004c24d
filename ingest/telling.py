"""What a worker tells the process that started it: JSON lines on stdout, one message each.

::

    {"phase": "ready"}                                            what it is doing
    {"stage": "parsing", "outcome": "succeeded", "seconds": 1.2}  a stage of a job, or of refinement
    {"alive": true}                                               its main thread gets on (``ingest.pulse``)
    {"job": "failed"}                                             how an attempt at a job ended
    {"refused": {"internet": 1}}                                  connections its guard has refused so far

Figures about documents are kept by whoever listens, so that they outlive a worker that dies.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from typing import Any, Self

from rag.network_guard import NetworkGuard

STORAGE_FAILED = 74
"""Exit status (EX_IOERR of sysexits.h) of a worker whose disk failed a write: it is not to be restarted."""

_lock = threading.Lock()


class Teller:
    """Tells of stages and jobs, and of refused connections when there are new ones."""

    def __init__(self, guard: NetworkGuard) -> None:
        self._guard = guard
        self._told: Mapping[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tell_refused()

    def stage(self, stage: str, outcome: str, seconds: float) -> None:
        tell({"stage": stage, "outcome": outcome, "seconds": round(seconds, 6)})
        self._tell_refused()

    def job(self, outcome: str) -> None:
        tell({"job": outcome})

    def _tell_refused(self) -> None:
        refused = self._guard.refused
        if refused != self._told:
            self._told = refused
            tell({"refused": refused})


def tell(message: Mapping[str, Any]) -> None:
    """Say one thing; a parent that has gone is none to talk to."""
    line = json.dumps(message) + "\n"
    try:
        with _lock:
            sys.stdout.write(line)
            sys.stdout.flush()
    except BrokenPipeError:
        return
