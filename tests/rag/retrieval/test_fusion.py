from __future__ import annotations

import random

import pytest

from rag.retrieval.fusion import fuse, z_scores


def test_z_scores_have_no_mean_and_unit_spread() -> None:
    scores = z_scores([1.0, 2.0, 3.0])
    assert scores.sum() == pytest.approx(0.0)
    assert scores.std() == pytest.approx(1.0)


def test_equal_scores_decide_nothing() -> None:
    assert z_scores([5.0, 5.0]).tolist() == [0.0, 0.0]
    assert z_scores([]).tolist() == []


def test_a_clear_lead_outweighs_a_narrow_one() -> None:
    narrow = {1: 0.51, 2: 0.50, 3: 0.1}
    clear = {1: 1.0, 2: 9.0, 3: 1.0}
    fused = fuse([(narrow, 1.0), (clear, 1.0)], [1, 2, 3])
    assert max(fused, key=lambda one: fused[one]) == 2


def test_what_a_ranking_does_not_know_comes_last_in_it() -> None:
    fused = fuse([({1: 3.0, 2: 2.0}, 1.0)], [1, 2, 3])
    assert fused[3] < fused[2] < fused[1]


def test_weight_zero_silences_a_ranking() -> None:
    assert fuse([({1: 1.0, 2: 2.0}, 0.0)], [1, 2]) == {1: 0.0, 2: 0.0}


def test_the_only_keyword_hit_is_not_lost_behind_a_pack_of_look_alikes() -> None:
    chance = random.Random(7)
    cosines = {form: chance.gauss(0.55, 0.005) for form in range(100)} | {100: 0.20}
    fused = fuse([(cosines, 0.6), ({100: 3.2}, 0.3)], range(101))
    assert max(fused, key=lambda one: fused[one]) == 100
