"""From token bytes to text that may be shown: whole characters, no stop string, no half footnote."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

_SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s)|\n")
_FOOTNOTE = re.compile(r"\s*\[\d+\]")


class TextStream:
    """Decodes UTF-8 piece by piece and holds back what later tokens could still turn into something else.

    Args:
        stop: strings that end the text; neither they nor anything after them is given out.
        hold_brackets: keep text from an open ``[`` on until it is closed, so that a text cut off by
            a limit never ends in half a footnote.
    """

    def __init__(self, stop: Sequence[str] = (), *, hold_brackets: bool = False) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(stop)
        self._hold_brackets = hold_brackets
        self._pending = ""
        self.stopped = False
        """A stop string was met; nothing more will come."""

    def feed(self, piece: bytes) -> str:
        """Add a token's bytes; returns the text that is now certain."""
        if self.stopped:
            return ""
        self._pending += self._decoder.decode(piece)
        found = [place for place in map(self._pending.find, self._stop) if place >= 0]
        if found:
            self.stopped = True
            text, self._pending = self._pending[: min(found)], ""
            return text
        return self._release(len(self._pending) - self._held())

    def finish(self) -> str:
        """The rest, once no token will follow. A half character comes out as U+FFFD."""
        if self.stopped:
            return ""
        self._pending += self._decoder.decode(b"", final=True)
        open_at = self._open_bracket()
        return self._release(len(self._pending) if open_at is None else open_at)

    def _release(self, size: int) -> str:
        text, self._pending = self._pending[:size], self._pending[size:]
        return text

    def _held(self) -> int:
        """How many characters at the end may still belong to a stop string or an open footnote."""
        held = 0
        for stop in self._stop:
            for size in range(min(len(stop) - 1, len(self._pending)), held, -1):
                if self._pending.endswith(stop[:size]):
                    held = size
                    break
        open_at = self._open_bracket()
        return held if open_at is None else max(held, len(self._pending) - open_at)

    def _open_bracket(self) -> int | None:
        if not self._hold_brackets:
            return None
        open_at = self._pending.rfind("[")
        return open_at if open_at > self._pending.rfind("]") else None


class RepetitionGuard:
    """Notices when a text says a sentence for the second time, as small models do when they run dry.

    Sentences end at ``.``, ``!`` or ``?`` before white space, and at line ends. Shorter ones than
    ``min_words`` may repeat ("Yes.", "1.").
    """

    def __init__(self, min_words: int = 4) -> None:
        self._min_words = min_words
        self._open = ""
        self._seen: set[str] = set()

    def feed(self, text: str) -> bool:
        """Add text; True when a sentence that was completed had been said before."""
        *closed, self._open = _SENTENCE_END.split(self._open + text)
        for sentence in closed:
            key = " ".join(_FOOTNOTE.sub("", sentence).casefold().split())
            if len(key.split()) < self._min_words:
                continue
            if key in self._seen:
                return True
            self._seen.add(key)
        return False
