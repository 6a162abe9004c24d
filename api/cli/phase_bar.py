"""How far one long task is, on standard error: a bar on a terminal, now and then a line anywhere else."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

_LINE_SECONDS = 3.0


class PhaseBar:
    """One bar; each phase begins it anew. ``of_bytes`` is whether it counts bytes, else it tells shares."""

    def __init__(self, *, of_bytes: bool = False) -> None:
        self._of_bytes = of_bytes
        console = Console(stderr=True)
        self._drawn = console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(32),
            DownloadColumn() if of_bytes else TaskProgressColumn(),
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
            print(f"footnote: {phase}{self._how_far(done, total)}", file=sys.stderr, flush=True)

    def _how_far(self, done: int, total: int) -> str:
        if self._of_bytes:
            return f": {decimal(done)} of {decimal(total)}"
        return f": {done / total:.0%}" if total > 1 else " ..."
