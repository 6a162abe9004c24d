"""Lines of PDF pages to paragraphs, headings, list items and table rows. Pure decisions on geometry.

PDF has no paragraphs, so they are recovered as a reader does: by leading, indents, short last lines
and changes of type. All distances are in multiples of the type size (em). Lines are taken in PDFium's
order, which follows the content stream and so the columns of most documents.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
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
_ENDING = 12  # characters of a line in which its end shows

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
    rest; ``flows`` that it is running text, which may go on behind what stands between.
    """

    kind: BlockKind
    lines: list[Line] = field(default_factory=list)
    level: int = 0
    header: bool = False
    interrupted: bool = False
    continues: bool = False
    flows: bool = False

    @property
    def size(self) -> float:
        return sorted([line.size for line in self.lines])[len(self.lines) // 2]

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


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
    setting = _Setting(lines, [_is_outlined(line.text, outline) for line in lines])
    found: list[Paragraph] = []
    for index, line in enumerate(lines):
        if tabular[index]:
            first = not (index and tabular[index - 1])
            header = first and not has_digit(line) and has_digit(lines[index + 1])
            found.append(Paragraph(BlockKind.TABLE_ROW, [line], header=header))
        elif line.furniture:
            found.append(Paragraph(BlockKind.FURNITURE, [line]))
        elif index and not tabular[index - 1] and _joins(found[-1], setting, index):
            found[-1].lines.append(line)
        else:
            found.append(Paragraph(BlockKind.PARAGRAPH, [line]))
    for paragraph in found:
        if paragraph.kind is BlockKind.PARAGRAPH:
            paragraph.kind = _kind(paragraph, body, outline)
    return found


def heading_key(text: str) -> str:
    """The letters of a heading without its number, for comparison with the outline."""
    return "".join(_WORDS.findall(_HEADING_NUMBER.sub("", text.strip()))).casefold()


def _is_outlined(text: str, outline: frozenset[str]) -> bool:
    return bool(outline) and len(text) <= _MAX_HEADING_CHARS and heading_key(text) in outline


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
    is_open = last.hyphenated or not _FINISHED.search(last.text, max(0, len(last.text) - _ENDING))
    return is_open and _starts_low(other.lines[0])


class _Setting:
    """The lines of a page and what holds between each and the one after it, worked out once."""

    def __init__(self, lines: list[Line], outlined: list[bool]) -> None:
        self.lines = lines
        self.outlined = outlined
        """Whether the document's table of contents lists the line."""
        self.similar = [_similar(line, other) for line, other in pairwise(lines)]
        self.drops = [
            (line.baseline - other.baseline) / max(other.size, 0.1) for line, other in pairwise(lines)
        ]
        """How far down the next line is, in em."""
        close = [drop for drop, same in zip(self.drops, self.similar, strict=True) if same and 0.8 < drop < 3]
        self.leading = median(close) if close else 1.2
        """The usual drop between lines that follow one another closely."""
        self.adjacent = [
            same and 0 < drop < 2 * self.leading and abs(line.left - other.left) < 3 * other.size
            for (line, other), drop, same in zip(pairwise(lines), self.drops, self.similar, strict=True)
        ]
        """Whether the next line stands below in the same column."""

    def right_edge(self, index: int) -> float:
        """Where full lines end around ``index``: the furthest of its neighbours in the same column."""
        first = last = index
        while first and index - first < _NEIGHBOURS and self.adjacent[first - 1]:
            first -= 1
        while last < len(self.adjacent) and last - index < _NEIGHBOURS and self.adjacent[last]:
            last += 1
        return max(line.right for line in self.lines[first : last + 1])


def _similar(line: Line, other: Line) -> bool:
    return line.bold == other.bold and _same_size(line, other)


def _same_size(line: Line, other: Line) -> bool:
    return line.upright == other.upright and abs(line.size - other.size) <= _SAME_SIZE * max(
        line.size, other.size
    )


def _joins(paragraph: Paragraph, setting: _Setting, index: int) -> bool:
    """Whether line ``index`` goes on with the paragraph that ends just before it."""
    line, last = setting.lines[index], setting.lines[index - 1]
    if (
        last.furniture
        or setting.outlined[index]
        or (setting.outlined[index - 1] and len(paragraph.lines) == 1)
    ):
        return False
    if last.hyphenated and last.upright == line.upright:
        return abs(last.size - line.size) < 0.5 * line.size
    closed = _is_closed(last.text)
    in_sentence = not closed and _starts_low(line)  # where the weight of type may change
    same = _same_size(last, line) if in_sentence else setting.similar[index - 1]
    if not same or not line.upright or BULLET.match(line.text):
        return False
    if NUMBERED.match(line.text) and (closed or is_listed(paragraph.lines[0])):
        return False
    if _FOOTNOTE.match(line.text) and (closed or _FOOTNOTE.match(paragraph.lines[0].text)):
        return False
    if line.left > last.right or line.right < paragraph.lines[0].left:
        return False
    if not 0.3 < setting.drops[index - 1] <= _LEADING * setting.leading:
        return False
    return not _starts_anew(paragraph, setting, index, closed)


def _starts_anew(paragraph: Paragraph, setting: _Setting, index: int, closed: bool) -> bool:
    """Whether indents or a short line before it show that line ``index`` begins a paragraph."""
    line, last, em = setting.lines[index], paragraph.lines[-1], setting.lines[index].size
    centred = abs((last.left + last.right) - (line.left + line.right)) < em
    left = min(each.left for each in paragraph.lines[:_NEIGHBOURS])
    if closed and not centred and line.left > left + _INDENT * em and not is_listed(paragraph.lines[0]):
        return True
    hanging = len(paragraph.lines) > 1 and last.left > paragraph.lines[0].left + _INDENT * em
    if closed and hanging and line.left < last.left - _INDENT * em:
        return True
    if not closed and _starts_low(line):
        return False
    right_edge = setting.right_edge(index)
    room = right_edge - last.right - line.first_width - 0.3 * em
    if room <= 0 or (centred and line.bold):
        return False
    return closed or room > 0.25 * (right_edge - left)


def _is_closed(text: str) -> bool:
    return bool(_CLOSED.search(text, max(0, len(text) - _ENDING)))


def _starts_low(line: Line) -> bool:
    return line.text[:1].islower()


def _kind(paragraph: Paragraph, body: float, outline: frozenset[str]) -> BlockKind:
    text = paragraph.text
    if _is_heading(paragraph, text, body) or _is_outlined(text, outline):
        return BlockKind.HEADING
    return BlockKind.LIST_ITEM if is_listed(paragraph.lines[0]) else BlockKind.PARAGRAPH


def _is_heading(paragraph: Paragraph, text: str, body: float) -> bool:
    """Short, and larger than the body or bold; names in bold under a title are no headings."""
    bold, larger = paragraph.lines[0].bold, paragraph.size >= _HEADING_SIZE * body
    if not (bold or larger) or len(text) > _MAX_HEADING_CHARS or len(paragraph.lines) > _MAX_HEADING_LINES:
        return False
    letters = sum(char.isalpha() for char in text)
    if letters < 3 or letters < len(text) / 2 or not paragraph.lines[0].upright or "@" in text:
        return False
    if bold:
        return larger or not (_is_closed(text) or text.count(",") > 1 or text.count(" ") >= _MAX_BOLD_WORDS)
    return not text.endswith((".", ",", ";"))
