"""Figures of merit, computed from ranked ids and from texts."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence


def success_at(ranked: Sequence[str], relevant: set[str], k: int) -> float:
    """1 if any of the first ``k`` is relevant, else 0."""
    return float(any(one in relevant for one in ranked[:k]))


def recall_at(ranked: Sequence[str], relevant: set[str], k: int) -> float:
    """Share of the relevant that are among the first ``k``; 0 where nothing is relevant."""
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: set[str]) -> float:
    """1 / rank of the first relevant, 0 if there is none."""
    return next((1.0 / rank for rank, one in enumerate(ranked, start=1) if one in relevant), 0.0)


def ndcg_at(ranked: Sequence[str], gains: Mapping[str, float], k: int) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen, TOIS 20(4), 2002), log base 2."""
    gained = _discounted([gains.get(one, 0.0) for one in ranked[:k]])
    ideal = _discounted(sorted(gains.values(), reverse=True)[:k])
    return gained / ideal if ideal else 0.0


def holds_answer(text: str, answers: Sequence[str]) -> bool:
    """Whether one of the answers occurs in the text, whatever the case and the white space."""
    plain = _plain(text)
    return any(_plain(answer) in plain for answer in answers)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed; NaN without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; NaN without values."""
    return sum(values) / len(values) if values else math.nan


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())
