"""Rows of a sheet, or of a CSV file as a spreadsheet would show it, as the tables they make up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ingest.canonical import CanonicalText, collapse
from ingest.parsers.table_headers import SAMPLE_ROWS, header_index
from ingest.parsers.tables import TableWriter
from rag.records import BlockKind

_LONGEST_TITLE = 200
_TITLE_LEVEL = 2
_ROWS_ABOVE = 5  # within which a header begins


class _Row(NamedTuple):
    number: int
    texts: Sequence[str]
    spans: Mapping[int, int]


class SheetRows:
    """Appends the rows of one sheet to ``builder``; a blank row ends a table, the next begins another.

    ``places`` fills with where each row begins, as ``rag.records.Page.rows`` wants it. No more rows are
    held back than are needed to tell whether a table has a header. ``fewest_columns`` is that of
    :func:`ingest.parsers.table_headers.header_index`. With ``one_table``, blank rows end only what stands
    above the table: a title, notes.
    """

    def __init__(self, builder: CanonicalText, *, fewest_columns: int, one_table: bool = False) -> None:
        self.places: list[tuple[int, int]] = []
        self._builder = builder
        self._fewest_columns = fewest_columns
        self._one_table = one_table
        self._held: list[_Row] = []
        self._table: TableWriter | None = None

    def add(self, number: int, texts: Sequence[str], spans: Mapping[int, int] | None = None) -> None:
        """The next row, ``number`` as the spreadsheet counts it.

        ``spans`` are those of :meth:`ingest.parsers.tables.TableWriter.write`.
        """
        texts = _lines(texts)
        if not any(texts):
            if not (self._one_table and self._has_columns()):
                self.end_table()
            return
        row = _Row(number, texts, spans or {})
        if self._table is not None:
            self._write(self._table, row)
            return
        self._held.append(row)
        if len(self._held) == SAMPLE_ROWS:
            self._table = self._begin()

    def end_table(self) -> None:
        """The rows so far are a table of their own."""
        if self._held:
            self._table = self._begin()
        if self._table is not None:
            self._table.end()
        self._table = None

    def _has_columns(self) -> bool:
        """Whether a table has begun, beyond the titles above it."""
        return self._table is not None or any(sum(map(bool, row.texts)) > 1 for row in self._held)

    def _begin(self) -> TableWriter:
        """Write the rows held back, now that they show what the table is like."""
        held, self._held = self._held, []
        first, after = _header(held, self._fewest_columns)
        for row in held[:first]:
            self._write_title(row)
        table = TableWriter(self._builder)
        for index, row in enumerate(held[first:], start=first):
            self._write(table, row, header=index < after)
        return table

    def _write_title(self, row: _Row) -> None:
        """A row above the header: what names the table belongs into the context of its rows."""
        text = " ".join(filter(None, row.texts))
        if len(text) <= _LONGEST_TITLE:
            span = self._builder.add_block(BlockKind.HEADING, text, level=_TITLE_LEVEL)
        else:
            span = self._builder.add_block(BlockKind.PARAGRAPH, text)
        if span is not None:
            self.places.append((span.start, row.number))

    def _write(self, table: TableWriter, row: _Row, *, header: bool = False) -> None:
        span = table.write(row.texts, row.spans, header=header)
        if span is not None:
            self.places.append((span.start, row.number))


def _lines(texts: Sequence[str]) -> Sequence[str]:
    """``texts`` on one line each. The check spares a long table the cost of looking at each cell."""
    together = "".join(texts)
    if together.isprintable() and "  " not in together:
        return [text.strip() for text in texts]
    return [collapse(text) for text in texts]


def _header(rows: Sequence[_Row], fewest_columns: int) -> tuple[int, int]:
    """Where the header begins and ends among ``rows``; both 0 where there is none."""
    texts = [row.texts for row in rows]
    for index, row in enumerate(rows[:_ROWS_ABOVE]):
        # Names over several columns, then one for each: that is a header in two rows.
        is_upper = row.spans and sum(map(bool, row.texts)) > 1
        if is_upper and header_index(texts[index + 1 :], fewest_columns=fewest_columns) == 0:
            return index, index + 2
    found = header_index(texts, fewest_columns=fewest_columns)
    return (0, 0) if found is None else (found, found + 1)
