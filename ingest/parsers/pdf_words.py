"""The characters of a PDF page divided into lines and words, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.parsers.pdf_glyphs import HYPHEN_MARK, Numbers

# CJK radicals to kana, unified ideographs, compatibility ideographs, fullwidth forms.
_IDEOGRAPHS = ((0x2E80, 0x30FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0xFF01, 0xFF60))
_LINE_FEED, _RETURN, _SPACE_CODE = 10, 13, 32


@dataclass(frozen=True, slots=True)
class Words:
    """Where the words of ``characters`` start and end, and which of them are first and last of a line.

    ``hyphenated`` says which lines end with a hyphen mark.
    """

    characters: str
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    hyphenated: list[bool]

    def smallest(self, values: Numbers) -> Numbers:
        """Of values of the words, the smallest in each line; what is not a number does not count."""
        return np.fmin.reduceat(values, self.first)

    def largest(self, values: Numbers) -> Numbers:
        """Of values of the words, the largest in each line; what is not a number does not count."""
        return np.fmax.reduceat(values, self.first)


def words_of(characters: str) -> Words:
    """``characters`` divided at spaces, line ends and hyphen marks; every ideograph is a word."""
    codes = np.frombuffer(characters.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    at_break = (codes == _LINE_FEED) | (codes == _RETURN) | (codes == ord(HYPHEN_MARK))
    inside = ~(at_break | (codes == _SPACE_CODE))
    starting = inside.copy()
    starting[1:] &= ~inside[:-1]
    ending = inside.copy()
    ending[:-1] &= ~inside[1:]
    ideograph = _ideographs(codes)
    if ideograph is not None:
        starting |= ideograph
        starting[1:] |= ideograph[:-1] & inside[1:]
        ending |= ideograph
        ending[:-1] |= ideograph[1:] & inside[:-1]
    starts, ends = np.flatnonzero(starting), np.flatnonzero(ending) + 1
    breaks = np.flatnonzero(at_break)
    line_of = np.searchsorted(breaks, starts)
    first = np.flatnonzero(np.diff(line_of, prepend=-1))
    marks = [*(codes[breaks] == ord(HYPHEN_MARK)).tolist(), False]
    hyphenated = [marks[line] for line in line_of[first].tolist()]
    return Words(characters, starts, ends, first, np.append(first[1:], len(starts)) - 1, hyphenated)


def _ideographs(codes: NDArray[np.uint32]) -> NDArray[np.bool_] | None:
    """Which characters are ideographs or kana; None if there are none.

    Each is a word of its own, since a box per run of them would cover whole lines.
    """
    if not len(codes) or codes.max() < _IDEOGRAPHS[0][0]:
        return None
    found = np.zeros(len(codes), dtype=np.bool_)
    for first, last in _IDEOGRAPHS:
        found |= (codes >= first) & (codes <= last)
    return found
