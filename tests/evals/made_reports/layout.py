"""Pages of a printed report: headings, justified paragraphs and tables with right-aligned figures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tests.ingest.builders import pdf

_LEFT, _RIGHT, _TOP, _BOTTOM = 72.0, 540.0, 730.0, 72.0
_SIZE, _LEADING = 9.5, 11.6
_LINE_CHARS = 98
_COLUMN = 72.0
_LABEL_CHARS = 58
_DIGIT, _NARROW = 0.556, 0.278  # widths of Helvetica's figures and of its points and commas, in em


class Layout:
    """Collects the content streams of pages; ``head`` stands at the top of every page but the first."""

    def __init__(self, head: str) -> None:
        self._head = head
        self._pages: list[list[str]] = [[]]
        self._y = _TOP

    @property
    def page(self) -> int:
        """The number of the page that is being filled."""
        return len(self._pages)

    def new_page(self) -> None:
        self._pages.append([])
        self._y = _TOP
        self._show(self._head, _LEFT, 756.0, 8.0)
        self._show(str(self.page), 300.0, 40.0, 8.0)

    def heading(self, text: str, size: float = 13.0) -> None:
        self._reserve(4 * size)
        self._y -= 0.6 * size
        self._show(text, _LEFT, self._y, size, bold=True)
        self._y -= 1.6 * size

    def centred(self, text: str, size: float = 11.0, *, bold: bool = False) -> None:
        self._show(text, 306.0 - 0.25 * size * len(text), self._y, size, bold=bold)
        self._y -= 2.0 * size

    def paragraph(self, text: str) -> int:
        """Set ``text`` and return the page its first line stands on."""
        lines = textwrap.wrap(text, _LINE_CHARS)
        self._reserve(min(2, len(lines)) * _LEADING)
        first = self.page
        for line in lines:
            self._reserve(_LEADING)
            self._show(line, _LEFT, self._y, _SIZE)
            self._y -= _LEADING
        self._y -= 0.6 * _LEADING
        return first

    def table(self, caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
        """A table that is kept on one page; returns that page.

        ``caption`` stands over the labels; a row is its label and one text a column, or a label alone.
        """
        self._reserve((len(rows) + 3) * _LEADING)
        page = self.page
        self._row((caption, *columns), bold=True)
        for number, row in enumerate(rows):
            self._row(row, dollars=number == 0)
        self._y -= _LEADING
        return page

    def finish(self) -> bytes:
        return pdf(*("".join(page).encode("latin-1") for page in self._pages), compressed=True)

    def _row(self, row: Sequence[str], *, bold: bool = False, dollars: bool = False) -> None:
        self._show(row[0][:_LABEL_CHARS], _LEFT, self._y, _SIZE, bold=bold)
        edge = _RIGHT - _COLUMN * (len(row) - 2)
        for text in row[1:]:
            self._show(text, edge - _width(text) * _SIZE, self._y, _SIZE, bold=bold)
            if dollars and text[:1].isdigit() and "%" not in text:
                self._show("$", edge - _COLUMN + 16.0, self._y, _SIZE)
            edge += _COLUMN
        self._y -= _LEADING

    def _reserve(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self.new_page()

    def _show(self, text: str, x: float, y: float, size: float, *, bold: bool = False) -> None:
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        font = "F2" if bold else "F1"
        self._pages[-1].append(f"BT /{font} {size} Tf {x:.1f} {y:.1f} Td ({escaped}) Tj ET\n")


def _width(text: str) -> float:
    return sum(_NARROW if char in ".,() " else _DIGIT for char in text)
