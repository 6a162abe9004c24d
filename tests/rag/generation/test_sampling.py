"""An asker's wishes hold where the model writes freely, and nowhere else."""

from __future__ import annotations

import pytest

from rag.errors import BadRequest
from rag.generation.sampling import AS_USUAL, Sampling
from rag.models.generation import GenerationRequest, PromptPart

FREE = GenerationRequest((PromptPart("Write."),), max_tokens=100, temperature=0.0)


def test_wishes_hold_within_footnotes_own_limit() -> None:
    wished = Sampling(temperature=0.7, top_p=0.5, seed=3, max_tokens=20).applied(FREE)
    assert (wished.temperature, wished.top_p, wished.seed, wished.max_tokens) == (0.7, 0.5, 3, 20)
    assert Sampling(max_tokens=500).applied(FREE).max_tokens == 100
    assert AS_USUAL.applied(FREE) == FREE


def test_copying_follows_from_the_documents() -> None:
    copying = GenerationRequest((PromptPart("Copy."),), copy_from=("A sentence.",))
    assert Sampling(temperature=1.0, max_tokens=1).applied(copying) == copying


def test_wishes_out_of_range_are_refused() -> None:
    with pytest.raises(BadRequest, match="temperature"):
        Sampling(temperature=3.0).applied(FREE)
