"""How likely it is that the found text answers the question: a logistic model over a few features.

The coefficients are fitted by ``rag.evaluation.calibration`` on questions whose document is in the
collection and the same questions with it taken out, and stored with the thresholds that follow.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Features:
    """A sentence, or the best of several, against the question.

    ``similarity``: cosine of sentence and question. ``coverage``: share of the question's term weight
    in the sentence and its headings. ``passage_*``: the same for the passage around it. ``reading``:
    the reader's log-odds that the sentence holds the answer, 0 where nobody has read it.
    """

    similarity: float
    coverage: float
    passage_coverage: float
    passage_similarity: float
    reading: float = 0.0

    @staticmethod
    def best(several: Iterable[Features]) -> Features:
        """The largest value of each feature."""
        return Features(*(max(column) for column in zip(*(row.values() for row in several), strict=True)))

    def values(self) -> tuple[float, ...]:
        return astuple(self)


@dataclass(frozen=True, slots=True)
class Calibration:
    """``weights`` of the features in the order of ``Features.values``, ``bias``, and thresholds.

    ``refuse`` has, by the share of answerable questions that fall below it, the answerability below
    which to refuse (see ``operating_point``); below ``confident`` an answer is delivered as ``partial``.
    """

    weights: tuple[float, ...]
    bias: float
    refuse: Mapping[str, float]
    confident: float


def answerability(features: Features) -> float:
    """A calibrated probability, 0..1."""
    return answerability_with(calibration(), features)


def answerability_with(model: Calibration, features: Features) -> float:
    """The probability under another calibration than the shipped one."""
    total = model.bias + sum(w * v for w, v in zip(model.weights, features.values(), strict=True))
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))


@cache
def calibration() -> Calibration:
    """The calibration shipped with this release."""
    stored = json.loads(resources.files("rag.retrieval").joinpath("answerability.json").read_text())
    return Calibration(
        weights=tuple(stored["weights"]),
        bias=stored["bias"],
        refuse=stored["refuse"],
        confident=stored["confident"],
    )
