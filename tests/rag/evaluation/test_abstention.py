from __future__ import annotations

import math

import numpy as np
import pytest

from rag.evaluation.abstention import (
    Judged,
    RiskPoint,
    area_under,
    calibration_error,
    least_area,
    operating_points,
    ranking,
    refused_share,
    reliability,
    risk_coverage,
    threshold_for,
)


def judged(*pairs: tuple[float, bool]) -> list[Judged]:
    return [Judged(score, right) for score, right in pairs]


def test_a_curve_by_hand() -> None:
    curve = risk_coverage(judged((0.2, False), (0.9, True), (0.5, True), (0.6, False)))
    assert [point.threshold for point in curve] == [0.9, 0.6, 0.5, 0.2]
    assert [point.coverage for point in curve] == [0.25, 0.5, 0.75, 1.0]
    assert [point.risk for point in curve] == pytest.approx([0.0, 0.5, 1 / 3, 0.5])
    assert area_under(curve) == pytest.approx((0 + 0.5 + 1 / 3 + 0.5) / 4)


def test_equal_scores_cannot_be_told_apart() -> None:
    curve = risk_coverage(judged((0.7, True), (0.7, False), (0.1, False)))
    assert curve == [RiskPoint(0.7, 2 / 3, 0.5), RiskPoint(0.1, 1.0, 2 / 3)]


def test_a_perfect_score_reaches_the_least_area_and_no_score_less() -> None:
    perfect = risk_coverage(judged((0.9, True), (0.8, True), (0.2, False), (0.1, False)))
    assert area_under(perfect) == pytest.approx(least_area(right=2, wrong=2))
    worst = risk_coverage(judged((0.9, False), (0.8, False), (0.2, True), (0.1, True)))
    assert area_under(worst) > least_area(2, 2)
    assert math.isnan(area_under([]))


def test_a_threshold_refuses_no_more_than_allowed() -> None:
    answerable = [round(0.01 * step, 2) for step in range(1, 101)]
    for allowed in (0.0, 0.01, 0.05, 0.1, 0.5):
        threshold = threshold_for(answerable, allowed)
        assert refused_share(answerable, threshold) == pytest.approx(allowed)
    assert threshold_for(answerable, 1.0) == math.inf
    # Many questions of one score stand or fall together: all of them stand.
    assert refused_share([0.3] * 50, threshold_for([0.3] * 50, 0.1)) == 0.0


def test_operating_points_by_hand() -> None:
    (point,) = operating_points([0.2, 0.4, 0.6, 0.8], [0.1, 0.3, 0.5], [0.25])
    assert (point.threshold, point.false_refusals, point.refused) == (0.4, 0.25, 2 / 3)


def test_ranking_counts_pairs() -> None:
    assert ranking([0.9, 0.5], [0.5, 0.1]) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert math.isnan(ranking([], [0.1]))


def test_probabilities_that_come_true_have_no_calibration_error() -> None:
    random = np.random.default_rng(5)
    scores = random.random(20_000)
    honest = [Judged(float(score), bool(random.random() < score)) for score in scores]
    assert calibration_error(reliability(honest)) < 0.02
    boastful = [Judged(min(1.0, one.score + 0.3), one.right) for one in honest]
    assert calibration_error(reliability(boastful)) > 0.2


def test_the_last_bin_holds_one_and_empty_bins_are_left_out() -> None:
    (low, high) = reliability(judged((0.0, False), (1.0, True)), bins=10)
    assert (low.low, low.count, high.low, high.observed) == (0.0, 1, 0.9, 1.0)
