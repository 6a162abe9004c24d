"""What is looked at in a long run, how it changes, and a picture of that."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rag.evaluation.pictures.canvas import Axis, Canvas, frame
from tests.faults.service import FaultyService

_MIB = 2**20
_WARM_UP = 0.2


@dataclass(frozen=True, slots=True)
class Sample:
    """At ``seconds``: bytes of memory of the api and of its other processes together, their open files and
    threads, and the bytes of the data folder and of SQLite's log within it."""

    seconds: float
    api_memory: float
    other_memory: float
    files: float
    threads: float
    disk: float
    log: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Something that should not grow by more than ``allowed`` in an hour (0: it is only told)."""

    name: str
    of: Callable[[Sample], float]
    allowed: float
    unit: float = 1.0

    def shown(self, value: float, *, sign: bool = False) -> str:
        number = value / self.unit
        words = f"{number:+,.1f}" if sign else f"{number:,.1f}"
        return f"{words} MiB" if self.unit == _MIB else words


GROWTHS = (
    Growth("memory of the api", lambda one: one.api_memory, 30 * _MIB, _MIB),
    Growth("memory of the worker and its children", lambda one: one.other_memory, 30 * _MIB, _MIB),
    Growth("open files", lambda one: one.files, 5),
    Growth("threads", lambda one: one.threads, 5),
    Growth("SQLite's log", lambda one: one.log, 30 * _MIB, _MIB),
    Growth("the data folder", lambda one: one.disk, 0, _MIB),
)
"""The folder keeps jobs and the log of changes, which are rows of a hundred bytes, and idempotency keys."""


@dataclass(frozen=True, slots=True)
class Series:
    """Values over seconds, in order."""

    points: Sequence[tuple[float, float]]

    @classmethod
    def of(cls, samples: Sequence[Sample], growth: Growth) -> Self:
        return cls([(one.seconds, growth.of(one)) for one in samples])

    @property
    def first(self) -> float:
        return self.points[0][1]

    @property
    def last(self) -> float:
        return self.points[-1][1]

    def settled(self) -> Sequence[tuple[float, float]]:
        """Without the first fifth, in which caches fill and modules are loaded."""
        begin = self.points[0][0] + _WARM_UP * (self.points[-1][0] - self.points[0][0])
        return [point for point in self.points if point[0] >= begin]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much the values change in an hour: of the line of least squares."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def look(service: FaultyService, seconds: float) -> Sample:
    """The service and its folder as they are now."""
    api, others = service.process.pid, service.descendants()
    every = [api, *others]
    return Sample(
        seconds=seconds,
        api_memory=_memory(api),
        other_memory=sum(map(_memory, others)),
        files=sum(_entries(pid, "fd") for pid in every),
        threads=sum(_entries(pid, "task") for pid in every),
        disk=sum(map(_size, service.data.rglob("*"))),
        log=_size(service.data / "footnote.db-wal"),
    )


def draw(samples: Sequence[Sample]) -> Canvas:
    """Each growth as a part of what it was after the warm-up, with its name at its end."""
    canvas = Canvas(720, 360, "A long run", "Memory, files, threads and disk, compared with the beginning.")
    shares = {growth.name: _shares(Series.of(samples, growth).settled()) for growth in GROWTHS}
    every = [point for points in shares.values() for point in points] or [(0.0, 1.0)]
    last, top = max(x for x, _ in every), max(2.0, max(y for _, y in every))
    x = Axis(min(x for x, _ in every), last if last > 0 else 1.0, 64, 460)
    y = Axis(0, top, 300, 44)
    ticks = [(x.low + step * (x.high - x.low) / 4) for step in range(5)]
    frame(
        canvas,
        x,
        y,
        [(at, f"{at / 60:.1f}") for at in ticks],
        [(step * top / 4, f"{100 * step * top / 4:.0f} %") for step in range(5)],
        ("minutes", "of what it was"),
    )
    for place, (name, points) in enumerate(shares.items()):
        if points:
            canvas.path([(x.at(at), y.at(value)) for at, value in points], ("line", "before")[place % 2])
            end = points[-1][1]
            canvas.text(472, 60 + 20 * place, f"{name}: {100 * end:.0f} %", "quiet")
    return canvas


def _shares(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    start = next((value for _, value in points if value), 0.0)
    return [(at, value / start) for at, value in points] if start else []


def _memory(pid: int) -> float:
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return 1024 * float(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
    return 0.0


def _entries(pid: int, what: str) -> int:
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/{what}"))
    return 0


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size if path.is_file() else 0
    return 0
