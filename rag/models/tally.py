"""What a generator has done since the service started, across the lives of its process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rag.models.generation import FinishedEvent


@dataclass(frozen=True, slots=True)
class Totals:
    """``generations`` by how they ended, ``tokens`` by kind, ``seconds`` by phase, ``refused`` connections
    by destination, and how often the process was started again."""

    generations: Mapping[str, int] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    restarts: int = 0


class Tally:
    """Adds up. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generations: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        self._refused: Counter[str] = Counter()
        self._refused_before: Counter[str] = Counter()
        self._restarts = 0

    def finished(self, event: FinishedEvent) -> None:
        with self._lock:
            self._generations[event.finish_reason.value] += 1
            self._tokens["prompt"] += event.usage.prompt_tokens - event.usage.reused_tokens
            self._tokens["reused"] += event.usage.reused_tokens
            self._tokens["completion"] += event.usage.completion_tokens
            for phase, seconds in event.timings.items():
                self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds

    def failed(self) -> None:
        """A generation that ended in an error."""
        with self._lock:
            self._generations["error"] += 1

    def refused(self, counts: Mapping[str, int]) -> None:
        """What the present process has refused so far."""
        with self._lock:
            self._refused = Counter(counts)

    def restarted(self) -> None:
        with self._lock:
            self._restarts += 1
            self._refused_before += self._refused
            self._refused = Counter()

    def totals(self) -> Totals:
        with self._lock:
            return Totals(
                generations=dict(self._generations),
                tokens=dict(self._tokens),
                seconds=dict(self._seconds),
                refused=dict(self._refused_before + self._refused),
                restarts=self._restarts,
            )
