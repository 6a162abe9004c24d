"""Makes it impossible to write anything but a piece of a given text.

A generation under this constraint copies one run of whole words from one of its sources, so that what it
says is verbatim by construction. The choice is made over bytes: a token may come next when its bytes are
what stands at one of the places that the text so far may have been copied from. How a model cuts words
into tokens makes no difference to that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from rag.models.generation import CopiedSpan
from rag.models.sampling import Logits

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # written without spaces: each may begin or end a copy
    r"|(?<![^\W_]['’])[$€£¥+-]?[^\W_]+(?:[-–.,:/&][^\W_]+|['’](?!s\b)[^\W_]+)*[%°+]?"
)
"""What is only copied whole: ``1,000``, ``second-largest``, ``$3.50``, ``U.S``, ``12%``; of ``Luther's`` also
``Luther``."""
_CLOSING = re.compile(rb" ?\.*\]? *(?:\[(?:\d{0,3}\]?)?|\n+)?\.?")
_LONGEST_PIECE = 24
"""Bytes. A longer token is never the only way to write its text."""
_WALL = b"\xff"
"""Stands between sources; no byte of UTF-8."""

Ids = NDArray[np.intp]


class CopyVocabulary:
    """The tokens of a model by their bytes, arranged once per model.

    Args:
        pieces: the bytes of each token by id; control tokens are empty.
        end_tokens: those that end a turn.
    """

    def __init__(self, pieces: Sequence[bytes], end_tokens: frozenset[int]) -> None:
        self.by_bytes: dict[bytes, list[int]] = {}
        for token, piece in enumerate(pieces):
            if 0 < len(piece) <= _LONGEST_PIECE and _WALL not in piece:
                self.by_bytes.setdefault(piece, []).append(token)
        closing = {i for i, piece in enumerate(pieces) if piece.strip(b" ") and _CLOSING.fullmatch(piece)}
        self.closing: Ids = np.asarray(sorted(closing | end_tokens), dtype=np.intp)
        """By these a model shows that its answer is complete: the end of its turn, of a sentence or of a
        line, or a footnote."""
        self.end = min(end_tokens, default=min(closing, default=0))
        """The one that stands for all of them once a copy is masked."""


class CopyConstraint:
    """One copy: mask the logits before each choice, then report the chosen token.

    Args:
        vocabulary: of the model that writes.
        sources: the texts to copy from, best first; a run of white space in them counts as one space.
    """

    def __init__(self, vocabulary: CopyVocabulary, sources: Sequence[str]) -> None:
        self._vocabulary = vocabulary
        self._text = _SourceText(sources)
        self._matches: dict[int, list[tuple[int, int]]] = {}
        self._live = self._text.starts
        """Where the next byte may stand. Every place has the same number of bytes copied before it."""
        self._written = 0

    def mask(self, logits: Logits) -> None:
        """Set every token that may not come next to ``-inf``, in place.

        A model can show in many ways that it has finished, and only in one how it would go on. Their
        probabilities are added up, and the sum is given to the ``end`` token of the vocabulary.
        """
        going_on = self._going_on()
        kept = logits[going_on]
        closing = np.setdiff1d(self._vocabulary.closing, going_on)
        ending = float(np.logaddexp.reduce(logits[closing].astype(np.float64)))
        logits.fill(-np.inf)
        logits[going_on] = kept
        if self._may_end() or not going_on.size:
            logits[self._vocabulary.end] = ending

    def accept(self, token: int) -> bool:
        """Take note of the token that was chosen; False when it ends the copy and is no part of it."""
        steps = [
            (place + size, size) for place in self._live for one, size in self._at(place) if one == token
        ]
        if not steps:
            return False
        self._live = [place for place, _ in steps]
        self._written += steps[0][1]
        return True

    @property
    def copied(self) -> CopiedSpan | None:
        """What has been copied, as offsets of the sources as they were given, up to its last whole word."""
        if not self._written:
            return None
        text = self._text
        spans = [(place - self._written, text.last_end(place)) for place in self._live]
        whole = [(end, start) for start, end in spans if end > start]
        if not whole:
            return None
        end, start = max(whole, key=lambda span: (span[0] - span[1], -span[0]))
        return text.span(start, end)

    def _may_end(self) -> bool:
        return self._written > 0 and any(place in self._text.ends for place in self._live)

    def _going_on(self) -> Ids:
        ids = {token for place in self._live for token, _ in self._at(place)}
        return np.fromiter(ids, dtype=np.intp, count=len(ids))

    def _at(self, place: int) -> list[tuple[int, int]]:
        """Tokens whose bytes stand at ``place``, with their sizes, not beyond the last word of a source."""
        if place not in self._matches:
            data, by_bytes = self._text.data, self._vocabulary.by_bytes
            longest = min(_LONGEST_PIECE, self._text.limit(place) - place)
            self._matches[place] = [
                (token, size)
                for size in range(1, longest + 1)
                for token in by_bytes.get(data[place : place + size], ())
            ]
        return self._matches[place]


class _SourceText:
    """The sources as one run of bytes, with the places where a copy may begin and end.

    ``starts`` are offsets into ``data`` of the first byte of each word and of the space before it (most
    tokens bring their space along); a copy may end before any byte in ``ends``.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.starts: list[int] = []
        self.ends: set[int] = set()
        self._begins: list[int] = []
        self._origins: list[list[int]] = []
        """For each source, where each byte's character stands in it."""
        data = bytearray()
        for source in sources:
            self._begins.append(len(data) + 1)
            text, origins = _one_line(source)
            sizes = [len(character.encode("utf-8", "replace")) for character in text]
            offsets = list(accumulate(sizes, initial=len(data) + 1))
            data += b" " + text.encode("utf-8", "replace") + _WALL
            self._origins.append(
                [at for at, size in zip(origins, sizes, strict=True) for _ in range(size)] + [len(source)]
            )
            for match in _WORD.finditer(text):
                start = offsets[match.start()]
                self.starts += [start - 1, start] if data[start - 1] == ord(" ") else [start]
                self.ends.add(offsets[match.end()])
        self.data = bytes(data)
        self._sorted_ends = np.asarray(sorted(self.ends), dtype=np.intp)
        self._limits = [self._last_word_end(number) for number in range(len(sources))]

    def limit(self, place: int) -> int:
        """The end of the last word of the source in which ``place`` lies."""
        return self._limits[self._source_of(place)]

    def last_end(self, place: int) -> int:
        """The last end of a word at or before ``place``; -1 if there is none."""
        at = int(np.searchsorted(self._sorted_ends, place, side="right"))
        return int(self._sorted_ends[at - 1]) if at else -1

    def span(self, start: int, end: int) -> CopiedSpan:
        """The bytes ``[start, end)``, which lie in one source, as code points of it."""
        source = self._source_of(end)
        start += self.data[start : start + 1] == b" "
        begin, origins = self._begins[source], self._origins[source]
        return CopiedSpan(source, origins[start - begin], origins[end - begin - 1] + 1)

    def _source_of(self, place: int) -> int:
        return int(np.searchsorted(self._begins, place + 1, side="right")) - 1

    def _last_word_end(self, source: int) -> int:
        begin = self._begins[source]
        return max(begin, self.last_end(begin + len(self._origins[source]) - 1))


def _one_line(text: str) -> tuple[str, list[int]]:
    """``text`` with each run of white space as one space, and where each character came from."""
    characters: list[str] = []
    origins: list[int] = []
    for at, character in enumerate(text):
        space = character.isspace()
        if space and (not characters or characters[-1] == " "):
            continue
        characters.append(" " if space else character)
        origins.append(at)
    return "".join(characters), origins
