from __future__ import annotations

import math

import pytest

from rag.evaluation.metrics import (
    holds_answer,
    mean,
    ndcg_at,
    quantile,
    recall_at,
    reciprocal_rank,
    success_at,
)

RANKED = ["a", "b", "c", "d"]


def test_ranking_metrics_by_hand() -> None:
    assert success_at(RANKED, {"c"}, 2) == 0.0
    assert success_at(RANKED, {"c"}, 3) == 1.0
    assert recall_at(RANKED, {"b", "z"}, 4) == 0.5
    assert reciprocal_rank(RANKED, {"c", "d"}) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKED, set()) == 0.0


def test_ndcg_by_hand() -> None:
    gained = 1 / math.log2(3) + 2 / math.log2(5)
    ideal = 2 / math.log2(2) + 1 / math.log2(3)
    assert ndcg_at(RANKED, {"b": 1.0, "d": 2.0}, 10) == pytest.approx(gained / ideal)
    assert ndcg_at(RANKED, {}, 10) == 0.0


def test_answers_are_found_whatever_case_and_space() -> None:
    assert holds_answer("It was\nOctober 6,  1973.", ["october 6, 1973"])
    assert not holds_answer("It was October.", ["October 6"])


def test_quantiles_and_means() -> None:
    assert [quantile([3, 1, 2, 4], share) for share in (0.0, 0.5, 0.75, 1.0)] == [1, 2, 3, 4]
    assert math.isnan(quantile([], 0.5))
    assert mean([1, 2]) == 1.5
    assert math.isnan(mean([]))
