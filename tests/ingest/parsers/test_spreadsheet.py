from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.parsers.spreadsheet import shown
from ingest.sniffing import ODS, XLS, XLSX
from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind, ParsedDocument
from tests.ingest.parsers.office_files import cells, odf, xls, xlsx
from tests.ingest.reading import read, text_of, texts

PRICES = cells({1: ["Item", "Price", "Stock"], 2: ["Tea", 3.5, 12], 3: ["Pie", 4, None]})


def places(parsed: ParsedDocument, page: int = 1) -> list[tuple[int, str]]:
    """Number and text of each row of a sheet."""
    return [(number, parsed.text[start:].partition("\n")[0]) for start, number in parsed.pages[page - 1].rows]


def test_sheets_are_pages_and_rows_have_their_header() -> None:
    parsed = read(xlsx({"Prices": PRICES, "Towns": cells({1: ["Town"], 2: ["Rome"]})}), "May_stock.xlsx")
    assert parsed.text == (
        "Prices\n\nItem | Price | Stock\nItem: Tea | Price: 3.5 | Stock: 12\nItem: Pie | Price: 4\n\n"
        "Towns\n\nTown\nRome"
    )
    assert (parsed.page_kind, parsed.media_type, parsed.title) == (PageKind.SHEET, XLSX, "May stock")
    assert [page.label for page in parsed.pages] == ["Prices", "Towns"]
    assert places(parsed)[1] == (2, "Item: Tea | Price: 3.5 | Stock: 12")
    assert places(parsed, 2) == [(1, "Town"), (2, "Rome")]
    assert [block.level for block in parsed.blocks if block.kind is BlockKind.HEADING] == [1, 1]


def test_rows_are_counted_as_the_program_does() -> None:
    sheet = cells({3: [None, "Prices"], 5: [None, "Item", "Price"], 6: [None, "Tea", 2], 9: [None, "Sum", 2]})
    parsed = read(xlsx({"A": sheet}))
    assert places(parsed) == [
        (3, "Prices"),
        (5, "Item | Price"),
        (6, "Item: Tea | Price: 2"),
        (9, "Sum | 2"),
    ]


def test_each_table_of_a_sheet_has_its_own_header_and_title() -> None:
    sheet = cells(
        {
            1: ["Drinks"],
            2: ["Item", "Price", "Size"],
            3: ["Tea", 2, 3],
            5: ["Town", "People", "Area"],
            6: ["Rome", 5, 6],
        }
    )
    parsed = read(xlsx({"A": sheet}))
    assert [(block.level, text_of(parsed, block)) for block in parsed.blocks] == [
        (1, "A"),
        (2, "Drinks"),
        (0, "Item | Price | Size"),
        (0, "Item: Tea | Price: 2 | Size: 3"),
        (0, "Town | People | Area"),
        (0, "Town: Rome | People: 5 | Area: 6"),
    ]


def test_merged_cells() -> None:
    sheet = cells(
        {
            1: ["Year", "Sales"],
            2: [None, "North", "South"],
            3: [2024, 5, 6],
            4: [None, 7, 8],
        },
        merged=["A1:A2", "B1:C1", "A3:A4"],
    )
    rows = texts(read(xlsx({"A": sheet})), BlockKind.TABLE_ROW)
    assert rows == [
        "Year | Sales",
        "Year | North | South",
        "Year: 2024 | Sales North: 5 | Sales South: 6",
        "Year: 2024 | Sales North: 7 | Sales South: 8",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (1234567.25, "1234567.25"),
        (-0.0, "0"),
        (True, "TRUE"),
        (datetime.datetime(2024, 5, 1), "2024-05-01"),
        (datetime.datetime(2024, 5, 1, 14, 30), "2024-05-01 14:30"),
        (datetime.datetime(2024, 5, 1, 14, 30, 5), "2024-05-01 14:30:05"),
        (datetime.date(2024, 5, 1), "2024-05-01"),
        (datetime.time(9, 5), "09:05"),
        (datetime.timedelta(hours=30, minutes=5), "30:05:00"),
    ],
)
def test_values_are_written_as_people_do(value: float, expected: str) -> None:
    assert shown(value) == expected


def test_dates_are_told_by_their_style() -> None:
    sheet = cells({1: ["Day", "When", "Done"], 2: [(45413, 1), (45413.5, 2), True]})
    assert texts(read(xlsx({"A": sheet})))[-1] == "Day: 2024-05-01 | When: 2024-05-01 12:00 | Done: TRUE"


