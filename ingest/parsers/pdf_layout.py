"""Lines of PDF pages to paragraphs, headings, list items and table rows. Pure decisions on geometry.

PDF has no paragraphs, so they are recovered as a reader does: by leading, indents, short last lines
and changes of type. All distances are in multiples of the type size (em). Lines are taken in PDFium's
order, which follows the content stream and so the columns of most documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from ingest.parsers.pdf_page import Line, PageText
from ingest.parsers.pdf_rows import BULLET, NUMBERED, has_digit, is_listed, merge_rows, table_lines
from rag.records import BlockKind

_SAME_SIZE = 0.06
_LEADING = 1.35  # how much more than the usual leading still is the same paragraph
_INDENT = 0.7
_HEADING_SIZE = 1.12
_NEIGHBOURS = 4
_MAX_HEADING_CHARS = 200
_MAX_HEADING_LINES = 3
_MAX_BOLD_WORDS = 14

_FINISHED = re.compile(r"[.!?:;…。！？：；][\"'”’)\]»›]*$")
# The same with a footnote number behind it; a decimal fraction is no end.
_CLOSED = re.compile(r"[.!?:…。！？：][\"'”’)\]»›]*$|[^\W\d][.!?][\"”’)]*\d{1,2}$")
_HEADING_NUMBER = re.compile(r"(?:(?:[0-9]+|[A-Z]|[IVX]+)(?:\.[0-9]+)*[.)]?\s+)?")
_WORDS = re.compile(r"[^\W_]+")
_FOOTNOTE = re.compile(r"\d{1,2}\s?(?:https?:|[A-Z][a-z])")


@dataclass(slots=True)
class Paragraph:
    """Lines of one page that belong together.

    ``interrupted`` says that it goes on at the start of the next page, ``continues`` that it is such a
    rest.
    """

    kind: BlockKind
    lines: list[Line] = field(default_factory=list)
    level: int = 0
    header: bool = False
    interrupted: bool = False
    continues: bool = False

    @property
    def size(self) -> float:
        return median(line.size for line in self.lines)

    @property
    def text(self) -> str:
        return " ".join(line.text.strip() for line in self.lines)


def body_size(pages: Iterable[PageText]) -> float:
    """The type size most characters are set in; 0 for a document without text."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def paragraphs(page: PageText, body: float, outline: frozenset[str]) -> list[Paragraph]:
    """The paragraphs of a page in reading order, headings without their final level (see ``rank``).

    ``outline`` holds the ``heading_key`` of what the document's own table of contents lists.
    """
    lines = merge_rows(page.lines)
    tabular = table_lines(lines)
    leading = _usual_leading(lines)
    found: list[Paragraph] = []
    for index, line in enumerate(lines):
        if tabular[index]:
            first = not (index and tabular[index - 1])
            header = first and not has_digit(line) and has_digit(lines[index + 1])
            found.append(Paragraph(BlockKind.TABLE_ROW, [line], header=header))
        elif _joins(found, line, index and tabular[index - 1], outline) and _continues(
            found[-1], line, lines, index, leading
        ):
            found[-1].lines.append(line)
        else:
            found.append(Paragraph(BlockKind.PARAGRAPH, [line]))
    for paragraph in found:
        if paragraph.kind is not BlockKind.TABLE_ROW:
            paragraph.kind = _kind(paragraph, body, outline)
    return found


def heading_key(text: str) -> str:
    """The letters of a heading without its number, for comparison with the outline."""
    return "".join(_WORDS.findall(_HEADING_NUMBER.sub("", text.strip()))).casefold()


def rank(found: Iterable[Paragraph]) -> None:
    """Give the headings of a whole document their levels: by type size, larger is higher."""
    headings = [paragraph for paragraph in found if paragraph.kind is BlockKind.HEADING]
    sizes = sorted({round(heading.size) for heading in headings}, reverse=True)
    for heading in headings:
        heading.level = min(6, sizes.index(round(heading.size)) + 1)


def may_continue(paragraph: Paragraph, other: Paragraph) -> bool:
    """Whether ``other`` looks like the rest of ``paragraph``, which ends a column or a page before it."""
    if (
        paragraph.kind not in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
        or other.kind is not BlockKind.PARAGRAPH
    ):
        return False
    last = paragraph.lines[-1]
    if not _similar(last, other.lines[0]) or not any(char.isalpha() for char in last.text):
        return False
    is_open = last.hyphenated or not _FINISHED.search(last.text.rstrip())
    return is_open and _starts_low(other.lines[0])


def _usual_leading(lines: list[Line]) -> float:
    """The median distance of baselines, in em, between lines that follow one another closely."""
    drops = [
        drop
        for line, other in pairwise(lines)
        if _similar(line, other)
        and 0.8 < (drop := (line.baseline - other.baseline) / max(other.size, 0.1)) < 3.0
    ]
    return median(drops) if drops else 1.2


