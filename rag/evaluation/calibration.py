"""Fitting the answerability model: a logistic regression and the thresholds read off it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.evaluation.metrics import quantile
from rag.retrieval.answerability import Calibration, Features, answerability_with

FALSE_REFUSALS = 0.03
"""Share of answerable questions that the threshold may turn away."""
UNSURE = 0.15
"""Share of answerable questions delivered as ``partial`` or turned away."""

_RIDGE = 0.1
_STEPS = 50


def fit(answerable: Sequence[Features], unanswerable: Sequence[Features]) -> Calibration:
    """Coefficients by iteratively reweighted least squares with a small ridge, thresholds by quantile.

    Args:
        answerable: the best features of questions whose document was searched.
        unanswerable: the same of questions whose document was left out of the search.
    """
    rows = np.array([(*features.values(), 1.0) for features in [*answerable, *unanswerable]])
    truth = np.array([1.0] * len(answerable) + [0.0] * len(unanswerable))
    coefficients = _logistic(rows, truth)
    weights = (
        float(coefficients[0]),
        float(coefficients[1]),
        float(coefficients[2]),
        float(coefficients[3]),
    )
    unset = Calibration(weights, float(coefficients[4]), 0.0, 0.0)
    scores = [answerability_with(unset, features) for features in answerable]
    return Calibration(weights, unset.bias, quantile(scores, FALSE_REFUSALS), quantile(scores, UNSURE))


def rates(
    model: Calibration, answerable: Sequence[Features], unanswerable: Sequence[Features]
) -> tuple[float, float]:
    """Share of answerable questions refused, and share of unanswerable ones refused."""
    return _refused(model, answerable), _refused(model, unanswerable)


def write(model: Calibration, path: Path) -> None:
    """Store a calibration where ``rag.retrieval.answerability`` reads it."""
    stored = {
        "weights": [round(weight, 4) for weight in model.weights],
        "bias": round(model.bias, 4),
        "refuse": round(model.refuse, 4),
        "confident": round(model.confident, 4),
    }
    path.write_text(json.dumps(stored, indent=1) + "\n")


def _refused(model: Calibration, features: Sequence[Features]) -> float:
    return sum(answerability_with(model, one) < model.refuse for one in features) / len(features)


def _logistic(rows: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    coefficients = np.zeros(rows.shape[1])
    ridge = _RIDGE * np.eye(rows.shape[1])
    ridge[-1, -1] = 0.0  # the bias is free
    for _ in range(_STEPS):
        predicted = 1.0 / (1.0 + np.exp(-(rows @ coefficients)))
        gradient = rows.T @ (truth - predicted) - ridge @ coefficients
        curvature = (rows * (predicted * (1.0 - predicted))[:, None]).T @ rows + ridge
        step = np.linalg.solve(curvature, gradient)
        coefficients += step
        if np.abs(step).max() < 1e-9:
            break
    return coefficients
