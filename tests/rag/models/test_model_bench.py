from __future__ import annotations

import pytest

from rag.models.generation import GeneratorSettings
from rag.models.locations import default_model_path
from rag.models.model_bench import TASKS, Bench, measure


def test_every_task_is_measured_in_every_round_but_the_first() -> None:
    told: list[tuple[int, int]] = []
    settings = GeneratorSettings(threads=2, parallel=2)
    (bench,) = measure([default_model_path()], settings, 1, lambda *one: told.append(one))
    assert told == [(0, 1), (1, 1)]
    for task in TASKS:
        assert len(bench.rates[task]) == 1
        assert bench.rate(task) > 1
        assert bench.effort(task) > 1
    assert bench.memory_mib > 100


def test_a_ratio_is_the_median_over_rounds_measured_together() -> None:
    one, other = Bench(), Bench()
    one.efforts["prefill"], other.efforts["prefill"] = [20.0, 90.0, 8.0], [10.0, 30.0, 4.0]
    assert one.ratio("prefill", other) == 2.0
    assert other.ratio("prefill", one) == 0.5


def test_rates_follow_from_tokens_and_seconds() -> None:
    bench = Bench()
    spent = {"tokens": 60, "seconds": 3.0, "processor_seconds": 4.0}
    bench.take({**dict.fromkeys(TASKS, spent), "memory_mib": 1.0}, threads=2)
    assert bench.rate("alone") == pytest.approx(20.0)
    assert bench.effort("alone") == pytest.approx(30.0)
