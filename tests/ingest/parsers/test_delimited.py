from __future__ import annotations

from pathlib import Path

import pytest

from ingest.canonical import check
from ingest.parsers.delimited import choose_delimiter, parse
from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind, ParsedDocument
from tests.ingest.reading import read, texts


def csv(data: str | bytes, name: str = "stock.csv", limits: ParseLimits | None = None) -> ParsedDocument:
    content = data.encode() if isinstance(data, str) else data
    parsed = parse(content, name, limits or ParseLimits(), lambda done, total: None)
    check(parsed)
    return parsed


def places(parsed: ParsedDocument) -> list[tuple[int, str]]:
    """Each row's number and text, told by the places of the only page."""
    (page,) = parsed.pages
    return [(number, parsed.text[start:].partition("\n")[0]) for start, number in page.rows]


def test_records_are_rows_with_their_header_and_number() -> None:
    parsed = csv("Item,Price\nTea,2\n\nPie,3.5\n")
    assert places(parsed) == [(1, "Item | Price"), (2, "Item: Tea | Price: 2"), (4, "Item: Pie | Price: 3.5")]
    assert (parsed.page_kind, parsed.pages[0].label, parsed.title) == (PageKind.SHEET, "", "stock")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str) -> None:
    lines = ["Item,Note,Sum", 'Tea,"green, or; not\t|",2', "Pie,,3"]
    text = "\n".join(line.replace(",", delimiter) for line in lines)
    assert choose_delimiter(text) == delimiter
    assert texts(csv(text))[2] == "Item: Pie | Sum: 3"


def test_decimal_commas_do_not_separate() -> None:
    assert texts(csv("Item;Price\nTea;2,50\nPie;3,75\n"))[1] == "Item: Tea | Price: 2,50"


def test_quoted_line_ends_belong_to_one_row() -> None:
    parsed = csv('Item,Note,Sum\r\nTea,"one\r\ntwo ""three""",2\r\nPie,x,3\r\n')
    assert places(parsed)[1:] == [
        (2, 'Item: Tea | Note: one two "three" | Sum: 2'),
        (3, "Item: Pie | Note: x | Sum: 3"),
    ]


def test_a_declared_delimiter_is_not_a_row() -> None:
    assert places(csv("sep=;\r\nA;B\r\n1;2\r\n")) == [(1, "A | B"), (2, "A: 1 | B: 2")]


def test_titles_above_the_header() -> None:
    parsed = csv("Stock in May\nItem,Price,Sum\nTea,2,3\nPie,3,4")
    assert texts(parsed) == ["Stock in May", "Item | Price | Sum", *texts(parsed, BlockKind.TABLE_ROW)[1:]]
    assert parsed.blocks[0].kind is BlockKind.HEADING
    parsed = csv("Stock in May\n\nItem,Price,Sum\nTea,2,3\n\nPie,3,4")
    assert places(parsed)[-1] == (6, "Item: Pie | Price: 3 | Sum: 4")


def test_encodings_and_line_ends() -> None:
    assert texts(csv("Größe;Öl\r1;2\r".encode("utf-16")))[1] == "Größe: 1 | Öl: 2"
    assert texts(csv("Größe;Öl\n1;2\n".encode("cp1252")))[1] == "Größe: 1 | Öl: 2"


def test_one_column_is_a_table_too() -> None:
    assert places(csv("amount\n3\n4\n")) == [(1, "amount"), (2, "amount: 3"), (3, "amount: 4")]


def test_what_does_not_hold_together_is_text() -> None:
    prose = "It is, well, a text.\nNo commas here\nOne, here.\n\nAnother, with more, and, more.\nEnd"
    parsed = csv(prose)
    assert texts(parsed, BlockKind.PARAGRAPH) == prose.split("\n\n")
    assert parsed.pages == ()


def test_a_quotation_without_end_loses_nothing() -> None:
    rows = "".join(f"row {number},{number}\n" for number in range(40_000))
    parsed = csv('a,b\n"open,1\n' + rows)
    assert parsed.text.startswith('a,b\n"open,1\nrow 0,0\n')
    assert parsed.text.endswith("row 39999,39999")


def test_a_flood_of_fields_is_text() -> None:
    assert csv("," * 20_000 + "x").blocks[0].kind is BlockKind.PARAGRAPH


def test_too_much_is_refused() -> None:
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        csv("A long name,B\n" + "1,2\n" * 1000, limits=ParseLimits(max_chars=10_000))


@pytest.mark.parametrize("name", ["csv-comma.csv", "csv-semicolon.csv"])
def test_real_files(shared: Path, name: str) -> None:
    parsed = read(shared / "fixtures" / name)
    number, row = places(parsed)[3]
    assert number == 4
    assert row.startswith("Index: 3 | Customer Id: 6F94879bDAfE5a6 | First Name: Roy | Last Name: Berry | ")
    assert parsed.page_kind is PageKind.SHEET
