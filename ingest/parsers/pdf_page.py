"""One PDF page as lines of text with their words, boxes and type sizes.

Everything is in points on the page as it is displayed (see ``rag.records``), so that a page that is
turned reads like any other. The words of a page stay one table of numbers; what a line needs of them is
worked out for all lines at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from ingest.canonical import clean
from ingest.parsers.pdf_glyphs import Glyphs, Numbers
from ingest.parsers.pdf_view import View
from ingest.parsers.pdf_words import Words, words_of
from rag.records import NO_WORDS, Box, WordTable

_SPACE = re.compile(r"\s")
_ODD_SPACE = re.compile(r"[^\S\r\n ]")
_BOLD_WEIGHT = 600
_BOLD_NAME = re.compile(rb"bold|black|heavy", re.IGNORECASE)
_MAX_EXTENT = 1e6  # points; far beyond any page
_UPRIGHT = 0.9  # cosine of the angle between a line of text and the horizontal
_GAP = 1.0  # em; narrower gaps between words are never looked at again
_ASCENT = 0.8  # em above the baseline, where nothing better is known


class Run(NamedTuple):
    """``length`` characters of a line, from ``start`` on, are those from ``place`` on of its page."""

    start: int
    place: int
    length: int


class Gap(NamedTuple):
    """A wide gap between the characters ``end`` (exclusive) and ``start`` of a line, in points."""

    end: int
    start: int
    width: float


@dataclass(slots=True)
class Line:
    """A line of text, without white space at its ends.

    ``runs`` lead back to the characters of the page; ``gaps`` are those wide enough to matter;
    ``first_width`` is the width of its first word. ``size`` is the type size. ``hyphenated`` says that
    the last word ends with a hyphen that is not part of ``text``: whether it belongs to the word is
    decided when the next line is known. ``furniture``: a running head or foot, or a page number.
    """

    text: str
    runs: tuple[Run, ...]
    box: Box
    baseline: float
    size: float
    first_width: float = 0.0
    gaps: tuple[Gap, ...] = ()
    bold: bool = False
    upright: bool = True
    hyphenated: bool = False
    furniture: bool = False

    @property
    def left(self) -> float:
        return self.box[0]

    @property
    def right(self) -> float:
        return self.box[2]


@dataclass(slots=True)
class PageText:
    """The lines of a page in reading order, and its words by the place of their characters on the page.

    ``approximate`` says that some words had no box of their own and have that of their line. ``blank``
    says that there is nothing on the page at all. ``label`` is the number printed on it, if it is another.
    """

    number: int
    width: float = 0.0
    height: float = 0.0
    lines: list[Line] = field(default_factory=list)
    words: WordTable = NO_WORDS
    approximate: bool = False
    blank: bool = False
    label: str = ""


def read_page(document: pdfium.PdfDocument, number: int) -> PageText:
    """Page ``number`` (from 1) as its text layer has it. Raises PdfiumError when it cannot be read."""
    page = document[number - 1]
    try:
        text_page = page.get_textpage()
        try:
            return _read(number, page, Glyphs(text_page))
        finally:
            text_page.close()
    finally:
        page.close()


def page_of_words(
    number: int, width: float, height: float, rows: Sequence[Sequence[tuple[str, Box]]]
) -> PageText:
    """A page from ``rows`` of words with their boxes, for instance as recognised in its picture."""
    characters = "\n".join(" ".join(_SPACE.sub(" ", word) for word, _ in row) for row in rows)
    words = words_of(characters)
    if not len(words.starts):
        return PageText(number, width, height)
    given = [box for row in rows for _, box in row]
    lengths = [len(word) + 1 for row in rows for word, _ in row]
    # What is one word to the caller can be several here, or none.
    of = np.searchsorted(np.cumsum(lengths), words.starts, side="right")
    boxes = np.array(given, dtype=np.float64)[of]
    heights = words.largest(boxes[:, 3] - boxes[:, 1])
    type_ = _Type(
        baselines=words.smallest(boxes[:, 1]) + (1 - _ASCENT) * heights,
        sizes=heights,
        bold=np.zeros(len(heights), dtype=bool),
        upright=np.ones(len(heights), dtype=bool),
    )
    return PageText(number, width, height, _lines(words, boxes, type_), _table(words, boxes))


def _read(number: int, page: pdfium.PdfPage, glyphs: Glyphs) -> PageText:
    view = View(page)
    words = words_of(_ODD_SPACE.sub(" ", glyphs.characters()))
    if not len(words.starts):
        is_blank = pdfium_c.FPDFPage_CountObjects(page.raw) == 0
        return PageText(number, view.width, view.height, blank=is_blank)
    ends = view.boxes(glyphs.boxes(np.concatenate((words.starts, words.ends - 1))))
    first, last = np.split(ends, 2)
    boxes = np.hstack((np.minimum(first[:, :2], last[:, :2]), np.maximum(first[:, 2:], last[:, 2:])))
    type_ = _type(glyphs, words, view)
    known = _known(boxes)
    approximate = not known.all()
    if approximate:
        origins = view.points(glyphs.origins(words.starts[words.first]))
        _mend(boxes, known, words, origins, type_)
    return PageText(
        number, view.width, view.height, _lines(words, boxes, type_), _table(words, boxes), approximate
    )


@dataclass(frozen=True, slots=True)
class _Type:
    """How each line is set."""

    baselines: Numbers
    sizes: Numbers
    bold: NDArray[np.bool_]
    upright: NDArray[np.bool_]


def _type(glyphs: Glyphs, words: Words, view: View) -> _Type:
    """From three glyphs of each line: the first of its first word, one in the middle, and the last."""
    begin = words.starts[words.first]
    middle = words.starts[(words.first + words.last + 1) // 2]
    end = words.ends[words.last] - 1
    samples = np.concatenate((begin, middle, end))
    a, b, c, d = glyphs.matrices(begin).T
    scale, length = np.hypot(c, d), np.hypot(a, b)
    along = view.directions(np.stack((a, b), axis=1))
    baselines = view.points(glyphs.origins(samples))[:, 1].reshape(3, -1)
    sizes = glyphs.sizes(samples).reshape(3, -1)
    bold = glyphs.weights(begin) >= _BOLD_WEIGHT
    bold[bold] &= glyphs.weights(middle[bold]) >= _BOLD_WEIGHT
    bold[bold] &= glyphs.weights(end[bold]) >= _BOLD_WEIGHT
    bold |= np.fromiter(map(_is_bold_name, glyphs.font_names(begin)), dtype=bool, count=len(begin))
    return _Type(
        # The median: the first character may be a raised footnote number.
        baselines=_sane(np.sort(baselines, axis=0)[1]),
        # The largest: footnote numbers and small capitals are set smaller than their line.
        sizes=_sane(sizes.max(axis=0) * np.where(scale > 0, scale, 1.0)),
        bold=bold,
        upright=(along[:, 0] >= _UPRIGHT * length) | (length == 0),
    )


def _sane(lengths: Numbers) -> Numbers:
    """In hundredths of a point and within bounds, whatever a damaged font says."""
    bounded: Numbers = np.clip(np.nan_to_num(lengths), -_MAX_EXTENT, _MAX_EXTENT)
    return bounded.round(2)


@lru_cache(maxsize=1024)
def _is_bold_name(name: bytes) -> bool:
    """The standard fonts of PDF have no weight but in their name."""
    return bool(_BOLD_NAME.search(name))


def _known(boxes: Numbers) -> NDArray[np.bool_]:
    """Which boxes are boxes: the fonts of a document can be damaged or have no extent."""
    heights = boxes[:, 3] - boxes[:, 1]
    # What is infinite or not a number fails every comparison.
    known: NDArray[np.bool_] = (np.abs(boxes).max(axis=1) < _MAX_EXTENT) & (heights > 0)
    return known


def _mend(boxes: Numbers, known: NDArray[np.bool_], words: Words, origins: Numbers, type_: _Type) -> None:
    """Give words whose box is not known that of their line, in place."""
    boxes[~known] = np.nan
    hulls = _hulls(words, boxes)
    x, y = np.clip(np.nan_to_num(origins), -_MAX_EXTENT, _MAX_EXTENT).T
    size = np.clip(type_.sizes, 1.0, _MAX_EXTENT)
    length = words.ends[words.last] - words.starts[words.first]
    guesses = np.stack((x, y - (1 - _ASCENT) * size, x + 0.5 * size * length, y + _ASCENT * size), axis=1)
    hulls = np.where(np.isnan(hulls), guesses, hulls)
    line_of = np.repeat(np.arange(len(hulls)), np.diff(words.first, append=len(boxes)))
    boxes[~known] = hulls[line_of[~known]]


def _hulls(words: Words, boxes: Numbers) -> Numbers:
    """The smallest box around each line."""
    return np.hstack(
        (np.fmin.reduceat(boxes[:, :2], words.first), np.fmax.reduceat(boxes[:, 2:], words.first))
    )


def _table(words: Words, boxes: Numbers) -> WordTable:
    """Places on the page in the first two columns, for want of a canonical text."""
    scaled = np.rint(boxes * WordTable.SCALE)
    return WordTable(np.column_stack((words.starts, words.ends, scaled)).astype(np.int32))


def _lines(words: Words, boxes: Numbers, type_: _Type) -> list[Line]:
    characters = words.characters
    lines = []
    for start, end, box, baseline, size, bold, upright, hyphenated, gaps, width in zip(
        words.starts[words.first].tolist(),
        words.ends[words.last].tolist(),
        np.round(_hulls(words, boxes), 2).tolist(),
        type_.baselines.tolist(),
        type_.sizes.tolist(),
        type_.bold.tolist(),
        type_.upright.tolist(),
        words.hyphenated,
        _gaps(words, boxes, type_.sizes),
        (boxes[words.first, 2] - boxes[words.first, 0]).tolist(),
        strict=True,
    ):
        text = characters[start:end]
        if text[-1] == "-" and text[-2:-1].isalpha():  # PDFium leaves it at the end of a column or page
            text, hyphenated = text[:-1], True
        lines.append(
            Line(
                # One code point stays one code point, so that places keep leading to the glyphs.
                text=text if text.isprintable() else clean(text),
                runs=(Run(0, start, len(text)),),
                box=tuple(box),
                baseline=baseline,
                size=size,
                first_width=width,
                gaps=gaps,
                bold=bold,
                upright=upright,
                hyphenated=hyphenated,
            )
        )
    return lines


def _gaps(words: Words, boxes: Numbers, sizes: Numbers) -> list[tuple[Gap, ...]]:
    """The wide gaps of each line."""
    found: list[list[Gap]] = [[] for _ in words.first]
    widths = boxes[1:, 0] - boxes[:-1, 2]
    line_of = np.repeat(np.arange(len(words.first)), np.diff(words.first, append=len(boxes)))
    wide = (line_of[1:] == line_of[:-1]) & (widths > _GAP * sizes[line_of[1:]])
    for word in np.flatnonzero(wide).tolist():
        line = line_of[word]
        start = words.starts[words.first[line]]
        found[line].append(
            Gap(int(words.ends[word] - start), int(words.starts[word + 1] - start), float(widths[word]))
        )
    return [tuple(gaps) for gaps in found]


def hull(boxes: Sequence[Box]) -> Box:
    """The smallest box around all ``boxes``."""
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)
