"""What a list or a count is made of: sentences, items of a list, rows of a table. Pure functions of text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from rag.records import Passage
from rag.text.sentences import CELLS, sentence_spans
from rag.text.words import stems

_KEY = ": "
_LONGEST_KEY = 80
_ITEM = re.compile(r"[ \t]*(?:[-*•–◦▪]|\(?\d{1,3}[.)])\s+")
_POINTS_BACK = re.compile(
    r"[\"'“‘(]*(?:it|its|he|his|she|her|they|their|this|these|those|both|the latter|the former)\b",
    re.IGNORECASE,
)


class Heading(NamedTuple):
    """A heading of a document: where it begins in its canonical text, its level from 1, and its words."""

    start: int
    level: int
    text: str


@dataclass(frozen=True)
class Unit:
    """``passage.text[start:end]``, which says something by itself. ``lead`` is what it is understood with:
    the sentence that announces a list, the one that names whom "He" stands for."""

    passage: Passage
    start: int
    end: int
    is_row: bool = False
    lead: str = ""
    headings: tuple[str, ...] = ()
    is_item: bool = False

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def place(self) -> tuple[int, int]:
        """Offsets of the canonical text."""
        return self.passage.start + self.start, self.passage.start + self.end

    @cached_property
    def own(self) -> frozenset[str]:
        """Stems of its own words."""
        return _stems(self.text)

    @cached_property
    def around(self) -> frozenset[str]:
        """Stems of what it is understood with: its lead and the headings above it."""
        return _stems(self.lead).union(*map(_stems, self.headings))

    @cached_property
    def cells(self) -> Mapping[str, tuple[int, int]]:
        """Of a row: the place of each value in ``text``, by its column's name."""
        return dict(_cells(self.text)) if self.is_row else {}

    def holds(self, wanted: frozenset[str]) -> bool:
        """Whether all of ``wanted`` (stems) is said here: some of it in the unit itself, unless an
        announced item or a row says nothing but the item."""
        if not wanted <= self.own | self.around:
            return False
        return bool(wanted & self.own) or self.is_row or (self.is_item and wanted <= self.around)

    @property
    def points_back(self) -> bool:
        """Whether it begins with a word for something that was named before it."""
        return bool(_POINTS_BACK.match(self.text))


def units_of(passage: Passage, headings: Sequence[Heading] = ()) -> list[Unit]:
    """The rows, items and sentences of a passage, in order, without page furniture and headings.

    Args:
        headings: of its document, in order; they need not reach beyond the passage.
    """
    omitted = passage.relative_omissions()
    first = bisect_left(headings, passage.start, key=lambda heading: heading.start)
    inside = {heading.start - passage.start: heading for heading in headings[first:]}
    path = _path(headings[:first])
    found: list[Unit] = []
    announced = ""
    for start, end, is_row in _spans(passage.text):
        if start in inside:
            path = [above for above in path if above.level < inside[start].level] + [inside[start]]
            announced = ""
            continue
        if any(span.start < end and start < span.end for span in omitted):
            continue
        body = passage.text[start:end]
        mark = None if is_row else _ITEM.match(body)
        if body.endswith(":"):
            announced = body
        elif not (is_row or mark):
            announced = ""
        before = found[-1].text if found and _POINTS_BACK.match(body) else ""
        found.append(
            Unit(
                passage,
                start + (mark.end() if mark else 0),
                end,
                is_row,
                lead=(announced if body != announced else "") or before,
                headings=tuple(heading.text for heading in path),
                is_item=mark is not None,
            )
        )
    return found


def _path(headings: Sequence[Heading]) -> list[Heading]:
    """The headings that lead to what follows the last of them, outermost first."""
    path: list[Heading] = []
    for heading in reversed(headings):
        if not path or heading.level < path[-1].level:
            path.append(heading)
        if heading.level == 1:
            break
    return path[::-1]


def matching_rows(rows: Sequence[Unit], wanted: frozenset[str]) -> tuple[list[Unit], bool]:
    """The rows that hold ``wanted``, and whether it is what a cell of each says. Where it is, only that
    column counts: people from Chile do not work for Chile Ltd."""
    held = [row for row in rows if wanted <= row.own | _stems(row.lead)]
    columns: dict[str, int] = {}
    for row in held:
        for name in _columns_saying(row, wanted):
            columns[name] = columns.get(name, 0) + 1
    if not columns:
        return held, False
    column = max(columns, key=lambda name: columns[name])
    return [row for row in held if column in _columns_saying(row, wanted)], True


def cell_of(row: Unit, noun: str) -> tuple[int, int] | None:
    """Where in ``row.text`` the cell stands whose column is called by ``noun``."""
    stem = _stems(noun)
    return next((place for name, place in row.cells.items() if stem and stem <= _stems(name)), None)


def _columns_saying(row: Unit, wanted: frozenset[str]) -> list[str]:
    """Columns whose cell says ``wanted`` and nothing else, perhaps with the column's own name."""
    found = []
    for name, (start, end) in row.cells.items():
        value, key = _stems(row.text[start:end]), _stems(name)
        if value and value <= wanted <= value | key:
            found.append(name)
    return found


def _spans(text: str) -> Iterator[tuple[int, int, bool]]:
    """Rows are lines, whatever full stops they hold; between them, sentences."""
    at = pending = 0
    for line in text.splitlines(keepends=True):
        stop = at + len(line.rstrip())
        if CELLS in line:
            yield from ((start, end, False) for start, end in _sentences(text, pending, at))
            if any(_KEY in cell for cell in line.split(CELLS)):  # the header is no row of its own
                yield at, stop, True
            pending = at + len(line)
        at += len(line)
    yield from ((start, end, False) for start, end in _sentences(text, pending, at))


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [(start + first, start + last) for first, last in sentence_spans(text[start:end])]


def _cells(row: str) -> Iterator[tuple[str, tuple[int, int]]]:
    at = 0
    for cell in row.split(CELLS):
        name, colon, value = cell.partition(_KEY)
        if colon and len(name) <= _LONGEST_KEY:
            yield name, (at + len(name) + len(_KEY), at + len(name) + len(_KEY) + len(value))
        at += len(cell) + len(CELLS)


@lru_cache(maxsize=16_384)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stems(text)) if text else frozenset()
