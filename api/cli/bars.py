"""Progress of many files on standard error: bars on a terminal, now and then a line anywhere else."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from api.cli.folders.outcome import Outcome
from api.cli.pace import Pace

_SHOWN = 6
_LINE_SECONDS = 3.0
_LARGE = 1024 * 1024
"""From this size on, the upload itself takes long enough to be shown."""
_COST_OF_ONE = 16 * 1024
"""What a file costs besides its bytes, in bytes, so that thousands of small ones have an honest estimate."""


class Bars:
    """One bar for everything and one for each of the files being worked on; safe to call from any thread."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._drawn = console.is_terminal
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(24),
            TextColumn("{task.fields[stage]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not self._drawn,
        )
        self._lock = threading.Lock()
        self._whole = self._bars.add_task("Looking", total=None, stage="")
        self._files: dict[int, TaskID] = {}
        self._expected_files = self._expected_bytes = 0
        self._sent_files = self._done_files = self._done_bytes = 0
        self._last_line = time.monotonic()
        self._rate, self._pace = Pace(self._last_line), Pace(self._last_line)

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def looked_at(self, count: int) -> None:
        """So many files have been looked at, to find out what to do."""
        self._bars.update(self._whole, stage=f"{count:,} files")

    def expect(self, files: int, size: int) -> None:
        """So many files, of ``size`` bytes together, are going to be worked on."""
        with self._lock:
            self._expected_files += files
            self._expected_bytes += size
        self._draw_whole()

    def show(self, outcome: Outcome, job: Mapping[str, Any] | None = None) -> None:
        """A file is being worked on, and what its job says if it has one."""
        if job is None and outcome.size < _LARGE:
            return
        if job is not None and job["state"] != "running":
            self.rest(outcome)
            return
        with self._lock:
            bar = self._files.get(id(outcome))
            if bar is None:
                if len(self._files) >= _SHOWN:
                    return
                bar = self._bars.add_task(escape(_short(outcome.file)), total=None, stage="")
                self._files[id(outcome)] = bar
        done, total, stage = _progress(outcome, job)
        self._bars.update(bar, completed=done, total=total, stage=stage)
        self._now_and_then(f"{outcome.file}: {stage}")

    def sent(self, outcome: Outcome) -> None:
        """A file has arrived and waits to be read."""
        self.rest(outcome)
        with self._lock:
            self._sent_files += 1
        self._draw_whole()

    def rest(self, outcome: Outcome) -> None:
        """A file is not being worked on now: it waits, or is done with."""
        with self._lock:
            bar = self._files.pop(id(outcome), None)
        if bar is not None:
            self._bars.remove_task(bar)

    def end(self, outcome: Outcome) -> None:
        """Nothing more happens to this file."""
        self.rest(outcome)
        with self._lock:
            self._done_files += 1
            self._done_bytes += outcome.size
        self._draw_whole()

    def _draw_whole(self) -> None:
        with self._lock:
            files, expected = self._expected_files, self._expected_bytes
            done_files, done_bytes = self._done_files, self._done_bytes
            ahead = f", {self._sent_files:,} sent" if done_files < self._sent_files < files else ""
            total = expected + files * _COST_OF_ONE
            done = done_bytes + done_files * _COST_OF_ONE
            now = time.monotonic()
            rate, pace = self._rate.at(now, done_bytes), self._pace.at(now, done)
        stage = (
            f"{done_files:,} of {files:,} files{ahead}, {decimal(done_bytes)} of {decimal(expected)}, "
            f"{decimal(int(rate))}/s"
        )
        self._bars.update(self._whole, description="Reading", completed=done, total=total, stage=stage)
        left = f", about {(total - done) / pace:.0f} s left" if pace else ""
        self._now_and_then(stage + left)

    def _now_and_then(self, line: str) -> None:
        """Where no bars are drawn, a line every few seconds shows that it goes on."""
        with self._lock:
            if self._drawn or time.monotonic() - self._last_line < _LINE_SECONDS:
                return
            self._last_line = time.monotonic()
        print(f"footnote: {line}", file=sys.stderr, flush=True)


def _progress(outcome: Outcome, job: Mapping[str, Any] | None) -> tuple[int, int | None, str]:
    """Done, total and stage in words."""
    if job is None or "stage" not in job:
        return 0, None, outcome.state or ""
    for unit in ("chunks", "pages"):
        done, total = job[unit]["done"], job[unit]["total"]
        if total:
            rate = (job.get("rate") or {}).get(f"{unit}_per_second")
            speed = f", {rate:,.0f} a second" if rate else ""
            return done, total, f"{job['stage']} {done:,} of {total:,} {unit}{speed}"
    return 0, None, str(job["stage"])


def _short(file: str, width: int = 40) -> str:
    return file if len(file) <= width else "…" + file[1 - width :]
