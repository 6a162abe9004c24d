"""Spreadsheets (XLSX, XLSM, XLSB, XLS, ODS) by python-calamine: every sheet is a page with its row numbers.

Cells are read as they were last calculated. Hidden sheets are left out, and said to be: what a reader
does not see must not be cited.
"""

from __future__ import annotations

import datetime
import re
import struct
from io import BytesIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from ingest.canonical import CanonicalText, collapse
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.office_package import Package, check_not_encrypted, open_document_title, package_title
from ingest.parsers.sheet_rows import SheetRows
from ingest.sniffing import ODS, XLS, sniff
from rag.errors import DocumentRejected
from rag.records import BlockKind, Notice, PageKind, ParsedDocument

MOST_CELLS = 20_000_000
"""Of the rectangle around a sheet's cells; the library keeps an entry for each, the empty ones included."""

_PANIC_MODULE = "pyo3_runtime"
_MOST_MERGED = 100_000
_FEWEST_COLUMNS = 3  # a sheet with two columns of words is as often labels beside what they stand for
_SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml")
_REFERENCE = re.compile(rb'<(?:\w+:)?c (?:[a-qs-z]+="[^"<>]*" )*r="([A-Z]{1,3})(\d{1,7})"')
_WIDEST_MATCH = 256
_PIECE = 2**20
_GLOBALS = b"\x09\x08\x10\x00\x00\x06\x05\x00"  # the first record of a workbook (BOF) and what it says
_FILE_PASS = 0x2F
_RECORDS_BEFORE_PASSWORD = 8
_MIDNIGHT = datetime.time()

Value = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """A heading and the tables of each sheet; sheets without cells are passed over."""
    media_type = sniff(BytesIO(data), name)
    title = None
    if media_type == XLS:
        _check_not_encrypted(data)
    else:
        title = _check_package(Package(data, limits), media_type)
    builder = CanonicalText(limits)
    try:
        with CalamineWorkbook.from_filelike(BytesIO(data)) as workbook:
            hidden = _write_sheets(workbook, builder, limits, progress)
    except BaseException as error:
        # A panic of the library's Rust code arrives as a BaseException whose class cannot be imported.
        if isinstance(error, CalamineError) or type(error).__module__ == _PANIC_MODULE:
            raise DocumentRejected(
                "corrupt", "The workbook is damaged or cut off; save it again and send it once more."
            ) from error
        raise
    warnings = [_left_out(hidden)] if hidden else []
    # Without a title of its own the file's name says more than the name of its first sheet.
    title = title or name.rpartition("/")[2].rpartition(".")[0].replace("_", " ")
    return builder.finish(media_type, title=title, warnings=warnings, page_kind=PageKind.SHEET)


def _left_out(hidden: list[str]) -> Notice:
    names = ", ".join(hidden[:5]) + (", ..." if len(hidden) > 5 else "")
    sheets = "A hidden sheet was" if len(hidden) == 1 else f"{len(hidden)} hidden sheets were"
    detail = f"{sheets} left out: {names}. Unhide what is to be found and send the workbook again."
    return Notice("hidden_sheets", detail)


def _check_package(package: Package, media_type: str) -> str | None:
    """Refuse what the library would fail on without saying why; returns the workbook's title."""
    if media_type == ODS:
        check_not_encrypted(package)
        return open_document_title(package)
    for part in package.names():
        if _SHEET_PART.fullmatch(part):
            _check_extent(package.read(part) or b"")
    return package_title(package)


def _check_not_encrypted(data: bytes) -> None:
    """Refuse a BIFF8 workbook whose first records announce encryption ([MS-XLS] 2.4.117, FilePass)."""
    at = data.find(_GLOBALS)
    for _ in range(_RECORDS_BEFORE_PASSWORD):
        if not 0 <= at <= len(data) - 4:
            return
        kind, length = struct.unpack_from("<HH", data, at)
        if kind == _FILE_PASS:
            raise DocumentRejected(
                "encrypted", "The workbook is protected by a password; remove it and send it again."
            )
        at += 4 + length


