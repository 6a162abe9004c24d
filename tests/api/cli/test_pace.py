from __future__ import annotations

import pytest

from api.cli.pace import WINDOW_SECONDS, Pace


def test_nothing_is_said_at_the_beginning() -> None:
    assert Pace(5.0).at(5.0, 0.0) == 0.0


def test_a_slow_beginning_is_forgotten() -> None:
    pace = Pace(0.0)
    assert pace.at(10.0, 10.0) == 1.0
    for second in range(11, 60):
        last = pace.at(float(second), 10.0 + (second - 10) * 50.0)
    assert last == pytest.approx(50.0)


def test_a_standstill_shows() -> None:
    pace = Pace(0.0)
    pace.at(1.0, 100.0)
    assert pace.at(1.0 + WINDOW_SECONDS, 100.0) == 0.0
