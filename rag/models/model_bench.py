"""How fast a model file is on this machine: its engine in a process of its own, medians of several rounds.

Two files are compared by measuring them in turn, one round each (A B A B ...), so that what else the machine
does meanwhile is shared by both.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from rag.models.generation import GeneratorSettings
from rag.models.model_task import ModelTask
from rag.models.wire import WireMessage

TASKS = ("prefill", "alone", "together")
CONTEXT = 1024

Tell = Callable[[int, int], None]
"""Hears how many of how many rounds are done."""


@dataclass(slots=True)
class Bench:
    """Rounds of one file, by task. ``load`` is how many processes wanted a processor beside, at the end.

    Attributes:
        rates: tokens a second, by the clock.
        efforts: tokens a second of processor time and processor, so about the rate on an idle machine.
        memory_mib: most memory of the process, weights included.
    """

    rates: dict[str, list[float]] = field(default_factory=lambda: {task: [] for task in TASKS})
    efforts: dict[str, list[float]] = field(default_factory=lambda: {task: [] for task in TASKS})
    memory_mib: float = 0.0
    load: float = 0.0

    def take(self, measured: WireMessage, threads: int) -> None:
        for task in TASKS:
            spent = measured[task]
            self.rates[task].append(spent["tokens"] / spent["seconds"])
            self.efforts[task].append(threads * spent["tokens"] / spent["processor_seconds"])
        self.memory_mib = measured["memory_mib"]
        self.load = os.getloadavg()[0]

    def rate(self, task: str) -> float:
        return statistics.median(self.rates[task])

    def effort(self, task: str) -> float:
        return statistics.median(self.efforts[task])

    def ratio(self, task: str, to: Bench) -> float:
        """Times as fast as ``to`` by processor time: the median over rounds measured one after the other."""
        pairs = zip(self.efforts[task], to.efforts[task], strict=True)
        return statistics.median([mine / theirs for mine, theirs in pairs])


def measure(
    paths: Sequence[Path], settings: GeneratorSettings, rounds: int, tell: Tell = lambda done, total: None
) -> list[Bench]:
    """Load all files, then measure one after the other, ``rounds`` times. A first round is not counted.

    Raises:
        Unavailable: ``model_unusable``.
    """
    settings = replace(settings, context=min(settings.context, CONTEXT))
    found = [Bench() for _ in paths]
    with ExitStack() as stack:
        tasks = [stack.enter_context(ModelTask()) for _ in paths]
        for task, path in zip(tasks, paths, strict=True):
            task.do("load", path, path=str(path), settings=asdict(settings))
        for number in range(rounds + 1):
            for task, path, bench in zip(tasks, paths, found, strict=True):
                measured = task.do("round", path, number=number, parallel=settings.parallel)
                if number:
                    bench.take(measured, settings.threads)
            tell(number, rounds)
    return found
