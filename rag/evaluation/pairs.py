"""Two runs over the same questions: what changed, and whether it is more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rag.evaluation.intervals import Interval, of_mean
from rag.evaluation.metrics import mean

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Change:
    """``difference`` is the mean of after minus before over ``n`` questions, with its 95 % interval.

    ``gained`` and ``lost`` count the questions whose value rose and fell. ``p`` is the probability of a
    split at least as uneven if neither run were better.
    """

    n: int
    before: float
    after: float
    difference: float
    interval: Interval
    gained: int
    lost: int
    p: float

    @property
    def significant(self) -> bool:
        return self.p < SIGNIFICANT


def change(before: Sequence[float], after: Sequence[float]) -> Change:
    """Compare the values of the same questions, in the same order.

    The test is the exact sign test over the questions that differ; for values of 0 and 1 that is
    McNemar's test in its exact form (Q. McNemar, Psychometrika 12, 1947).
    """
    steps = [later - earlier for earlier, later in zip(before, after, strict=True)]
    gained, lost = sum(step > 0 for step in steps), sum(step < 0 for step in steps)
    return Change(
        n=len(steps),
        before=mean(before),
        after=mean(after),
        difference=mean(steps),
        interval=of_mean(steps),
        gained=gained,
        lost=lost,
        p=sign_test(gained, lost),
    )


def sign_test(gained: int, lost: int) -> float:
    """Two-sided, exact: twice the binomial tail at one half, at most 1."""
    n = gained + lost
    if not n:
        return 1.0
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1))
    return min(1.0, float(Fraction(2 * tail, 2**n)))
