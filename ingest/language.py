"""Which language a text is written in, or that it cannot be told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

FEWEST_LETTERS = 20
LEAST_PROBABILITY = 0.5
"""Prose of one sentence has 0.9 and more; source code and columns of numbers stay under 0.2."""

_SAMPLES = 5
_SAMPLE_CHARACTERS = 800

_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Language:
    """``code`` is ISO 639-1, or 639-3 for the few languages that have no code of two letters."""

    code: str
    probability: float


def identify(text: str) -> Language | None:
    """The language of ``text``; None for too few letters, code, numbers and what is not sure.

    Of a long text five places are looked at, evenly spread, so that neither a foreign title page nor a
    list of references decides. The first call loads the model (0.5 s, 75 MB).
    """
    sample = _sample(text)
    if sum(1 for _ in _LETTER.finditer(sample)) < FEWEST_LETTERS:
        return None
    code, probability = _identifier().classify(sample)
    return Language(code, float(probability)) if probability >= LEAST_PROBABILITY else None


def _sample(text: str) -> str:
    """``text``, or five parts of it, without line breaks and lone surrogates."""
    room = _SAMPLES * _SAMPLE_CHARACTERS
    if len(text) > room:
        step = (len(text) - _SAMPLE_CHARACTERS) // (_SAMPLES - 1)
        text = " ".join(text[at * step : at * step + _SAMPLE_CHARACTERS] for at in range(_SAMPLES))
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
