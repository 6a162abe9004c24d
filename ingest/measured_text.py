"""A text weighed in the embedder's tokens, and the places where it can be cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_CHARACTERS_PER_TOKEN = 16
"""Weighs text by length where tokens do not: WordPiece makes one token of a word of any length."""

_NO_WORD = re.compile(r"[\W_]*")
"""Megabytes of commas, brackets or dots: tokenizing them takes five times as long as tokenizing prose."""
_WINDOW = 8_192
_WINDOWS_AT_ONCE = 32
"""Windows of so many characters are tokenized together, on all cores; an encoding takes about a hundred bytes
a token, so that some ten megabytes are held."""


class Tokenizer(Protocol):
    """The embedder's tokenizer, neither truncating nor padding."""

    @property
    def special_tokens(self) -> int:
        """How many the embedder adds to one text."""

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """``[start, end)`` in characters of every token, in order."""

    def starts(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Where each token of each text begins."""

    def count(self, text: str) -> int: ...

    def counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has; faster for many than ``count`` for each."""


class MeasuredText:
    """Tokenizes ``text`` once; after that every piece of it is weighed by two binary searches."""

    def __init__(self, text: str, tokenizer: Tokenizer) -> None:
        self.text = text
        self._token_starts = _token_starts(text, tokenizer)

    def weight(self, start: int, end: int) -> int:
        """Tokens of ``[start, end)``, exact where both ends are between words; more where words are huge."""
        tokens = int(np.searchsorted(self._token_starts, end) - np.searchsorted(self._token_starts, start))
        return max(tokens, -(-(end - start) // _CHARACTERS_PER_TOKEN), 1)

    def pieces(self, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
        """``[start, end)`` in trimmed pieces that weigh at most ``most``, cut at white space if possible."""
        while self.weight(start, end) > most:
            token = int(np.searchsorted(self._token_starts, start)) + most
            furthest = start + most * _CHARACTERS_PER_TOKEN
            if token < len(self._token_starts):
                furthest = min(furthest, int(self._token_starts[token]))
            cut = self.cut_before(start, max(start + 1, furthest))
            yield from self.trimmed(start, cut)
            start = cut
        yield from self.trimmed(start, end)

    def cut_before(self, start: int, furthest: int) -> int:
        """The last position after white space in the second half of the range, or ``furthest``."""
        for position in range(furthest, (start + furthest) // 2, -1):
            if self.text[position - 1].isspace():
                return position
        return furthest

    def trimmed(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """``[start, end)`` without white space at its ends; nothing if nothing else is there."""
        piece = self.text[start:end]
        left = len(piece) - len(piece.lstrip())
        if left < len(piece):
            yield start + left, start + len(piece.rstrip())


def _token_starts(text: str, tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Where each token of ``text`` begins, in order; read in windows that end at white space."""
    found: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    windows = list(_windows(text))
    for first in range(0, len(windows), _WINDOWS_AT_ONCE):
        some = windows[first : first + _WINDOWS_AT_ONCE]
        bare = [_NO_WORD.fullmatch(text, *window) is not None for window in some]
        wordy = [text[start:end] for (start, end), is_bare in zip(some, bare, strict=True) if not is_bare]
        tokenized = iter(tokenizer.starts(wordy))
        for (start, end), is_bare in zip(some, bare, strict=True):
            found.append((_seen(text[start:end]) if is_bare else next(tokenized)) + start)
    return np.maximum.accumulate(np.concatenate(found))


def _seen(bare: str) -> NDArray[np.int64]:
    """Where the tokens of a text without words begin: each of its characters is one, or a part of one."""
    return np.array([at for at, character in enumerate(bare) if not character.isspace()], dtype=np.int64)


def _windows(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = min(len(text), start + _WINDOW)
        if end < len(text):
            end = _after_last_space(text, start, end)
        yield start, end
        start = end


def _after_last_space(text: str, start: int, end: int) -> int:
    cut = max(text.rfind(space, start + _WINDOW // 2, end) for space in " \n")
    return cut + 1 if cut >= 0 else end
