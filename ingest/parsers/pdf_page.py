"""One PDF page as lines of text with their words, boxes and type sizes, as PDFium reports them.

Indices: PDFium counts "characters" of a page, which need not be code points of its text (a glyph may
stand for nothing or for several). ``_characters`` gives one code point per PDFium index, so that a
position in a line always leads back to the glyph it came from.
"""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import dataclass, field
from statistics import median

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingest.canonical import clean
from rag.records import Box, Word

HYPHEN_MARK = "\ufffe"
"""What PDFium puts for a hyphen at a line end; the word goes on in the next line."""

_LINE = re.compile(f"[^\r\n{HYPHEN_MARK}]+")
# Ideographs and kana are words of their own: a box per run would cover whole lines.
_IDEOGRAPH = "\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\s{_IDEOGRAPH}]+")
_SPACES = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_HYPHENATED = re.compile(r"[^\W\d_]-\s*$")
_BOLD_WEIGHT = 600
_BOLD_NAME = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_NAME_BYTES = 64
_MAX_EXTENT = 1e6  # points; far beyond any page
_UPRIGHT = 0.9  # cosine of the angle between a line of text and the horizontal


@dataclass(slots=True)
class Line:
    """A line of text: ``words`` count in ``text``, the rest is in PDF points (origin bottom left).

    ``size`` is the type size. ``hyphenated`` says that the last word ends with a hyphen that is not
    part of ``text``: whether it belongs to the word is decided when the next line is known.
    """

    text: str
    words: list[Word]
    box: Box
    baseline: float
    size: float
    bold: bool = False
    upright: bool = True
    hyphenated: bool = False

    @property
    def left(self) -> float:
        return self.box[0]

    @property
    def right(self) -> float:
        return self.box[2]


@dataclass(slots=True)
class PageText:
    """The lines of a page in PDFium's reading order."""

    number: int
    width: float = 0.0
    height: float = 0.0
    lines: list[Line] = field(default_factory=list)


def read_page(document: pdfium.PdfDocument, number: int) -> PageText:
    """Page ``number`` (from 1). Raises PdfiumError when it cannot be read."""
    page = document[number - 1]
    try:
        width, height = page.get_size()
        text_page = page.get_textpage()
        try:
            return PageText(number, width, height, list(_Glyphs(text_page).lines()))
        finally:
            text_page.close()
    finally:
        page.close()