def _check_extent(sheet: bytes) -> None:
    """Refuse a sheet whose few cells lie so far apart that the rectangle around them fills the memory."""
    rows, columns = 0, set[bytes]()
    for start in range(0, len(sheet), _PIECE):
        for column, row in _REFERENCE.findall(sheet, start, start + _PIECE + _WIDEST_MATCH):
            rows = max(rows, int(row))
            columns.add(column)
    width = max(map(_column, columns), default=0)
    if rows * width > MOST_CELLS:
        raise DocumentRejected(
            "limit_exceeded",
            f"A sheet of the workbook spans {rows:,} rows by {width:,} columns; "
            "delete the cells that lie far outside or split it, then send it again.",
        )


def _column(name: bytes) -> int:
    """The number of column ``A`` (1) to ``ZZZ``."""
    number = 0
    for letter in name:
        number = number * 26 + letter - ord("A") + 1
    return number


def _write_sheets(
    workbook: CalamineWorkbook, builder: CanonicalText, limits: ParseLimits, progress: Progress
) -> list[str]:
    """Append all sheets; returns the names of those that are hidden."""
    sheets = workbook.sheets_metadata
    if len(sheets) > limits.max_pages:
        raise DocumentRejected(
            "limit_exceeded",
            f"The workbook has more than {limits.max_pages:,} sheets; split it and send the parts.",
        )
    hidden = []
    for index, sheet in enumerate(sheets):
        if sheet.typ is SheetTypeEnum.WorkSheet:
            if sheet.visible is SheetVisibleEnum.Visible:
                _write_sheet(workbook.get_sheet_by_index(index), sheet, builder)
            else:
                hidden.append(collapse(sheet.name))
        progress(index + 1, len(sheets))
    return hidden


def _write_sheet(sheet: CalamineSheet, about: SheetMetadata, builder: CanonicalText) -> None:
    if sheet.start is None:
        return
    builder.add_block(BlockKind.HEADING, collapse(about.name), level=1)
    rows = SheetRows(builder, fewest_columns=_FEWEST_COLUMNS)
    merged = _Merged(sheet)
    for number, values in enumerate(sheet.iter_rows(), start=1):  # from the first row, whatever is in it
        texts = [value if isinstance(value, str) else shown(value) for value in values]
        rows.add(number, texts, merged.apply(number - 1, texts))
    rows.end_table()
    builder.close_page(label=about.name, rows=rows.places)


def shown(value: Value) -> str:
    """``value`` as people write it: no ``.0`` after whole numbers, dates as in ISO 8601.

    How a sheet formats its numbers is not known here: a share shown as 25 % reads 0.25.
    """
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            # The 15 digits a spreadsheet calculates with: 0.1 + 0.2 is 0.3.
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
        case datetime.datetime():
            if value.time() == _MIDNIGHT:
                return value.date().isoformat()
            return f"{value.date().isoformat()} {_clock(value.time())}"
        case datetime.time():
            return _clock(value)
        case datetime.timedelta():
            minutes, seconds = divmod(round(value / datetime.timedelta(seconds=1)), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case _:
            return str(value)


def _clock(time: datetime.time) -> str:
    return time.isoformat("seconds" if time.second else "minutes")


class _Merged:
    """Merged cells of a sheet: a cell over several rows is a label of each, one over columns a span."""

    def __init__(self, sheet: CalamineSheet) -> None:
        self._starting: dict[int, list[tuple[int, int, int]]] = {}
        self._labels: dict[int, tuple[int, str]] = {}
        for (top, left), (bottom, right) in (sheet.merged_cell_ranges or ())[:_MOST_MERGED]:
            self._starting.setdefault(top, []).append((left, bottom, right))

    def apply(self, row: int, texts: list[str]) -> dict[int, int]:
        """Fill ``row``, counted from 0, with the labels that reach down to it; returns what spans columns."""
        for column, (bottom, label) in list(self._labels.items()):
            if bottom < row:
                del self._labels[column]
            elif any(texts) and not texts[column]:
                texts[column] = label
        spans = {}
        for left, bottom, right in self._starting.get(row, ()):
            if left < len(texts) and texts[left]:
                if right > left:
                    spans[left] = right - left + 1
                if bottom > row:
                    self._labels[left] = bottom, texts[left]
        return spans
