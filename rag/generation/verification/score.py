"""One calibrated score from the features of a comparison: a logistic model whose every weight has one sign.

A departure from the evidence can only lower the score, order kept can only raise
it: the fit (``rag.evaluation.support``) is bound to that, so the score is monotone in each feature. The
threshold is where one true sentence in twenty of the fitting text is turned away.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Model:
    """``weights`` in the order of ``features.NAMES`` (with ``unlike`` at the end, where it is measured)."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def score(self, values: Sequence[float]) -> float:
        """The likelihood (0..1) that a claim with these features is borne out."""
        total = self.bias + sum(weight * value for weight, value in zip(self.weights, values, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))


@dataclass(frozen=True, slots=True)
class Models:
    """``plain`` needs nothing but the texts, ``with_likeness`` the meaning of words as well."""

    plain: Model
    with_likeness: Model


@cache
def models() -> Models:
    """The models shipped with this release."""
    stored = json.loads(resources.files("rag.generation").joinpath("support.json").read_text())
    return Models(*(_model(stored[name]) for name in ("plain", "with_likeness")))


def _model(stored: dict[str, dict[str, float] | float]) -> Model:
    weights = stored["weights"]
    assert isinstance(weights, dict)
    return Model(tuple(weights.values()), _number(stored["bias"]), _number(stored["threshold"]))


def _number(value: dict[str, float] | float) -> float:
    assert not isinstance(value, dict)
    return value
