"""How sure a figure is: 95 % intervals of shares, means and quantiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]

_Z = 1.959963984540054  # two-sided 95 % of the normal distribution
RESAMPLES = 1000
_SEED = 20261122
_NOTHING: Interval = (math.nan, math.nan)


def wilson(successes: int, n: int) -> Interval:
    """The score interval of a share (E. B. Wilson, JASA 22, 1927); honest near 0 and 1 and for small n."""
    if not n:
        return _NOTHING
    share, z2 = successes / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def of_mean(values: Sequence[float]) -> Interval:
    """Percentile bootstrap of the mean (B. Efron, Annals of Statistics 7, 1979), with a fixed seed."""
    return _bootstrap(values, lambda drawn: np.asarray(drawn.mean(axis=1)))


def of_quantile(values: Sequence[float], share: float) -> Interval:
    """Percentile bootstrap of a quantile."""
    return _bootstrap(values, lambda drawn: np.asarray(np.quantile(drawn, share, axis=1)))


def _bootstrap(
    values: Sequence[float], statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Interval:
    if not values:
        return _NOTHING
    sample = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(_SEED).choice(sample, (RESAMPLES, len(sample)))
    low, high = np.quantile(statistic(drawn), (0.025, 0.975))
    return float(low), float(high)
