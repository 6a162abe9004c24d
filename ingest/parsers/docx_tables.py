"""The rows of Word tables, and which of them are the header (ECMA-376 part 1, 17.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from ingest.parsers.docx_styles import Styles
from ingest.parsers.office_package import attribute, child, children, is_on, local, value, whole_number
from ingest.parsers.table_headers import SAMPLE_ROWS, header_index
from ingest.parsers.tables import CONTINUES, Cell

TRANSPARENT = frozenset({"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo"})
"""Elements that merely stand around others."""

_HEX = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its properties (``w:trPr``) and its cells (``w:tc``)."""

    properties: etree._Element | None
    cells: Sequence[etree._Element]

    def read(self, text: Callable[[etree._Element], str]) -> Iterator[Cell]:
        """The cells with what ``text`` says is in them, in the columns they stand in."""
        skipped = whole_number(value(self.properties, "gridBefore"), 0)
        if skipped > 0:
            yield Cell("", skipped)
        for cell in self.cells:
            merge = child(cell, "tcPr", "vMerge")
            continues = merge is not None and attribute(merge, "val") != "restart"
            columns = whole_number(value(cell, "tcPr", "gridSpan"), 1)
            yield Cell("", columns, CONTINUES) if continues else Cell(text(cell), columns)


def rows(table: etree._Element) -> list[Row]:
    """The rows of a table, looking through content controls."""
    return [Row(child(row, "trPr"), list(_through(row, "tc"))) for row in _through(table, "tr")]


def header_rows(
    table: etree._Element, found: Sequence[Row], cells: Sequence[Sequence[Cell]], styles: Styles
) -> set[int]:
    """Indices of the rows that are headers; ``cells`` are what was read of the rows.

    Those that are repeated on every page; or else the first if the table's style sets it off from the
    others, if it alone is bold or if it reads like a header. That ``w:tblLook`` asks for a special first
    row says nothing by itself: Word writes it into every table, and the plain styles know none.
    """
    repeated = {index for index, row in enumerate(found) if is_on(row.properties, "tblHeader")}
    if repeated or len(found) < 2:
        return repeated
    style = value(table, "tblPr", "tblStyle")
    styled = _asks_for_first_row(table) and styles.sets_off_first_row(style)
    if styled or (_is_bold(found[0]) and not _is_bold(found[1])):
        return {0}
    texts = [[cell.text for cell in row] for row in cells[:SAMPLE_ROWS]]
    return {0} if header_index(texts, fewest_columns=3) == 0 else set()


def paragraphs(cell: etree._Element) -> Iterator[etree._Element]:
    """The paragraphs of a cell, those of tables inside it included."""
    for element in children(cell):
        name = local(element)
        if name == "p":
            yield element
        elif name in TRANSPARENT or name in ("tbl", "tr", "tc"):
            yield from paragraphs(element)


def _through(parent: etree._Element, wanted: str) -> Iterator[etree._Element]:
    for element in children(parent):
        name = local(element)
        if name == wanted:
            yield element
        elif name in TRANSPARENT:
            yield from _through(element, wanted)


def _asks_for_first_row(table: etree._Element) -> bool:
    look = child(table, "tblPr", "tblLook")
    flag = attribute(look, "firstRow")
    if flag is not None:
        return flag in ("1", "true", "on")
    bits = attribute(look, "val") or "0"
    return bool(int(bits, 16) & 0x20) if _HEX.issuperset(bits) else False


def _is_bold(row: Row) -> bool:
    """Whether there are words in more than one cell and all are set in bold."""
    cells = 0
    for cell in row.cells:
        runs = [
            run for each in paragraphs(cell) for run in children(each, "r") if child(run, "t") is not None
        ]
        if not all(is_on(child(run, "rPr"), "b") for run in runs):
            return False
        cells += bool(runs)
    return cells > 1


def _has_text(run: etree._Element) -> bool:
    return child(run, "t") is not None
