"""Which lines of PDF pages are running heads, running feet and page numbers, by where they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.furniture import DEPTH, LARGEST_SHARE, LONGEST, EdgeLine, outer_run, recurring
from ingest.parsers.pdf_page import Line, PageText

_MARGIN = 0.15  # of the height of a page, above and below
_SIDE = 0.1  # of its width, left and right
_SAME_ROW = 3.0  # points between the baselines of what stands side by side
_SAME_PLACE = 4.0  # points by which the place of a line may differ from page to page
_APART = 1.6  # em from the innermost line to the text, more than between the lines of a text


@dataclass(frozen=True, slots=True)
class _Edge:
    """The rows of lines at one edge of a page, outermost first; ``inner`` is the next row of the page."""

    page: int
    name: str
    rows: list[list[Line]]
    inner: Line | None = None


def mark_margins(pages: list[PageText]) -> None:
    """Set ``furniture`` of the lines that recur in the margins of ``pages``."""
    edges = [edge for number, page in enumerate(pages) for edge in _edges(number, page)]
    lines = [(edge, line) for edge in edges for row in edge.rows for line in row]
    recurs = recurring(
        [EdgeLine(edge.page, _place(edge, line), line.text) for edge, line in lines],
        len(pages),
        in_margins=True,
    )
    found = {id(line) for (_, line), is_found in zip(lines, recurs, strict=True) if is_found}
    marked = _apart([line for edge in edges for line in _outermost(edge, found)])
    size = sum(len(line.text) for line in marked)
    if size <= LARGEST_SHARE * sum(len(line.text) for page in pages for line in page.lines):
        for line in marked:
            line.furniture = True


def _edges(number: int, page: PageText) -> Iterator[_Edge]:
    upright = sorted((line for line in page.lines if line.upright), key=lambda line: line.baseline)
    low, high = _MARGIN * page.height, (1 - _MARGIN) * page.height
    yield _edge(number, "top", upright[::-1], [line.box[1] >= high for line in reversed(upright)])
    yield _edge(number, "bottom", upright, [line.box[3] <= low for line in upright])
    # What runs up or down beside the text: the stamp of an archive, a notice of where it comes from.
    for line in page.lines:
        beside = line.right <= _SIDE * page.width or line.left >= (1 - _SIDE) * page.width
        if beside and not line.upright and len(line.text) <= LONGEST:
            yield _Edge(number, "side", [[line]])


def _edge(number: int, name: str, lines: list[Line], in_margin: list[bool]) -> _Edge:
    rows: list[list[Line]] = []
    for line, is_near in zip(lines, in_margin, strict=True):
        if rows and abs(rows[-1][-1].baseline - line.baseline) <= _SAME_ROW:
            rows[-1].append(line)
        elif len(rows) == DEPTH or not is_near or len(line.text) > LONGEST:
            return _Edge(number, name, rows, line)
        else:
            rows.append([line])
    return _Edge(number, name, rows)


def _place(edge: _Edge, line: Line) -> tuple[str, int]:
    return edge.name, round((line.left if edge.name == "side" else line.baseline) / _SAME_PLACE)


def _outermost(edge: _Edge, found: set[int]) -> Iterator[tuple[Line, tuple[str, int], bool]]:
    """The recurring lines of the outermost rows that have some, where they stand and if close to the text."""
    depth = outer_run(any(id(line) in found for line in row) for row in edge.rows)
    inwards = [row[0] for row in edge.rows] + ([edge.inner] if edge.inner else [])
    is_close = depth < len(inwards)
    for at in range(depth - 1, -1, -1):
        line, inner = inwards[at], inwards[at + 1] if at + 1 < len(inwards) else None
        if inner and abs(line.baseline - inner.baseline) >= _APART * max(line.size, inner.size):
            is_close = False
        yield from ((each, _place(edge, each), is_close) for each in edge.rows[at] if id(each) in found)


def _apart(found: list[tuple[Line, tuple[str, int], bool]]) -> list[Line]:
    """The lines that stand where most lines are apart from the text.

    The head of a table that goes on over pages recurs too, but the table follows it closely.
    """
    closeness = defaultdict[tuple[str, int], list[bool]](list)
    for _, place, is_close in found:
        closeness[place].append(is_close)
    return [line for line, place, _ in found if 2 * sum(closeness[place]) <= len(closeness[place])]
