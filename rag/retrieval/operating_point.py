"""From the share of answerable questions that may be refused to the threshold on answerability."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise


def refusal_threshold(stored: Mapping[str, float], false_refusals: float) -> float:
    """The answerability below which a question is refused.

    Args:
        stored: thresholds by the share of answerable development questions that score below them, as
            the calibration has them: ``{"0.01": 0.11, "0.05": 0.31, …}``.
        false_refusals: the share to allow, 0 to the largest one stored. 0 refuses nothing; between two
            stored shares the threshold is interpolated.

    Raises:
        ValueError: the share is out of range.
    """
    if false_refusals == 0.0:
        return 0.0
    known = [(0.0, 0.0), *sorted((float(share), threshold) for share, threshold in stored.items())]
    for (low, under), (high, over) in pairwise(known):
        if low < false_refusals <= high:
            return under + (over - under) * (false_refusals - low) / (high - low)
    raise ValueError(f"false_refusals must lie between 0 and {known[-1][0]}")
