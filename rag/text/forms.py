"""A text as it is searched. What is quoted is always the text itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag.records import Chunk, Span

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
"""Characters nobody sees: soft hyphens, zero-width spaces, direction marks, tags. Joiners (U+200C, U+200D)
stay: Persian and Indic words are spelt with them."""


def search_form(text: str) -> str:
    """In compatibility form (NFKC: ligatures, full-width and superscript characters become plain ones) and
    without invisible characters, so that a word is found however it was typeset."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def spoken(text: str, chunk: Chunk) -> str:
    """What a chunk says: its piece of ``text`` without what is omitted from it."""
    omitted = [Span(span.start - chunk.start, span.end - chunk.start) for span in chunk.omitted]
    return without(text[chunk.start : chunk.end], omitted)


def without(text: str, omitted: Sequence[Span]) -> str:
    """``text`` without some spans, which are in order."""
    ends = [0, *(span.end for span in omitted)]
    starts = [*(span.start for span in omitted), len(text)]
    return "".join(text[start:end] for start, end in zip(ends, starts, strict=True))