class _Glyphs:
    """Positions of the characters of one text page, with the ctypes buffers they are read into."""

    def __init__(self, text_page: pdfium.PdfTextPage) -> None:
        self._page = text_page
        self._handle = text_page.raw
        self._numbers = [ctypes.c_double() for _ in range(4)]
        self._references = [ctypes.byref(number) for number in self._numbers]
        self._matrix = pdfium_c.FS_MATRIX()
        self._name = ctypes.create_string_buffer(_NAME_BYTES)

    def lines(self) -> list[Line]:
        characters = _SPACES.sub(" ", _characters(self._page))
        lines = []
        for match in _LINE.finditer(characters):
            line = self._line(match.group(), match.start())
            if line is not None:
                line.hyphenated = characters.startswith(HYPHEN_MARK, match.end()) or _cut_hyphen(line)
                lines.append(line)
        return lines

    def _line(self, characters: str, first: int) -> Line | None:
        # One code point stays one code point, so offsets in the line keep leading to the glyphs.
        text = characters if characters.isprintable() else clean(characters)
        words = []
        for match in _WORD.finditer(text):
            box = self._box(first + match.start(), match.end() - match.start())
            if box is not None:
                words.append(Word(match.start(), match.end(), box))
        if not words:
            return None
        samples = sorted({words[0].start, words[len(words) // 2].start, words[-1].end - 1})
        sizes, weights = zip(*(self._style(first + index) for index in samples), strict=True)
        scale, cosine = self._transformation(first + words[0].start)
        return Line(
            text=text,
            words=words,
            box=hull([word.box for word in words]),
            # The median: the first character may be a raised footnote number.
            baseline=median(self._baseline(first + index) for index in samples),
            # The largest: footnote numbers and small capitals are set smaller than their line.
            size=round(max(sizes) * scale, 2),
            bold=min(weights) >= _BOLD_WEIGHT or self._is_named_bold(first + samples[0]),
            upright=cosine >= _UPRIGHT,
        )

    def _box(self, index: int, count: int) -> Box | None:
        """The rectangle around ``count`` glyphs; None if they have no extent."""
        runs = pdfium_c.FPDFText_CountRects(self._handle, index, count)
        boxes = [box for run in range(runs) if (box := self._rectangle(run)) is not None]
        if len(boxes) == 1:
            return boxes[0]
        return hull(boxes) if boxes else None

    def _rectangle(self, run: int) -> Box | None:
        left, bottom, right, top = self._references
        if not pdfium_c.FPDFText_GetRect(self._handle, run, left, top, right, bottom):
            return None
        x0, y0, x1, y1 = self._numbers
        box = (round(x0.value, 2), round(y0.value, 2), round(x1.value, 2), round(y1.value, 2))
        # Damaged fonts give infinite or undefined extents, for which both comparisons are false.
        return box if box[2] - box[0] < _MAX_EXTENT and box[3] - box[1] < _MAX_EXTENT else None

    def _baseline(self, index: int) -> float:
        x, y = self._references[:2]
        pdfium_c.FPDFText_GetCharOrigin(self._handle, index, x, y)
        return self._numbers[1].value

    def _style(self, index: int) -> tuple[float, int]:
        """Type size before transformation, and font weight."""
        size = pdfium_c.FPDFText_GetFontSize(self._handle, index)
        return size, pdfium_c.FPDFText_GetFontWeight(self._handle, index)

    def _is_named_bold(self, index: int) -> bool:
        """By the name of the font: the standard fonts of PDF have no weight."""
        length = pdfium_c.FPDFText_GetFontInfo(self._handle, index, self._name, _NAME_BYTES, None)
        return bool(_BOLD_NAME.search(self._name.raw[: min(length, _NAME_BYTES)]))

    def _transformation(self, index: int) -> tuple[float, float]:
        """By what factor the type is scaled, and the cosine of the text's angle to the horizontal."""
        matrix = self._matrix
        if not pdfium_c.FPDFText_GetMatrix(self._handle, index, ctypes.byref(matrix)):
            return 1.0, 1.0
        width = math.hypot(matrix.a, matrix.b)
        return math.hypot(matrix.c, matrix.d) or 1.0, matrix.a / width if width else 1.0


def _cut_hyphen(line: Line) -> bool:
    """Take a hyphen off the end of ``line``: at the end of a column or page PDFium leaves it there."""
    if not _HYPHENATED.search(line.text):
        return False
    line.text = line.text.rstrip()[:-1]
    last = line.words[-1]
    line.words[-1] = Word(last.start, last.end - 1, last.box)
    return True


def _characters(text_page: pdfium.PdfTextPage) -> str:
    """One code point for every PDFium index of the page."""
    count: int = text_page.count_chars()
    text: str = text_page.get_text_range() if count else ""
    if len(text) == count:
        return text
    # Some indices have no text and others several units of it: ask for each (rare, and slower).
    return "".join(_character(text_page, index) for index in range(count))


def _character(text_page: pdfium.PdfTextPage, index: int) -> str:
    if pdfium_c.FPDFText_IsHyphen(text_page.raw, index) == 1:
        return HYPHEN_MARK
    code = pdfium_c.FPDFText_GetUnicode(text_page.raw, index)
    return chr(code) if 0 < code <= 0x10FFFF else " "


def hull(boxes: list[Box]) -> Box:
    """The smallest box around all ``boxes``."""
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
