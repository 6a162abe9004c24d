"""SIGKILL at a numbered step, for where system calls cannot be traced.

A step is what Python and SQLAlchemy can be asked to tell of: a statement, a commit, an fsync, and opening,
renaming, removing or truncating a file.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

_EVENTS = frozenset({"open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "os.utime"})


class _Steps:
    """Counts the steps of this process, and kills it at the ``fatal``-th (0: never)."""

    def __init__(self, fatal: int) -> None:
        self.taken = 0
        self._fatal = fatal

    def install(self) -> None:
        sys.addaudithook(lambda name, _arguments: self._step() if name in _EVENTS else None)
        event.listen(Engine, "before_cursor_execute", lambda *_: self._step())
        event.listen(Engine, "commit", lambda *_: self._step())
        real = os.fsync

        def fsync(fd: Any) -> None:
            self._step()
            real(fd)

        os.fsync = fsync

    def _step(self) -> None:
        self.taken += 1
        if self.taken == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at_step(work: Callable[[], Any], number: int) -> Callable[[], Any]:
    """``work``, for a child of its own, killed when it comes to its ``number``-th step."""

    def killed() -> Any:
        _Steps(number).install()
        return work()

    return killed


def counted_steps(work: Callable[[], Any]) -> Callable[[], int]:
    """For a child of its own: do ``work`` and return how many steps it has."""

    def counted() -> int:
        steps = _Steps(0)
        steps.install()
        work()
        return steps.taken

    return counted
