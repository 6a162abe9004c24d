"""How a table becomes text: each row a line that can be understood without the rest of the table.

A row of a table with a header reads ``Item: Widget | Price: 3.50``, so that whoever finds the row knows
what its figures are and a quotation of it shows it. The header stands before it once, as a row of its
own. Empty cells are left out. A cell that spans rows counts for each of them, one that spans columns
stands at the first.

Blocks of such tables are not marked ``header=True``: that mark makes a chunk repeat the header before its
rows (:mod:`ingest.outline`), and here every row already has what it needs of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ingest.canonical import CanonicalText
from rag.records import BlockKind, Span

CELL_SEPARATOR = " | "
CONTINUES = 0
"""As ``Cell.rows``: the cell goes on with the one above it."""

LONGEST_KEY = 80
"""Characters of a header cell that are repeated in each row; all of it stands in the header row."""

_LONGEST_LABEL = 120  # what is longer is no label of several rows but text that merely stands beside them
_HEADER_ROWS = 4  # more rows marked as headers in succession are no header but a way to print bold
_SPANNING_COLUMNS = 256  # cells further to the right are read, but span nothing: a bound on the work
_NO_SPANS: Mapping[int, int] = {}


class Cell(NamedTuple):
    """One cell as a format has it: its text, on one line, and how many columns and rows it spans."""

    text: str
    columns: int = 1
    rows: int = 1


class TableWriter:
    """Writes the rows of one table to ``builder``, in order; call :meth:`end` after the last."""

    def __init__(self, builder: CanonicalText) -> None:
        self._builder = builder
        self._grid = _Grid()
        self._names: dict[int, list[str]] = {}
        self._prefixes: dict[int, str] = {}
        self._header_rows = 0
        self._header_width = 0
        builder.end_group()

    def write_cells(self, cells: Iterable[Cell], *, header: bool = False) -> Span | None:
        """Write the next row; where it stands, or None if nothing is in it."""
        return self.write(*self._grid.place(cells), header=header)

    def write(
        self, texts: Sequence[str], spans: Mapping[int, int] = _NO_SPANS, *, header: bool = False
    ) -> Span | None:
        """Like :meth:`write_cells`, for a row with one text a column.

        ``spans`` tells how many columns a cell spans where that is more than one.
        """
        filled = [(column, text) for column, text in enumerate(texts) if text]
        if not filled:
            return None
        is_title = len(filled) == 1 and self._is_title(filled[0][0], spans, header)
        if header and not is_title:
            self._take_header(filled, spans)
        else:
            self._header_rows = 0
        if header or is_title or not self._has_keys(len(filled)):
            pieces = [text for _, text in filled]
        else:
            prefixes = self._prefixes
            pieces = [prefixes.get(column, "") + text for column, text in filled]
        return self._builder.add_block(BlockKind.TABLE_ROW, CELL_SEPARATOR.join(pieces))

    def end(self) -> None:
        """The table is complete."""
        self._builder.end_group()

    def _is_title(self, column: int, spans: Mapping[int, int], header: bool) -> bool:
        """Whether a row's only cell, at ``column``, stands above what follows rather than in a column."""
        return (column == 0 and spans.get(0, 1) > 1) or (header and bool(self._prefixes))

    def _has_keys(self, cells: int) -> bool:
        """Whether the rows have a header; one column wide above wider rows, it was a title."""
        if self._header_width == 1 < cells:
            self._prefixes = {}
        return bool(self._prefixes)

    def _take_header(self, filled: Sequence[tuple[int, str]], spans: Mapping[int, int]) -> None:
        """Name the columns. Header rows in succession add up: ``2024`` above ``Sales`` is ``2024 Sales``."""
        if self._header_rows in (0, _HEADER_ROWS):
            self._names, self._header_rows, self._header_width = {}, 0, 0
        self._header_rows += 1
        for first, text in filled:
            after = first + min(spans.get(first, 1), _SPANNING_COLUMNS)
            self._header_width = max(self._header_width, after)
            for column in range(first, after):
                names = self._names.setdefault(column, [])
                if text not in names:
                    names.append(text)
        keys = {column: _key(names) for column, names in self._names.items()}
        self._prefixes = {column: f"{key}: " for column, key in keys.items() if key}


class _Grid:
    """Finds the column of each cell, as HTML does: cells from rows above push others to the right."""

    def __init__(self) -> None:
        self._row = 0
        self._spanning: dict[int, tuple[Cell, int]] = {}
        self._above: dict[int, str] = {}

    def place(self, cells: Iterable[Cell]) -> tuple[list[str], dict[int, int]]:
        """One text a column, and the columns that cells span where they are more than one."""
        self._row += 1
        texts: list[str] = []
        spans: dict[int, int] = {}
        for cell in cells:
            while (above := self._spanning_at(len(texts))) is not None:
                _put(texts, spans, above)
            text = self._above.get(len(texts), "") if cell.rows == CONTINUES else cell.text
            if cell.rows > 1 and len(texts) < _SPANNING_COLUMNS:
                self._spanning[len(texts)] = cell, self._row + cell.rows
            _put(texts, spans, Cell(text, cell.columns))
        for column in sorted(self._spanning):
            above = self._spanning_at(column)
            if above is not None and column >= len(texts):
                texts += [""] * (column - len(texts))
                _put(texts, spans, above)
        self._above = {column: _label(text) for column, text in enumerate(texts) if text}
        return texts, spans

    def _spanning_at(self, column: int) -> Cell | None:
        """The cell of a row above that reaches down to ``column`` of this row."""
        found = self._spanning.get(column)
        if found is None:
            return None
        cell, until = found
        if self._row >= until:
            del self._spanning[column]
            return None
        begins_here = until - cell.rows == self._row
        return None if begins_here else Cell(_label(cell.text), cell.columns)


def _put(texts: list[str], spans: dict[int, int], cell: Cell) -> None:
    columns = min(max(1, cell.columns), max(1, _SPANNING_COLUMNS - len(texts)))
    if columns > 1:
        spans[len(texts)] = columns
    texts.append(cell.text)
    texts += [""] * (columns - 1)


def _label(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else ""


def _key(names: Sequence[str]) -> str:
    name = " ".join(names).rstrip(" :")
    if len(name) <= LONGEST_KEY:
        return name
    clipped = name[:LONGEST_KEY]
    return (clipped.rpartition(" ")[0] or clipped).rstrip(" :") + "…"
