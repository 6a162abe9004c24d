"""How far a task of several phases is, on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 3.0


class PhaseBar:
    """One bar; each phase begins it anew."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._drawn = console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(32),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not self._drawn,
        )
        self._task = self._bar.add_task("", total=None)
        self._phase = ""
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, phase: str, done: int, total: int) -> None:
        """So much of ``total`` is done in this phase."""
        if phase != self._phase:
            self._phase = phase
            self._bar.reset(self._task, total=total, description=phase)
        self._bar.update(self._task, completed=done, total=total)
        if not self._drawn and time.monotonic() - self._last_line >= _LINE_SECONDS:
            self._last_line = time.monotonic()
            share = f": {done / total:.0%}" if total > 1 else " ..."
            print(f"footnote: {phase}{share}", file=sys.stderr, flush=True)
