"""Plain text: paragraphs at blank lines, pages at form feeds."""

from __future__ import annotations

import re

from ingest.canonical import CanonicalText, clean
from ingest.encodings import decode
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.sniffing import PLAIN
from rag.errors import DocumentRejected
from rag.records import BlockKind, ParsedDocument

# The blank line must be matched from its line end on: searching for it from white space is quadratic.
_BLANK_LINES = re.compile(r"\n(?>[^\S\n]*\n)+")


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Line ends inside a paragraph are kept: in plain text they may be verses, a list or a table."""
    text, _ = decode(data)
    builder = CanonicalText(limits)
    pages = text.split("\f")
    if len(pages) > limits.max_pages:
        raise DocumentRejected(
            "limit_exceeded",
            f"The text has more than {limits.max_pages:,} pages; split it and send the parts.",
        )
    for page in pages:
        for paragraph in _BLANK_LINES.split(clean(page)):
            builder.add_block(BlockKind.PARAGRAPH, paragraph)
        if len(pages) > 1:
            builder.close_page()
    return builder.finish(PLAIN)
