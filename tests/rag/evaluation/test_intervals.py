from __future__ import annotations

import math

import numpy as np
import pytest

from rag.evaluation.intervals import of_mean, of_quantile, wilson
from rag.evaluation.pairs import change, sign_test


def test_wilson_by_the_book() -> None:
    # A. Agresti and B. A. Coull, The American Statistician 52, 1998: 0 of 10 and 5 of 10.
    assert list(wilson(0, 10)) == pytest.approx([0.0, 0.2775], abs=1e-4)
    assert list(wilson(5, 10)) == pytest.approx([0.2366, 0.7634], abs=1e-4)
    assert all(map(math.isnan, wilson(0, 0)))


def test_a_bootstrap_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(3)
    held = 0
    for _ in range(100):
        low, high = of_mean(random.normal(1.0, 1.0, 40).tolist())
        held += low <= 1.0 <= high
    assert 88 <= held <= 99


def test_a_bootstrap_repeats_itself() -> None:
    values = [1.0, 4.0, 2.0, 8.0]
    assert of_mean(values) == of_mean(values)
    low, high = of_quantile(values, 0.5)
    assert 1.0 <= low <= high <= 8.0


def test_the_sign_test_by_hand() -> None:
    assert sign_test(0, 0) == 1.0
    assert sign_test(0, 5) == pytest.approx(2 / 32)
    assert sign_test(0, 6) == pytest.approx(2 / 64)
    assert sign_test(3, 3) == 1.0
    assert 0.0 <= sign_test(400, 1200) < 1e-9  # beyond what a float's exponent would take


def test_a_change_counts_who_fell_and_who_rose() -> None:
    seen = change([1, 1, 1, 0, 0, 1], [0, 1, 1, 1, 0, 0])
    assert (seen.n, seen.gained, seen.lost) == (6, 1, 2)
    assert [seen.before, seen.after] == pytest.approx([4 / 6, 3 / 6])
    assert seen.difference == pytest.approx(-1 / 6)
    assert not seen.significant


def test_a_large_change_is_more_than_chance() -> None:
    assert change([1.0] * 20, [1.0] * 10 + [0.0] * 10).significant
