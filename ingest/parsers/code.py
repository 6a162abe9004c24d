"""Source code and configuration: the file's own text, with its line numbers.

Nothing is added or taken away, so that a quotation can be found in the file. Blocks begin where a
reader would cut: after blank lines at the outermost level, and at definitions with the comments and
decorators above them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from ingest.canonical import clean
from ingest.encodings import decode
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.sniffing import CODE
from rag.errors import DocumentRejected
from rag.records import Block, BlockKind, Page, PageKind, ParsedDocument

# Editors do not count them as line ends, canonical text does: the numbers would differ.
_UNCOUNTED = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
_LINE = re.compile(r"[^\n]+")
_DEFINITION = re.compile(
    r"[ \t]{0,8}(?>(?:export|default|public|private|protected|internal|static|final|abstract|async|unsafe|"
    r"inline|virtual|override|extern|sealed|open|data|pub(?:\([a-z]+\))?)[ \t]+){0,5}+"
    r"(?:def|class|function|func|fun|fn|interface|struct|enum|trait|impl|module|mod|namespace|protocol|"
    r"extension|object|record|sub|procedure|package|resource)\b"
)
_ABOVE = re.compile(r"\s*(?:@|#|//|/\*|\*|--|;|\[)")  # decorators, attributes and comments
_CLOSING = re.compile(r"[\])}]|(?:end|else|elif|except|finally|catch|fi|done|esac)\b")


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """One page of lines; its rows are the lines that are not empty, counted from 1."""
    text = clean(_UNCOUNTED.sub(" ", decode(data)[0]))
    if len(text) > limits.max_chars:
        raise DocumentRejected(
            "limit_exceeded",
            f"The file holds more than {limits.max_chars:,} characters; split it and send the parts.",
        )
    if text.isspace():
        text = ""
    rows = []
    number, reached = 1, 0
    for line in _LINE.finditer(text):
        number += text.count("\n", reached, line.start())
        reached = line.start()
        rows.append((line.start(), number))
    return ParsedDocument(
        text=text,
        media_type=CODE,
        title=PurePath(name).name or None,
        pages=(Page(1, 0, len(text), rows=tuple(rows)),) if text else (),
        blocks=tuple(_blocks(text)),
        page_count=1 if text else 0,
        page_kind=PageKind.LINES,
    )


def _blocks(text: str) -> Iterator[Block]:
    """Blocks of whole lines that cover everything but the blank lines between them."""
    start = end = above = -1
    after_blank = True
    for found in _LINE.finditer(text):
        line = found.group()
        if line.isspace():
            after_blank = True
            continue
        after_blank |= text.startswith("\n\n", found.start() - 2)
        is_definition = _DEFINITION.match(line) is not None
        is_outermost = not line[0].isspace() and not _CLOSING.match(line)
        # What stands directly above a definition belongs to it.
        cut = above if is_definition and above >= 0 and not after_blank else found.start()
        if start >= 0 and start < cut and (is_definition or (after_blank and is_outermost)):
            yield Block(BlockKind.CODE, start, len(text[start:cut].rstrip()) + start)
            start = cut
        elif start < 0:
            start = found.start()
        if not _ABOVE.match(line):
            above = -1
        elif above < 0 or after_blank:
            above = found.start()
        end, after_blank = found.end(), False
    if start >= 0:
        yield Block(BlockKind.CODE, start, end)
