"""Forms a word may have been meant as: one slip of the keyboard away, or with another ending."""

from __future__ import annotations

import string
from collections.abc import Mapping

_SHORTEST = 5
"""Shorter words have too many neighbours to guess from."""
_ENDING = 3


def variants(word: str) -> set[str]:
    """Every string one edit away (a letter missing, added, changed or out of place), and the word with up to
    three last letters cut off.

    Looking these up in a vocabulary costs the same however large it is. P. Norvig, How to write a
    spelling corrector, 2007; F. Damerau, CACM 7(3), 1964, on single edits being most of all errors.
    """
    if len(word) < _SHORTEST or not word.isalpha():
        return set()
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    found = {left + right[1:] for left, right in splits if right}
    found |= {
        rest[:to] + letter + rest[to:]
        for letter, rest in ((right[0], left + right[1:]) for left, right in splits if right)
        for to in range(len(word))
    }
    for letter in string.ascii_lowercase:
        found |= {left + letter + right for left, right in splits}
        found |= {left + letter + right[1:] for left, right in splits if right}
    found |= {word[:-cut] for cut in range(1, _ENDING + 1) if len(word) - cut >= _SHORTEST}
    return found - {word}


def most_common(forms: Mapping[str, int]) -> str | None:
    """The form that occurs most often, the first in the alphabet among equals; None if there is none."""
    return min(forms, key=lambda form: (-forms[form], form), default=None)
