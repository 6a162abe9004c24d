"""Running text in which blank lines separate paragraphs."""

from __future__ import annotations

import re

from ingest.canonical import CanonicalText, clean
from rag.records import BlockKind

# The blank line must be matched from its line end on: searching for it from white space is quadratic.
_BLANK_LINES = re.compile(r"\n(?>[^\S\n]*\n)+")


def write_paragraphs(text: str, builder: CanonicalText) -> None:
    """Append the paragraphs of ``text``; line ends inside of them are kept."""
    for paragraph in _BLANK_LINES.split(clean(text)):
        builder.add_block(BlockKind.PARAGRAPH, paragraph)
