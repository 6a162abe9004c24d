from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rag.errors import BadRequest
from rag.models.generation import GenerationRequest, PromptPart
from rag.models.sampling import choose

LOGITS = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32))


def _request(**values: Any) -> GenerationRequest:
    return GenerationRequest((PromptPart("x"),), **values)


def _draw(n: int = 2000, recent: tuple[int, ...] = (), **values: Any) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(7)
    drawn = [choose(LOGITS.copy(), recent, _request(**values), rng) for _ in range(n)]
    return np.bincount(drawn, minlength=4) / n


def test_zero_temperature_takes_the_best() -> None:
    assert _draw(10).tolist() == [1, 0, 0, 0]


def test_temperature_one_draws_by_probability() -> None:
    np.testing.assert_allclose(_draw(temperature=1.0), [0.5, 0.3, 0.15, 0.05], atol=0.03)


def test_low_temperature_sharpens() -> None:
    np.testing.assert_allclose(_draw(temperature=0.5), np.array([25, 9, 2.25, 0.25]) / 36.5, atol=0.03)


def test_top_p_keeps_the_fewest_that_reach_it() -> None:
    np.testing.assert_allclose(_draw(temperature=1.0, top_p=0.7), [0.625, 0.375, 0, 0], atol=0.03)


def test_min_p_drops_the_improbable() -> None:
    assert _draw(temperature=1.0, min_p=0.2)[3] == 0
    assert _draw(temperature=1.0, min_p=0.2)[2] > 0


def test_repeat_penalty_turns_away_from_recent_tokens() -> None:
    assert _draw(5, recent=(0,), repeat_penalty=2.0).tolist() == [0, 1, 0, 0]


def test_masked_tokens_are_never_drawn() -> None:
    logits = np.full(100, -np.inf, dtype=np.float32)
    logits[42] = -50
    rng = np.random.default_rng(0)
    assert {choose(logits.copy(), [3], _request(temperature=2.0, top_p=0.9), rng) for _ in range(50)} == {42}


@pytest.mark.parametrize(
    "values",
    [
        {"max_tokens": 0},
        {"max_tokens": 2**63},
        {"temperature": float("nan")},
        {"temperature": -1.0},
        {"top_p": 0.0},
        {"top_p": float("inf")},
        {"min_p": 2.0},
        {"repeat_penalty": 0.5},
        {"seed": -1},
        {"stop": ("",)},
        {"stop": ("x",) * 17},
        {"citations": (0,)},
        {"citations": (1000,)},
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        _request(**values)
    assert caught.value.code == "bad_generation_request"


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(BadRequest):
        GenerationRequest((PromptPart(""),))
