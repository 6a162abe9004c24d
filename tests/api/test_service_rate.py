from __future__ import annotations

from itertools import pairwise

import pytest

from api.service_rate import ServiceRate


def test_the_interval_follows_what_was_measured() -> None:
    rate = ServiceRate(places=2, first_guess=2.0)
    assert rate.interval() == 1.0
    for _ in range(100):
        rate.observe(0.5)
    assert rate.interval() == pytest.approx(0.25)


def test_what_takes_longer_than_usual_now_counts() -> None:
    rate = ServiceRate(places=2, first_guess=1.0)
    assert rate.interval([9.0, 10.0, 11.0]) == 5.0
    assert rate.interval([0.1, 0.2]) == 0.5


def test_nobody_is_told_the_same_time() -> None:
    rate = ServiceRate(places=1, first_guess=1.0)
    told = [rate.promise("a", now=100.0, soonest=1.0, spacing=1.0) for _ in range(3)]
    assert told == [1.0, 2.0, 3.0]
    assert rate.promise("b", now=100.0, soonest=1.0, spacing=1.0) == 1.0
    assert rate.promise("a", now=200.0, soonest=1.0, spacing=1.0) == 1.0


def test_nobody_is_sent_away_for_ever() -> None:
    rate = ServiceRate(places=1, first_guess=1.0)
    assert max(rate.promise("a", 0.0, 1.0, 1.0) for _ in range(1000)) < 60.0


def test_a_crowd_that_is_too_large_is_told_to_come_at_different_times() -> None:
    rate = ServiceRate(places=1, first_guess=1.0)
    flood = [rate.promise("a", 0.0, 1.0, 1.0) for _ in range(1000)]
    told = sorted(rate.promise("a", 1.0, 1.0, 1.0) for _ in range(31))
    assert min(told) >= 30.0
    assert max(late - early for early, late in pairwise(told)) < 3.0
    assert flood[:3] == [1.0, 2.0, 3.0]
