from __future__ import annotations

import pytest

from rag.records import Page, PageKind
from rag.text.locators import locator

ROWS = ((0, 1), (10, 2), (20, 5), (30, 6))
SHEET = Page(2, 0, 40, label="Prices", rows=ROWS)


@pytest.mark.parametrize(
    ("kind", "pages", "span", "expected"),
    [
        (PageKind.PAGE, [Page(3, 0, 9)], (0, 5), "page 3"),
        (PageKind.PAGE, [Page(3, 0, 9), Page(4, 9, 20)], (0, 15), "pages 3–4"),
        (PageKind.PAGE, [Page(3, 0, 9, label="iv")], (0, 5), "page 3 (iv)"),
        (PageKind.SLIDE, [Page(7, 0, 9)], (0, 5), "slide 7"),
        (PageKind.SHEET, [SHEET], (0, 9), "sheet Prices, row 1"),
        (PageKind.SHEET, [SHEET], (12, 29), "sheet Prices, rows 2–5"),
        (PageKind.SHEET, [SHEET], (35, 40), "sheet Prices, row 6"),
        (PageKind.SHEET, [Page(1, 0, 40, rows=ROWS)], (0, 40), "rows 1–6"),
        (PageKind.SHEET, [Page(1, 0, 40, label="Notes")], (0, 40), "sheet Notes"),
        (PageKind.LINES, [Page(1, 0, 40, rows=ROWS)], (10, 25), "lines 2–5"),
        (PageKind.PAGE, [], (0, 9), "Fees > Late returns"),
    ],
)
def test_places_are_named_as_people_name_them(
    kind: PageKind, pages: list[Page], span: tuple[int, int], expected: str
) -> None:
    assert locator(kind, pages, ("Fees", "Late returns"), *span) == expected
