from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag.evaluation.calibration import FALSE_REFUSALS, fit, rates, write
from rag.retrieval.answerability import Features, answerability_with, calibration


def sample(mean: float, count: int, seed: int) -> list[Features]:
    rows = np.random.default_rng(seed).normal(mean, 0.15, size=(count, 5))
    return [Features(*row) for row in rows.tolist()]


def test_separable_questions_are_separated() -> None:
    answerable, unanswerable = sample(0.7, 400, 1), sample(0.3, 400, 2)
    model = fit(answerable, unanswerable)
    for allowed in FALSE_REFUSALS:
        false_refusals, refusals = rates(model, allowed, answerable, unanswerable)
        assert false_refusals == pytest.approx(allowed, abs=0.01)
        assert refusals > 0.9


def test_probabilities_mean_what_they_say() -> None:
    answerable, unanswerable = sample(0.55, 4000, 3), sample(0.45, 4000, 4)
    model = fit(answerable, unanswerable)
    scored = [(answerability_with(model, one), 1) for one in answerable]
    scored += [(answerability_with(model, one), 0) for one in unanswerable]
    near = [truth for score, truth in scored if 0.6 < score < 0.8]
    assert sum(near) / len(near) == pytest.approx(0.7, abs=0.05)


def test_a_written_calibration_is_the_shape_that_is_read(tmp_path: Path) -> None:
    write(fit(sample(0.7, 50, 5), sample(0.3, 50, 6)), tmp_path / "answerability.json")
    written = json.loads((tmp_path / "answerability.json").read_text())
    shipped = calibration()
    assert written["refuse"].keys() == shipped.refuse.keys()
    assert len(written["weights"]) == len(shipped.weights) == len(sample(0.5, 1, 7)[0].values())
    assert list(shipped.refuse.values()) == sorted(shipped.refuse.values())
    assert 0.0 < shipped.refuse["0.01"] < shipped.confident < 1.0
