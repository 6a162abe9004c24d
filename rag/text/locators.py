"""Where something stands, in the words a person would use to find it again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from rag.records import Page, PageKind


def locator(kind: PageKind, pages: Sequence[Page], headings: Sequence[str], start: int, end: int) -> str:
    """``[start, end)`` of a text as "page 3", "slides 2-3", "sheet Prices, rows 4-9" or "lines 4-9".

    Args:
        pages: those that the span touches, in order; without any, the headings are named instead.
        headings: those that lead to the span, outermost first.
    """
    if not pages:
        return " > ".join(headings)
    if kind in (PageKind.SHEET, PageKind.LINES):
        return _rows(kind, pages[0], start, end)
    first, last = pages[0], pages[-1]
    printed = f" ({first.label})" if first.label and first is last else ""
    return _numbered(kind.value, first.number, last.number) + printed


def _rows(kind: PageKind, page: Page, start: int, end: int) -> str:
    sheet = f"sheet {page.label}" if page.label else ""
    if not page.rows:
        return sheet
    starts = [offset for offset, _ in page.rows]
    first = max(0, bisect_right(starts, start) - 1)
    last = max(first, bisect_left(starts, min(end, page.end)) - 1)
    unit = "line" if kind is PageKind.LINES else "row"
    return ", ".join(filter(None, [sheet, _numbered(unit, page.rows[first][1], page.rows[last][1])]))


def _numbered(unit: str, first: int, last: int) -> str:
    return f"{unit} {first}" if first == last else f"{unit}s {first}\u2013{last}"
