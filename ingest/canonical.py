"""Canonical text: the one form of a document that everything else counts offsets in.

Parsers hand their pieces to :class:`CanonicalText` in reading order and get exact offsets back. All
normalisation of characters happens here, so that a citation's ``[start, end)`` means the same
everywhere. Unicode normal form is left as the document has it: NFC would change what is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Protocol

from rag.errors import DocumentRejected
from rag.records import (
    Block,
    BlockKind,
    Member,
    Notice,
    Page,
    PageKind,
    ParsedDocument,
    Span,
    Word,
    WordTable,
)

_LINE_ENDS = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile(r"\s+")
_TIGHT = (BlockKind.TABLE_ROW, BlockKind.LIST_ITEM)

Words = Iterable[Word]


def clean(text: str) -> str:
    """Every kind of line end as ``\\n``; control characters, lone surrogates and U+FFFE/F as U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", _LINE_ENDS.sub("\n", text))


def collapse(text: str) -> str:
    """``text`` as one line: every run of white space, no-break spaces included, as one space."""
    return _SPACES.sub(" ", clean(text)).strip()


class TextLimits(Protocol):
    """The part of ``ingest.parsers.limits.ParseLimits`` that concerns text; parsers import this module."""

    @property
    def max_chars(self) -> int:
        """How many characters a document may have."""


class CanonicalText:
    """Collects blocks and pages in reading order and knows the offset of each.

    Blocks are separated by a blank line; rows of one table and items of one list by a line end. More
    than ``limits.max_chars`` characters are refused (DocumentRejected, ``limit_exceeded``).
    """

    def __init__(self, limits: TextLimits) -> None:
        self._max_chars = limits.max_chars
        self._pieces: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._pages: list[Page] = []
        self._page_start: int | None = None
        self._group_ended = True

    def __len__(self) -> int:
        return self._length

    @property
    def first_heading(self) -> str | None:
        """The text of the first heading, on one line."""
        for block in self._blocks:
            if block.kind is BlockKind.HEADING:
                return collapse("".join(self._pieces)[block.start : block.end])
        return None

    def add_block(self, kind: BlockKind, text: str, *, level: int = 0, header: bool = False) -> Span | None:
        """Append a block and return where it stands; None if nothing but white space is left of it.

        Code keeps its indentation; other blocks lose white space at both ends.
        """
        text = clean(text)
        text = text.strip("\n").rstrip() if kind is BlockKind.CODE else text.strip()
        if not text or text.isspace():
            return None
        self._append(self._separator(kind))
        start = self._length
        self._append(text)
        self._mark_page_start(start)
        self._blocks.append(Block(kind, start, self._length, level=level, header=header))
        self._group_ended = False
        return Span(start, self._length)

    def extend_block(self, joiner: str, text: str) -> Span:
        """Continue the last block, for instance across a page end; returns where ``text`` stands."""
        text = clean(text)
        self._append(joiner)
        start = self._length
        self._append(text)
        self._mark_page_start(start)
        last = self._blocks[-1]
        self._blocks[-1] = Block(last.kind, last.start, self._length, level=last.level, header=last.header)
        return Span(start, self._length)

    def end_group(self) -> None:
        """The table or list at hand is complete; rows that follow belong to another one."""
        self._group_ended = True

    def close_page(
        self,
        *,
        width: float = 0.0,
        height: float = 0.0,
        words: Words = (),
        label: str = "",
        rows: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Everything added since the last call stands on the next page; pages count from 1.

        ``label`` and ``rows`` are those of ``rag.records.Page``.
        """
        self._pages.append(
            Page(
                number=len(self._pages) + 1,
                start=self._length if self._page_start is None else self._page_start,
                end=self._length,
                width=width,
                height=height,
                words=WordTable.of(words),
                label=collapse(label),
                rows=tuple(rows),
            )
        )
        self._page_start = None

    def finish(
        self,
        media_type: str,
        *,
        title: str | None = None,
        warnings: Iterable[Notice] = (),
        pages_without_text: Iterable[int] = (),
        pages_recognised: Iterable[int] = (),
        page_kind: PageKind = PageKind.PAGE,
        members: Iterable[Member] = (),
    ) -> ParsedDocument:
        """The document. ``title`` is put on one line; the first heading stands in for a missing one."""
        return ParsedDocument(
            text="".join(self._pieces),
            media_type=media_type,
            title=collapse(title or "") or self.first_heading,
            pages=tuple(self._pages),
            blocks=tuple(self._blocks),
            warnings=tuple(warnings),
            page_count=len(self._pages),
            pages_without_text=tuple(pages_without_text),
            page_kind=page_kind,
            members=tuple(members),
            pages_recognised=tuple(pages_recognised),
        )

    def _separator(self, kind: BlockKind) -> str:
        if not self._blocks:
            return ""
        same_group = not self._group_ended and kind in _TIGHT and self._blocks[-1].kind is kind
        return "\n" if same_group else "\n\n"

    def _append(self, text: str) -> None:
        if self._length + len(text) > self._max_chars:
            raise DocumentRejected(
                "limit_exceeded",
                f"The document holds more than {self._max_chars:,} characters; split it and send the parts.",
            )
        self._pieces.append(text)
        self._length += len(text)

    def _mark_page_start(self, start: int) -> None:
        if self._page_start is None:
            self._page_start = start


def check(parsed: ParsedDocument) -> None:
    """Raise ValueError unless ``parsed`` keeps the promises made at ``rag.records.ParsedDocument``."""
    found = _FORBIDDEN.search(parsed.text)
    if found:
        raise ValueError(f"character U+{ord(found.group()):04X} at {found.start()} of a canonical text")
    _check_order("block", [Span(block.start, block.end) for block in parsed.blocks], len(parsed.text))
    _check_order("page", [Span(page.start, page.end) for page in parsed.pages], len(parsed.text))
    for block in parsed.blocks:
        if block.start == block.end or (block.level > 0) != (block.kind is BlockKind.HEADING):
            raise ValueError(f"block at {block.start} is empty or has a level that does not fit its kind")
    for number, page in enumerate(parsed.pages, start=1):
        if page.number != number:
            raise ValueError(f"page {page.number} stands where page {number} belongs")
        _check_rows(page)
        _check_words(page)


def _check_words(page: Page) -> None:
    starts, ends, left, bottom, right, top = page.words.rows.T
    outside = (starts < page.start) | (starts >= ends) | (ends > page.end)
    if outside.any():
        word = page.words[int(outside.argmax())]
        raise ValueError(f"word [{word.start}, {word.end}) lies outside its page {page.number}")
    if (starts[1:] < ends[:-1]).any() or (left > right).any() or (bottom > top).any():
        raise ValueError(f"the words of page {page.number} overlap or a box of theirs is turned around")


def _check_rows(page: Page) -> None:
    for (start, number), (following, higher) in pairwise(page.rows):
        if start >= following or number >= higher:
            raise ValueError(f"row {higher} of page {page.number} does not come after row {number}")
    if page.rows and not page.start <= page.rows[0][0] <= page.rows[-1][0] <= page.end:
        raise ValueError(f"a row of page {page.number} begins outside of it")


def _check_order(what: str, spans: list[Span], length: int) -> None:
    for span in spans:
        if not 0 <= span.start <= span.end <= length:
            raise ValueError(f"{what} [{span.start}, {span.end}) lies outside a text of {length} characters")
    for one, other in pairwise(spans):
        if other.start < one.end:
            raise ValueError(f"{what} at {other.start} begins before the one at {one.start} ends")
