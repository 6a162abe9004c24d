"""The paragraphs of PDF pages as canonical text, and their words where the text has them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ingest.canonical import CanonicalText
from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf_flow import Hyphenation
from ingest.parsers.pdf_layout import Paragraph
from ingest.parsers.pdf_page import Line, PageText, Run
from ingest.parsers.pdf_rows import cells
from ingest.parsers.tables import CELL_SEPARATOR
from rag.records import NO_WORDS, BlockKind, Notice, WordTable


@dataclass(slots=True)
class _Piece:
    """Text under construction, and which characters of the page it is made of."""

    text: str = ""
    runs: list[Run] = field(default_factory=list)

    def add(self, line: Line, start: int, end: int) -> None:
        """Append ``line.text[start:end]``."""
        shift = len(self.text) - start
        for run in line.runs:
            first, last = max(start, run.start), min(end, run.start + run.length)
            if first < last:
                self.runs.append(Run(first + shift, run.place + first - run.start, last - first))
        self.text += line.text[start:end]


class Writer:
    """Puts paragraphs into the canonical text and keeps track of where their words end up."""

    def __init__(self, limits: ParseLimits, hyphenation: Hyphenation) -> None:
        self.text = CanonicalText(limits)
        self._words_left = limits.max_words
        self._hyphenation = hyphenation
        self._open: Line | None = None

    def write_page(self, page: PageText, found: list[Paragraph]) -> None:
        runs: list[Run] = []
        for previous, paragraph in zip([None, *found], found, strict=False):
            if previous is not None and previous.kind is not paragraph.kind:
                self.text.end_group()
            runs += self._write(paragraph)
        self._words_left -= len(page.words)
        words = _placed(page.words, runs) if self._words_left >= 0 else NO_WORDS
        self.text.close_page(width=page.width, height=page.height, words=words, label=page.label)

    def notices(self) -> list[Notice]:
        """What a reader of the document should know about what was written."""
        if self._words_left >= 0:
            return []
        return [Notice("positions_omitted", "The PDF is so long that its last pages have no word positions.")]

    def _write(self, paragraph: Paragraph) -> list[Run]:
        piece = (
            self._row(paragraph.lines[0]) if paragraph.kind is BlockKind.TABLE_ROW else self._join(paragraph)
        )
        if paragraph.continues and self._open is not None:
            joiner = self._joiner(self._open, paragraph.lines[0])
            start = self.text.extend_block(joiner, piece.text).start
        else:
            if paragraph.header:
                self.text.end_group()
            span = self.text.add_block(
                paragraph.kind, piece.text, level=paragraph.level, header=paragraph.header
            )
            if span is None:
                return []
            start = span.start
        self._open = paragraph.lines[-1]
        return [Run(run.start + start, run.place, run.length) for run in piece.runs]

    def _join(self, paragraph: Paragraph) -> _Piece:
        """The lines of a paragraph as one line of text."""
        piece = _Piece()
        for previous, line in zip([None, *paragraph.lines], paragraph.lines, strict=False):
            if previous is not None:
                piece.text += self._joiner(previous, line)
            piece.add(line, 0, len(line.text))
        if paragraph.lines[-1].hyphenated and not paragraph.interrupted:
            piece.text += "-"
        return piece

    def _row(self, line: Line) -> _Piece:
        piece = _Piece()
        for start, end in cells(line):
            if piece.text:
                piece.text += CELL_SEPARATOR
            piece.add(line, start, end)
        return piece

    def _joiner(self, line: Line, following: Line) -> str:
        if line.hyphenated:
            return self._hyphenation.joiner(line.text, following.text)
        return "" if _is_ideographic(line.text[-1:]) and _is_ideographic(following.text[:1]) else " "


def _placed(words: WordTable, runs: list[Run]) -> WordTable:
    """The words of a page, with places in the canonical text instead of places on the page.

    ``runs`` say which characters of the page stand where in the canonical text. Words that are in none
    of them are left out.
    """
    if not runs:
        return NO_WORDS
    table = np.array([(run.place, run.place + run.length, run.start - run.place) for run in runs])
    first, end, shift = table[np.argsort(table[:, 0])].T
    of = np.searchsorted(first, words.rows[:, 0], side="right") - 1
    moved = words.rows.copy()
    moved[:, 0] += shift[of].astype(np.int32)
    # A hyphen at a line end belongs to its word on the page, but not to the text.
    moved[:, 1] = np.minimum(moved[:, 1], end[of]) + shift[of]
    moved = moved[(of >= 0) & (words.rows[:, 0] < end[of])]
    return WordTable(moved[np.argsort(moved[:, 0])])


def _is_ideographic(char: str) -> bool:
    """Chinese and Japanese are written without spaces, so none belongs between their lines."""
    return "\u2e80" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff" or "\uff01" <= char <= "\uff60"
