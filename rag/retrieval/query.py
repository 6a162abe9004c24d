"""A question as retrieval sees it: its words, how much each tells, and its vector."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.text import irregular, usual_words
from rag.text.words import content_words, stems

_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|old|often|far|high|tall|deep|wide|fast|big|large)|when"
    r"|(?:what|which) (?:year|date|day|time|percentage|percent|share|number|proportion))\b",
    re.IGNORECASE,
)

_ASKS_EVENT = re.compile(
    r"(?<=\bwhat) +(?:(?:has|had|have|is|was) +)?"
    r"(?:happen(?:s|ed|ing)?|occur(?:s|red|ring)?|(?:took|takes) +place)\b",
    re.IGNORECASE,
)
"""No text says that what it tells of happened."""
_YEAR = re.compile(r"(?<![^\W_])(?:fy|cy)?[ '’]?((?:19|20)\d\d)(?![^\W_])", re.IGNORECASE)
_SHORT_YEAR = re.compile(r"(?<![^\W_])(?:fy|cy)[ '’]{0,2}(\d\d)(?![^\W_])", re.IGNORECASE)

AT_LARGE = 300
"""Chunks of English at large that a library's words are counted among. By itself a library of one chunk says
that "make" is as telling as a name it does not hold: one in seven of the questions it answers was refused.
From 100 to 3,000 the result is the same within two of a hundred questions."""
MAX_TERMS = 64
"""A longer question is searched by its first distinct words; more would only slow the search."""


@dataclass(frozen=True, slots=True)
class Query:
    """``guesses`` are known stems taken for words that no document holds; ``stems`` has them in their place.
    ``weights`` has how much each distinct stem tells; ``vector`` is of unit length."""

    text: str
    terms: tuple[str, ...]
    guesses: tuple[str, ...]
    stems: tuple[str, ...]
    weights: Mapping[str, float]
    vector: NDArray[np.float32]

    def coverage(self, found: set[str] | frozenset[str]) -> float:
        """The share of the question's weight that the stems in ``found`` account for, 0 to 1."""
        total = sum(self.weights.values())
        held = sum(
            weight
            for stem, weight in self.weights.items()
            if stem in found or not irregular.other_forms(stem).isdisjoint(found)
        )
        return held / total if total else 0.0

    def wants_number(self) -> bool:
        """Whether the answer is a quantity or a point in time."""
        return bool(_ASKS_NUMBER.search(self.text))


def years(text: str) -> set[str]:
    """The years that are named, as four digits: ``FY2022``, ``fiscal 2022`` and ``FY22`` are all 2022."""
    return set(_YEAR.findall(text)) | {f"20{short}" for short in _SHORT_YEAR.findall(text)}


def terms_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Distinct content words and all stems of a question, in order, at most ``MAX_TERMS`` of each."""
    text = _ASKS_EVENT.sub("", text)
    return tuple(dict.fromkeys(content_words(text)))[:MAX_TERMS], tuple(stems(text)[:MAX_TERMS])


def term_weights(stemmed: Sequence[str], frequencies: Mapping[str, int], total: int) -> dict[str, float]:
    """The inverse document frequency of each stem among ``total`` chunks and ``AT_LARGE`` of English."""
    usual = usual_words.shares()
    known = {stem: frequencies.get(stem, 0) + AT_LARGE * usual.get(stem, 0.0) for stem in stemmed}
    return inverse_frequencies(stemmed, known, total + AT_LARGE)


def inverse_frequencies(
    stemmed: Sequence[str], frequencies: Mapping[str, float], total: int
) -> dict[str, float]:
    """BM25's inverse document frequency of each stem among ``total`` chunks; never negative."""
    return {
        stem: math.log(1 + (total - known + 0.5) / (known + 0.5))
        for stem in dict.fromkeys(stemmed)
        for known in [min(frequencies.get(stem, 0), total)]
    }
