from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ingest.canonical import CanonicalText, check
from ingest.furniture import EdgeLine, mark_furniture, recurring
from ingest.parsers.limits import ParseLimits
from rag.records import BlockKind, PageKind, ParsedDocument
from tests.ingest.reading import texts

NAMES = "Ada Bo Cy Di Eli Flo Gus Hal Ida Jo".split()

Content = tuple[BlockKind, str]


def body(number: int) -> str:
    return f"This is what {NAMES[number]} has to say about the matter, at such length that it is text."


def document(*pages: Sequence[Content | str], kind: PageKind = PageKind.PAGE) -> ParsedDocument:
    """Pages of blocks; plain strings are paragraphs."""
    text = CanonicalText(ParseLimits())
    for page in pages:
        for block in page:
            kind_of, words = (BlockKind.PARAGRAPH, block) if isinstance(block, str) else block
            text.add_block(kind_of, words, level=int(kind_of is BlockKind.HEADING))
        text.close_page()
    return text.finish("text/plain", page_kind=kind)


def furniture(parsed: ParsedDocument) -> list[str]:
    marked = mark_furniture(parsed)
    check(marked)
    assert marked.text == parsed.text
    return texts(marked, BlockKind.FURNITURE)


def test_heads_and_page_numbers_are_marked_and_nothing_else() -> None:
    pages = [["Annual report 2026", body(n), f"Page {n} of 5"] for n in range(1, 6)]
    marked = mark_furniture(document(*pages))
    assert texts(marked, BlockKind.PARAGRAPH) == [body(n) for n in range(1, 6)]
    assert furniture(document(*pages)) == [
        text for n in range(1, 6) for text in ("Annual report 2026", f"Page {n} of 5")
    ]


def test_left_and_right_pages_have_heads_of_their_own() -> None:
    pages = [[("The author", "The title")[n % 2], body(n)] for n in range(6)]
    assert furniture(document(*pages)) == ["The author", "The title"] * 3


@pytest.mark.parametrize(
    "numbers", [["1", "2", "3", "4"], ["i", "ii", "iii", "iv"], ["- 7 -", "- 8 -", "- 9 -"]]
)
def test_bare_numbers_in_sequence(numbers: list[str]) -> None:
    pages: list[list[Content | str]] = [[body(n), number] for n, number in enumerate(numbers)]
    assert furniture(document(*pages)) == numbers


def test_numbers_that_do_not_count_pages_are_text() -> None:
    assert furniture(document(*[[body(n), str(n * n + 40)] for n in range(5)])) == []


def test_a_heading_that_changes_is_never_marked() -> None:
    heads = [(BlockKind.HEADING, f"Chapter {n}") for n in range(1, 6)]
    pages: list[list[Content | str]] = [[head, body(n)] for n, head in enumerate(heads)]
    assert furniture(document(*pages)) == []
    assert furniture(document(*[[f"Lesson {n}", body(n)] for n in range(1, 6)])) == []


def test_two_pages_have_no_furniture() -> None:
    assert furniture(document(*[["Annual report", body(n)] for n in range(2)])) == []


def test_text_that_repeats_within_pages_is_no_furniture() -> None:
    assert furniture(document(*[[body(n), "To be continued.", body(n + 1)] for n in range(5)])) == []


def test_less_than_half_the_pages_are_not_enough() -> None:
    pages: list[list[Content | str]] = [[body(n)] for n in range(10)]
    for n in (0, 1, 2):
        pages[n].insert(0, "Summary")
    assert furniture(document(*pages)) == []
    for n in (3, 4):
        pages[n].insert(0, "Summary")
    assert furniture(document(*pages)) == ["Summary"] * 5


def test_blocks_of_several_lines_are_divided() -> None:
    pages = [[f"ACME Ltd.\n{body(n)}\n{body(n + 1)}\nConfidential"] for n in range(4)]
    marked = mark_furniture(document(*pages))
    assert texts(marked, BlockKind.FURNITURE) == ["ACME Ltd.", "Confidential"] * 4
    assert texts(marked, BlockKind.PARAGRAPH)[0] == f"{body(0)}\n{body(1)}"


def test_forms_are_not_emptied() -> None:
    assert furniture(document(*[["Name", "Address", f"of person {n * n}"] for n in range(5)])) == []


def test_titles_of_slides_and_headers_of_tables_stay() -> None:
    title = (BlockKind.HEADING, "Results")
    slides: list[list[Content | str]] = [[title, body(n), "ACME 2026"] for n in range(4)]
    assert furniture(document(*slides, kind=PageKind.SLIDE)) == ["ACME 2026"] * 4
    tables = [[(BlockKind.TABLE_ROW, "Name | Price"), (BlockKind.TABLE_ROW, f"{n} | {n}")] for n in range(9)]
    assert furniture(document(*tables)) == []
    sheets = document(*[["Prices", body(n)] for n in range(4)], kind=PageKind.SHEET)
    assert furniture(sheets) == []


def test_paragraphs_over_page_ends_are_text() -> None:
    parsed = document(*[["Head", body(n)] for n in range(4)])
    first, second = parsed.pages[0], parsed.pages[1]
    crossing = replace(first, end=second.start + 2), replace(second, start=second.start + 2)
    assert furniture(replace(parsed, pages=(*crossing, *parsed.pages[2:]))) == ["Head"] * 3


def test_in_margins_the_head_of_a_chapter_is_enough() -> None:
    lines = [EdgeLine(page, "top", "Methods") for page in (10, 11, 13)]
    assert recurring(lines, 100, in_margins=True) == [True] * 3
    assert recurring(lines, 100) == [False] * 3


def test_number_signs_are_not_taken_for_numbers() -> None:
    pages = [[text, body(n)] for n, text in enumerate(["Ticket # 5 a b", "Ticket 1 # a b", "Ticket 2 3 a b"])]
    assert furniture(document(*pages)) == []
    assert furniture(document(*[["C# handbook", body(n)] for n in range(4)])) == ["C# handbook"] * 4
