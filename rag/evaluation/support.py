"""Fitting the support score: a logistic regression with one sign a weight, and the threshold read off it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.evaluation.metrics import quantile
from rag.generation.verification.features import NAMES
from rag.generation.verification.score import Model, Models

FALSE_ALARMS = 0.05
"""Share of the true sentences that the threshold may turn away."""
RAISING = ("order",)
"""Features that can only raise the score; all others can only lower it."""

_RIDGE = 1.0
_STEPS = 4000
_DIGITS = 4

Rows = Sequence[Sequence[float]]


def fit(true: Rows, false: Rows, true_broken: int) -> Model:
    """Weights by projected gradient ascent on the balanced log-likelihood, the threshold by quantile.

    Args:
        true: features of true sentences that break no exact condition.
        false: the same of falsified ones.
        true_broken: how many true ones break a condition: they are turned away whatever the threshold.
    """
    rows = np.array([[*row, 1.0] for row in [*true, *false]])
    truth = np.array([1.0] * len(true) + [0.0] * len(false))
    weight = np.where(truth == 1.0, 0.5 / len(true), 0.5 / len(false)) * len(rows)
    names = NAMES[: rows.shape[1] - 1]
    signs = np.array([1.0 if name in RAISING else -1.0 for name in names])
    coefficients = _ascend(rows, truth, weight, signs)
    weights = tuple(round(float(one), _DIGITS) for one in coefficients[:-1])
    unset = Model(weights, round(float(coefficients[-1]), _DIGITS), 0.0)
    scores = [0.0] * true_broken + [round(unset.score(row), 3) for row in true]
    return Model(weights, unset.bias, _threshold(scores))


def write(models: Models, path: Path) -> None:
    """Store the models where ``rag.generation.verification.score`` reads them."""
    stored = {
        name: {
            "weights": dict(zip(NAMES, model.weights, strict=False)),
            "bias": model.bias,
            "threshold": model.threshold,
        }
        for name, model in (("plain", models.plain), ("with_likeness", models.with_likeness))
    }
    path.write_text(json.dumps(stored, indent=1) + "\n")


def _threshold(scores: Sequence[float]) -> float:
    """The largest score that turns away no more than ``FALSE_ALARMS`` of the true sentences."""
    at_quantile = quantile(scores, FALSE_ALARMS)
    refused = sum(score < at_quantile for score in scores) / len(scores)
    assert refused <= FALSE_ALARMS
    return at_quantile


def _ascend(
    rows: NDArray[np.float64],
    truth: NDArray[np.float64],
    weight: NDArray[np.float64],
    signs: NDArray[np.float64],
) -> NDArray[np.float64]:
    coefficients = np.zeros(rows.shape[1])
    curvature = 0.25 * np.linalg.eigvalsh((rows * weight[:, None]).T @ rows)[-1] + _RIDGE
    momentum = coefficients.copy()
    for step in range(1, _STEPS + 1):
        predicted = 1.0 / (1.0 + np.exp(-np.clip(rows @ momentum, -60, 60)))
        gradient = rows.T @ (weight * (truth - predicted))
        gradient[:-1] -= _RIDGE * momentum[:-1]
        fresh = momentum + gradient / curvature
        wrong = signs * fresh[:-1] < 0
        fresh[:-1][wrong] = 0.0
        momentum = fresh + (step - 1) / (step + 2) * (fresh - coefficients)
        coefficients = fresh
    return coefficients
