"""Fitting the answerability model: a logistic regression and the thresholds read off it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.evaluation.metrics import quantile
from rag.retrieval.answerability import Calibration, Features, answerability_with
from rag.retrieval.operating_point import refusal_threshold

FALSE_REFUSALS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2)
"""Shares of answerable questions that may be turned away: one threshold is stored for each."""
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
    *weights, bias = (float(one) for one in _logistic(rows, truth))
    unset = Calibration(tuple(weights), bias, {}, 0.0)
    scores = [answerability_with(unset, features) for features in answerable]
    refuse = {str(share): quantile(scores, share) for share in FALSE_REFUSALS}
    return Calibration(unset.weights, bias, refuse, quantile(scores, UNSURE))


def rates(
    model: Calibration, allowed: float, answerable: Sequence[Features], unanswerable: Sequence[Features]
) -> tuple[float, float]:
    """Share of answerable questions refused, and share of unanswerable ones refused, where the calibration
    means to refuse the share ``allowed`` of the answerable ones."""
    threshold = refusal_threshold(model.refuse, allowed)
    return _refused(model, threshold, answerable), _refused(model, threshold, unanswerable)


def write(model: Calibration, path: Path) -> None:
    """Store a calibration where ``rag.retrieval.answerability`` reads it."""
    stored = {
        "weights": [round(weight, 4) for weight in model.weights],
        "bias": round(model.bias, 4),
        "refuse": {share: round(threshold, 4) for share, threshold in model.refuse.items()},
        "confident": round(model.confident, 4),
    }
    path.write_text(json.dumps(stored, indent=1) + "\n")


def _refused(model: Calibration, threshold: float, features: Sequence[Features]) -> float:
    return sum(answerability_with(model, one) < threshold for one in features) / len(features)


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