def test_hidden_sheets_are_left_out_and_named() -> None:
    parsed = read(xlsx({"Open": PRICES, "Secret": PRICES, "Empty": "<sheetData/>"}, hidden=["Secret"]))
    assert [page.label for page in parsed.pages] == ["Open"]
    (notice,) = parsed.warnings
    assert notice.code == "hidden_sheets"
    assert "Secret" in notice.detail
    with pytest.raises(DocumentRejected, match="no_text"):
        read(xlsx({"Open": "<sheetData/>", "Secret": PRICES}, hidden=["Secret"]))


def test_the_title_in_the_properties_comes_first() -> None:
    assert read(xlsx({"A": PRICES}, title="Price list")).title == "Price list"


def test_old_workbooks() -> None:
    parsed = read(xls([["Item", "Price"], ["Tea", 3.5], ["Pie", 4]]), "a.xls")
    assert (parsed.media_type, parsed.pages[0].label) == (XLS, "Prices")
    assert places(parsed)[1] == (2, "Item: Tea | Price: 3.5")
    with pytest.raises(DocumentRejected, match="encrypted"):
        read(xls([["Item"]], password=True), "a.xls")


def ods(rows: str, **more: str) -> bytes:
    return odf("spreadsheet", f'<table:table table:name="Prices">{rows}</table:table>', **more)


ODS_ROWS = (
    "<table:table-row>"
    '<table:table-cell office:value-type="string"><text:p>Item</text:p></table:table-cell>'
    '<table:table-cell office:value-type="string"><text:p>Price</text:p></table:table-cell>'
    "</table:table-row><table:table-row>"
    '<table:table-cell office:value-type="string"><text:p>Tea</text:p></table:table-cell>'
    '<table:table-cell office:value-type="float" office:value="3.5"><text:p>3.50</text:p></table:table-cell>'
    "</table:table-row>"
)


def test_open_document_spreadsheets() -> None:
    parsed = read(ods(ODS_ROWS))
    assert (parsed.media_type, parsed.pages[0].label) == (ODS, "Prices")
    assert places(parsed) == [(1, "Item | Price"), (2, "Item: Tea | Price: 3.5")]
    with pytest.raises(DocumentRejected, match="encrypted"):
        read(ods(ODS_ROWS, manifest="<encryption-data/>"))


def test_endless_repetition_is_refused() -> None:
    cell = (
        '<table:table-cell office:value-type="string" table:number-columns-repeated="16384">'
        "<text:p>x</text:p></table:table-cell>"
    )
    with pytest.raises(DocumentRejected):
        read(ods(f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'))


def test_cells_that_lie_far_apart_are_refused() -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c s="1" r="XFD1048576"><v>2</v></c></row>'
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(xlsx({"A": f"<sheetData>{far}</sheetData>"}))


def test_bombs_are_refused_before_unpacking() -> None:
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(xlsx({"A": PRICES + " " * 60_000_000}))
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(xlsx({"A": PRICES}, shared=["x" * 1000] * 100), limits=ParseLimits(max_unpacked_bytes=50_000))
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(xlsx({"A": PRICES, "B": PRICES}), limits=ParseLimits(max_pages=1))
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(xlsx({"A": PRICES}), limits=ParseLimits(max_chars=30))


def test_a_string_shared_by_many_cells_counts_each_time() -> None:
    cell = '<c t="s"><v>0</v></c>' * 100
    sheet = f"<sheetData>{f'<row>{cell}</row>' * 20}</sheetData>"
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(xlsx({"A": sheet}, shared=["x" * 5_000]), limits=ParseLimits(max_chars=5_000_000))


def test_damaged_workbooks() -> None:
    data = xlsx({"A": PRICES})
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(data[: len(data) // 2], "a.xlsx")
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(xlsx({"A": "<sheetData><row"}))
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(xls([["Item"]])[:1500], "a.xls")


def test_real_workbooks(shared: Path) -> None:
    parsed = read(shared / "fixtures/xlsx_05_table_with_title.xlsx")
    assert parsed.title == "Wild Duck Observations"
    assert places(parsed)[:3] == [
        (2, "Number of freshwater ducks per year"),
        (4, "Year | Freshwater Ducks"),
        (5, "Year: 2019 | Freshwater Ducks: 120"),
    ]
    parsed = read(shared / "fixtures/xlsx_01.xlsx")
    assert [page.label for page in parsed.pages] == ["Sheet1", "Sheet2", "Sheet3"]
    assert "first: 2 | second: 4 | third: 6" in texts(parsed)
    assert [notice.code for notice in parsed.warnings] == ["hidden_sheets"]
