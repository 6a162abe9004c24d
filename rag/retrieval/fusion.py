"""Joining rankings whose scores mean different things. Pure functions of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

_FURTHEST_BEHIND = -2.0
"""Standard deviations. Whoever is a candidate has one ranking to speak for it. Far behind a tight pack in
another, look-alikes with nearly the same cosine, it would lose more than the only keyword hit can gain."""


def z_scores(values: Sequence[float]) -> Scores:
    """Each value's distance from the mean in standard deviations; zeros where all are alike."""
    scores = np.asarray(values, dtype=np.float64)
    if not len(scores):
        return scores
    spread = scores.std()
    return np.zeros_like(scores) if spread < 1e-12 else (scores - scores.mean()) / spread


def fuse(
    rankings: Sequence[tuple[Mapping[int, float], float]], candidates: Sequence[int]
) -> dict[int, float]:
    """The weighted sum of normalised scores of each candidate.

    Args:
        rankings: pairs of scores by candidate and weight. Where a ranking does not know a candidate,
            the candidate takes that ranking's lowest score, or 0 if that is lower.
        candidates: what to score.

    Normalised sums keep how far ahead the first is, which rank fusion throws away; see J. H. Lee,
    Analyses of multiple evidence combination, SIGIR 1997.
    """
    total = np.zeros(len(candidates))
    for scores, weight in rankings:
        floor = min(0.0, min(scores.values(), default=0.0))
        ahead = z_scores([scores.get(candidate, floor) for candidate in candidates])
        total += weight * np.maximum(ahead, _FURTHEST_BEHIND)
    return dict(zip(candidates, total.tolist(), strict=True))
