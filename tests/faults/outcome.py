"""What a lane found, and what that proves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """``n`` faults were made; each of ``violations`` says what was lost, shown wrongly or left behind.

    ``figures`` are further values by name; ``skipped`` says why nothing could be tried.
    """

    lane: str
    title: str
    n: int
    seed: int
    violations: Sequence[str]
    seconds: float
    figures: Mapping[str, str] = field(default_factory=dict)
    skipped: str | None = None

    @property
    def bound(self) -> float:
        """The largest rate of violations that none of ``n`` leaves possible, at 95 % (rule of three)."""
        return min(1.0, 3 / self.n) if self.n else 1.0

    def line(self) -> str:
        if self.skipped:
            return f"{self.lane}: skipped, {self.skipped}"
        proved = f", at most {self.bound:.2%} at 95 %" if not self.violations else ""
        more = "".join(f"; {name} {value}" for name, value in self.figures.items())
        return (
            f"{self.lane}: {len(self.violations)} violations in n={self.n} (seed {self.seed}){proved}, "
            f"{self.seconds:.0f} s{more}"
        )


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed; nan for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
