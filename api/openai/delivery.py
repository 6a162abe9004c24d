"""How much of an answer is delivered: up to a stop string, or whole sentences while there is room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

FinishReason = Literal["stop", "length"]


class Delivery:
    """The text of an answer as it goes out, piece by piece; a piece is a sentence with its footnote marks.

    A sentence is delivered whole or not at all, since half a quotation is none; the first one always is.

    Args:
        max_tokens: none for no limit.
        count: how many tokens a text has.
    """

    def __init__(self, stops: Sequence[str], max_tokens: int | None, count: Callable[[str], int]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._max_tokens = max_tokens
        self._count = count
        self._used = 0
        self._taken = ""
        self._closed = False
        self.text = ""
        self.finish_reason: FinishReason = "stop"

    def take(self, written: str) -> str:
        """What of the next piece can go out now; less than all of it while a stop string may begin there."""
        if self._closed or not written:
            return ""
        if self._max_tokens is not None:
            self._used += self._count(written)
            if self._taken and self._used > self._max_tokens:
                self.finish_reason = "length"
                return self._close(len(self._taken))
        self._taken += written
        at = min((found for stop in self._stops if (found := self._taken.find(stop)) >= 0), default=None)
        if at is not None:
            return self._close(at)
        return self._until(len(self._taken) - self._undecided())

    def end(self, answer: str) -> str:
        """The rest, once the whole answer is known: what is in no sentence, such as a refusal."""
        if answer.startswith(self._taken):
            said = self.take(answer[len(self._taken) :])
        else:  # everything it was going to say was withdrawn
            said = self.take(f"\n\n{answer}")
        return said if self._closed else said + self._close(len(self._taken))

    def _close(self, at: int) -> str:
        self._closed = True
        return self._until(at)

    def _until(self, at: int) -> str:
        said = self._taken[len(self.text) : max(at, len(self.text))]
        self.text += said
        return said

    def _undecided(self) -> int:
        """The length of the longest end of the text with which a stop string begins."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for length in range(min(longest, len(self._taken)), 0, -1):
            if any(stop.startswith(self._taken[-length:]) for stop in self._stops):
                return length
        return 0