def _similar(line: Line, other: Line) -> bool:
    return (
        abs(line.size - other.size) <= _SAME_SIZE * max(line.size, other.size)
        and line.bold == other.bold
        and line.upright == other.upright
    )


def _joins(found: list[Paragraph], line: Line, after_row: bool | int, outline: frozenset[str]) -> bool:
    """Whether there is a paragraph to go on with, and neither it nor ``line`` is a heading of the outline."""
    if not found or after_row:
        return False
    before = found[-1].lines
    is_heading = len(before) == 1 and heading_key(before[0].text) in outline
    return not is_heading and heading_key(line.text) not in outline


def _continues(paragraph: Paragraph, line: Line, lines: list[Line], index: int, leading: float) -> bool:
    """Whether ``line`` goes on with the paragraph that ends just before it."""
    last = paragraph.lines[-1]
    if last.hyphenated and last.upright == line.upright:
        return abs(last.size - line.size) < 0.5 * line.size
    closed = bool(_CLOSED.search(last.text.rstrip()))
    in_sentence = not closed and _starts_low(line)  # where the weight of type may change
    if not _similar(last, replace(line, bold=last.bold) if in_sentence else line) or BULLET.match(line.text):
        return False
    if NUMBERED.match(line.text) and (closed or is_listed(paragraph.lines[0])):
        return False
    if _FOOTNOTE.match(line.text) and (closed or _FOOTNOTE.match(paragraph.lines[0].text)):
        return False
    drop = (last.baseline - line.baseline) / max(line.size, 0.1)
    if not line.upright or line.left > last.right or line.right < paragraph.lines[0].left:
        return False
    if not 0.3 < drop <= _LEADING * leading:
        return False
    return not _starts_anew(paragraph, line, _right_edge(lines, index, leading), closed)


def _starts_anew(paragraph: Paragraph, line: Line, right_edge: float, closed: bool) -> bool:
    """Whether indents or a short line before it show that ``line`` begins a paragraph."""
    last, em = paragraph.lines[-1], line.size
    centred = abs((last.left + last.right) - (line.left + line.right)) < em
    left = min(each.left for each in paragraph.lines[:_NEIGHBOURS])
    if closed and not centred and line.left > left + _INDENT * em and not is_listed(paragraph.lines[0]):
        return True
    hanging = len(paragraph.lines) > 1 and paragraph.lines[-1].left > paragraph.lines[0].left + _INDENT * em
    if closed and hanging and line.left < last.left - _INDENT * em:
        return True
    first_word = line.words[0].box[2] - line.words[0].box[0]
    room = right_edge - last.right - first_word - 0.3 * em
    if room <= 0 or (centred and line.bold):
        return False
    return closed or (room > 0.25 * (right_edge - left) and not _starts_low(line))


def _right_edge(lines: list[Line], index: int, leading: float) -> float:
    """Where full lines end around ``index``: the furthest of its neighbours in the same column."""
    edge = lines[index].right
    for step in (-1, 1):
        at = index
        for _ in range(_NEIGHBOURS):
            upper, lower = (at - 1, at) if step < 0 else (at, at + 1)
            if upper < 0 or lower == len(lines) or not _adjacent(lines[upper], lines[lower], leading):
                break
            at += step
            edge = max(edge, lines[at].right)
    return edge


def _adjacent(line: Line, other: Line, leading: float) -> bool:
    drop = (line.baseline - other.baseline) / max(other.size, 0.1)
    return _similar(line, other) and abs(line.left - other.left) < 3 * other.size and 0 < drop < 2 * leading


def _starts_low(line: Line) -> bool:
    return line.text.lstrip()[:1].islower()


def _kind(paragraph: Paragraph, body: float, outline: frozenset[str]) -> BlockKind:
    text = paragraph.text
    if _is_heading(paragraph, text, body) or (
        len(text) <= _MAX_HEADING_CHARS and heading_key(text) in outline
    ):
        return BlockKind.HEADING
    return BlockKind.LIST_ITEM if is_listed(paragraph.lines[0]) else BlockKind.PARAGRAPH


def _is_heading(paragraph: Paragraph, text: str, body: float) -> bool:
    """Short, and larger than the body or bold; names in bold under a title are no headings."""
    if len(text) > _MAX_HEADING_CHARS or len(paragraph.lines) > _MAX_HEADING_LINES:
        return False
    letters = sum(char.isalpha() for char in text)
    if letters < 3 or letters < len(text) / 2 or not paragraph.lines[0].upright or "@" in text:
        return False
    larger = paragraph.size >= _HEADING_SIZE * body
    if paragraph.lines[0].bold:
        return larger or not (
            _CLOSED.search(text) or text.count(",") > 1 or text.count(" ") >= _MAX_BOLD_WORDS
        )
    return larger and not text.endswith((".", ",", ";"))
