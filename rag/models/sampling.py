"""Choosing the next token from logits. Pure numpy; float32 of shape (vocabulary,)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.models.generation import GenerationRequest

Logits = NDArray[np.float32]

PENALTY_WINDOW = 64
"""How many recent tokens the repetition penalty looks at (llama.cpp's default)."""


def choose(
    logits: Logits, recent: Sequence[int], request: GenerationRequest, rng: np.random.Generator
) -> int:
    """The next token id.

    Args:
        logits: changed in place; tokens at ``-inf`` are never chosen as long as one other is finite.
        recent: the tokens generated so far, newest last.
        request: temperature, top_p, min_p and repeat_penalty are read.
        rng: drawn from only when the temperature is above 0.
    """
    if request.repeat_penalty != 1.0 and recent:
        _penalise(logits, recent[-PENALTY_WINDOW:], request.repeat_penalty)
    best = int(np.argmax(logits))
    if request.temperature == 0.0:
        return best
    weights = np.exp((logits - logits[best]).astype(np.float64) / request.temperature)
    keep = np.flatnonzero(weights >= max(request.min_p, 1e-9))
    if request.top_p < 1.0:
        keep = _nucleus(weights, keep, request.top_p)
    cumulative = np.cumsum(weights[keep])
    place = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    return int(keep[min(place, len(keep) - 1)])


def _penalise(logits: Logits, recent: Sequence[int], penalty: float) -> None:
    ids = np.unique(np.asarray(recent, dtype=np.int64))
    values = logits[ids]
    logits[ids] = np.where(values > 0, values / penalty, values * penalty)


def _nucleus(weights: NDArray[np.float64], keep: NDArray[np.intp], top_p: float) -> NDArray[np.intp]:
    """The fewest of ``keep``, most probable first, that together hold ``top_p`` of the probability."""
    order = keep[np.argsort(-weights[keep], kind="stable")]
    cumulative = np.cumsum(weights[order])
    return order[: int(np.searchsorted(cumulative, top_p * cumulative[-1])) + 1]
