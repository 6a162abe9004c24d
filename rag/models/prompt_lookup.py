"""Guessing the next tokens from the prompt: an answer that quotes its evidence repeats runs of it.

Prompt lookup decoding (Saxena, 2023): where the last tokens of the text occur earlier, what followed them
there is put to the model as a guess, and all of it is checked in one pass. What is written is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST_KEY = 3
_FEWEST_TRIES = 8
_WORTH_IT = 0.3
"""Share of guessed tokens that must come true; checking one costs about a quarter of writing one."""


class PromptLookup:
    """Guesses for one text.

    Args:
        prompt: its tokens; the text itself is added token by token with ``add``.
    """

    def __init__(self, prompt: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self._guessed = self._right = 0
        for token in prompt:
            self.add(token)

    def add(self, token: int) -> None:
        """Take note of the next token."""
        for size in range(1, _LONGEST_KEY + 1):
            if len(self._tokens) >= size:
                self._after[tuple(self._tokens[-size:])] = len(self._tokens)
        self._tokens.append(token)

    def guess(self, most: int) -> list[int]:
        """Up to ``most`` tokens that may follow; none where guessing has not paid so far."""
        if self._guessed >= _FEWEST_TRIES and self._right < _WORTH_IT * self._guessed:
            return []
        for size in range(_LONGEST_KEY, 1, -1):
            place = self._after.get(tuple(self._tokens[-size:]))
            if place is not None:
                return self._tokens[place : place + most]
        return []

    def learn(self, guessed: int, right: int) -> None:
        """So many tokens were guessed, and so many of them came true."""
        self._guessed += guessed
        self._right += right
