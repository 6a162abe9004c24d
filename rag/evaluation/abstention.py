"""How well a score tells what to answer from what to refuse.

Everything here takes scores and outcomes, whatever they come from. Terms as in R. El-Yaniv and
Y. Wiener, On the Foundations of Noise-free Selective Classification, JMLR 11, 2010: ``coverage`` is the
share of questions that are answered, ``risk`` the share of those answers that are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from rag.evaluation.metrics import mean


@dataclass(frozen=True, slots=True)
class Judged:
    """A question's score, and whether an answer to it is (or would be) right."""

    score: float
    right: bool


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What follows from answering exactly the questions that score ``threshold`` or more."""

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold with what it does: shares of answerable and of unanswerable questions refused.

    ``allowed`` is the share of answerable questions it was chosen for.
    """

    allowed: float
    threshold: float
    false_refusals: float
    refused: float


@dataclass(frozen=True, slots=True)
class Bin:
    """The questions whose score lies in ``[low, high)``, the last bin including 1."""

    low: float
    high: float
    count: int
    predicted: float
    observed: float


def risk_coverage(judged: Iterable[Judged]) -> list[RiskPoint]:
    """The curve, from the first questions answered to all of them; equal scores are answered together."""
    ordered = sorted(judged, key=lambda one: -one.score)
    points: list[RiskPoint] = []
    answered = wrong = 0
    for threshold, group in groupby(ordered, key=lambda one: one.score):
        equal = list(group)
        answered += len(equal)
        wrong += sum(not one.right for one in equal)
        points.append(RiskPoint(threshold, answered / len(ordered), wrong / answered))
    return points


def area_under(points: Sequence[RiskPoint]) -> float:
    """AURC (Y. Geifman et al., Bias-Reduced Uncertainty Estimation, ICLR 2019): the mean risk over all
    coverages, lower is better; NaN without points. Never below ``least_area``."""
    before = [0.0, *(point.coverage for point in points)]
    return (
        sum(point.risk * (point.coverage - start) for point, start in zip(points, before, strict=False))
        if points
        else math.nan
    )


def least_area(right: int, wrong: int) -> float:
    """The AURC of a score that puts every right answer before every wrong one."""
    total = right + wrong
    return sum((at - right) / at for at in range(right + 1, total + 1)) / total if total else math.nan


def threshold_for(answerable: Sequence[float], allowed: float) -> float:
    """The largest threshold below which at most ``allowed`` of the answerable questions score."""
    ordered = sorted(answerable)
    refused = math.floor(allowed * len(ordered) + 1e-9)
    return ordered[refused] if refused < len(ordered) else math.inf


def refused_share(scores: Sequence[float], threshold: float) -> float:
    """Share of the questions that score below ``threshold``; NaN without questions."""
    return mean([float(score < threshold) for score in scores])


def operating_points(
    answerable: Sequence[float], unanswerable: Sequence[float], shares: Sequence[float]
) -> list[OperatingPoint]:
    """What each share of false refusals buys."""
    points = []
    for allowed in shares:
        threshold = threshold_for(answerable, allowed)
        points.append(
            OperatingPoint(
                allowed,
                threshold,
                refused_share(answerable, threshold),
                refused_share(unanswerable, threshold),
            )
        )
    return points


def ranking(answerable: Sequence[float], unanswerable: Sequence[float]) -> float:
    """AUROC: the probability that an answerable question scores above an unanswerable one, ties count half.

    NaN unless there are both. J. A. Hanley and B. J. McNeil, Radiology 143, 1982.
    """
    pairs = len(answerable) * len(unanswerable)
    if not pairs:
        return math.nan
    above = sum(one > other for one in answerable for other in unanswerable)
    equal = sum(one == other for one in answerable for other in unanswerable)
    return (above + equal / 2) / pairs


def reliability(judged: Sequence[Judged], bins: int = 10) -> list[Bin]:
    """Scores read as probabilities, in bins of equal width: what was said and what came true.

    Bins without questions are left out.
    """
    filled: list[list[Judged]] = [[] for _ in range(bins)]
    for one in judged:
        filled[min(bins - 1, int(one.score * bins))].append(one)
    return [
        Bin(
            low=at / bins,
            high=(at + 1) / bins,
            count=len(inside),
            predicted=mean([one.score for one in inside]),
            observed=mean([float(one.right) for one in inside]),
        )
        for at, inside in enumerate(filled)
        if inside
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """ECE (M. P. Naeini et al., AAAI 2015): the mean gap between said and seen, weighted by questions."""
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.predicted - one.observed) for one in bins) / total if total else math.nan
