from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf_render import render
from rag.errors import DocumentRejected, NotFound
from rag.records import BlockKind, ParsedDocument
from tests.ingest.builders import lines, pdf
from tests.ingest.reading import read, text_of, texts

LONG = [
    "The first line of a paragraph is as long as the column allows it to be",
    "and the second one follows it closely, until the paragraph is finished.",
]


def headings(parsed: ParsedDocument) -> list[tuple[int, str]]:
    return [
        (block.level, text_of(parsed, block)) for block in parsed.blocks if block.kind is BlockKind.HEADING
    ]


def test_lines_become_one_paragraph() -> None:
    parsed = read(pdf(lines(*LONG)))
    assert parsed.text == " ".join(LONG)
    assert parsed.page_count == 1
    assert (parsed.pages[0].width, parsed.pages[0].height) == (612, 792)


def test_a_gap_separates_paragraphs() -> None:
    parsed = read(pdf(lines(*LONG) + lines(*LONG, y=670)))
    assert parsed.text == "\n\n".join([" ".join(LONG)] * 2)


def test_an_indent_separates_paragraphs() -> None:
    parsed = read(pdf(lines(*LONG) + lines(LONG[0], x=90, y=696) + lines(LONG[1], y=684)))
    assert texts(parsed) == [" ".join(LONG)] * 2


def test_larger_and_bold_type_makes_headings_with_levels() -> None:
    page = (
        lines("Annual report", y=740, size=20, font="F2")
        + lines("Results", y=710, size=14, font="F2")
        + lines(*LONG, y=690)
        + lines("Outlook", y=650, font="F2")
        + lines(*LONG, y=630)
    )
    parsed = read(pdf(page))
    assert headings(parsed) == [(1, "Annual report"), (2, "Results"), (3, "Outlook")]
    assert parsed.title == "Annual report"


def test_rows_with_wide_gaps_become_table_rows() -> None:
    rows = [("Country", "Area", "Capital"), ("Austria", "83879", "Vienna"), ("Belgium", "30689", "Brussels")]
    page = b"".join(
        lines(cell, x=72 + 150 * column, y=700 - 14 * row)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    )
    parsed = read(pdf(page))
    assert parsed.text == "Country | Area | Capital\nAustria | 83879 | Vienna\nBelgium | 30689 | Brussels"
    assert [block.header for block in parsed.blocks] == [True, False, False]


def test_bullets_become_list_items() -> None:
    page = lines("Bring along:", y=720) + lines("- warm clothes", "- something to eat", y=700)
    assert texts(read(pdf(page)), BlockKind.LIST_ITEM) == ["- warm clothes", "- something to eat"]


def test_a_paragraph_goes_on_behind_page_number_and_footnote() -> None:
    first = lines(LONG[0], y=90) + lines("1 A note about nothing.", y=60, size=7) + lines("7", x=300, y=40)
    second = lines(LONG[1], y=740) + lines("Another paragraph begins here.", y=700)
    parsed = read(pdf(first, second))
    assert " ".join(LONG) in parsed.text
    assert "A note about nothing." in parsed.text
    crossing = parsed.blocks[2]
    assert parsed.pages[0].start < crossing.start < parsed.pages[0].end < crossing.end
    assert parsed.text[parsed.pages[1].start :].startswith(LONG[1])


@pytest.mark.parametrize(
    ("elsewhere", "expected"),
    [("It was written in prose.", "information"), ("It is infor-mation here.", "infor-mation")],
)
def test_a_hyphen_at_a_line_end_is_judged_by_the_rest_of_the_document(elsewhere: str, expected: str) -> None:
    page = lines(elsewhere, y=740) + lines(
        "This line ends within the word called infor-", "mation and goes on."
    )
    assert f"called {expected} and goes on." in read(pdf(page)).text


def test_metadata_titles_that_are_file_names_are_not_used(shared: Path) -> None:
    assert read(shared / "fixtures/multicolumn.pdf").title == "Two-Column Document with Lorem Ipsum"


def test_columns_are_read_one_after_the_other_with_whole_words(shared: Path) -> None:
    parsed = read(shared / "fixtures/multicolumn.pdf")
    assert "Lorem ipsum dolor sit amet, consectetuer adipiscing elit. Ut purus elit" in parsed.text
    assert "Nam feugiat lacus vel est. Curabitur consectetuer." in parsed.text  # across a page end
    assert "Austria | 8.9 | 83,879 | Vienna | German" in texts(parsed, BlockKind.TABLE_ROW)
    assert (2, "Abstract") in headings(parsed)


PAPERS = {
    "bert": ["1 Introduction", "2 Related Work", "3.2 Fine-tuning BERT", "References"],
    "distilbert": ["Abstract", "2 Knowledge distillation", "4.1 Downstream task benchmark", "References"],
    "llama": ["Abstract", "2.1 Pre-training Data", "3 Main results", "References"],
}


@pytest.mark.parametrize("name", PAPERS)
def test_papers_read_well(shared: Path, name: str) -> None:
    parsed = read(shared / f"evals/papers/{name}.pdf")
    found = [text for _, text in headings(parsed)]
    assert [heading for heading in PAPERS[name] if heading not in found] == []
    long = [text for text in texts(parsed, BlockKind.PARAGRAPH) if len(text) > 60]
    whole = [text for text in long if re.search(r"[.!?:…][)\"”\d]*$", text) and not text[0].islower()]
    assert len(whole) / len(long) > 0.85  # the rest is set in figures and formulas


def test_sentences_are_whole_and_compounds_keep_their_hyphens(shared: Path) -> None:
    text = read(shared / "evals/papers/distilbert.pdf").text
    assert "operating these large models in on-the-edge and/or under constrained computational" in text
    assert (
        "a smaller general-purpose language representation model, called DistilBERT, which can then" in text
    )
    assert "\ufffe" not in text


def test_words_are_complete(shared: Path) -> None:
    parsed = read(shared / "fixtures/pdflatex-4-pages.pdf")
    covered = sum(word.end - word.start for page in parsed.pages for word in page.words)
    assert covered >= 0.97 * sum(not char.isspace() for char in parsed.text)


def test_pages_without_text_are_listed(shared: Path) -> None:
    parsed = read(shared / "fixtures/ocr_test.pdf", limits=ParseLimits(max_ocr_pages=0))
    assert (parsed.text, parsed.page_count, parsed.pages_without_text) == ("", 1, (1,))


def test_blank_pages_lack_nothing() -> None:
    parsed = read(pdf(lines("Some text."), b"", b"0 0 10 10 re f"), limits=ParseLimits(max_ocr_pages=0))
    assert (parsed.page_count, parsed.pages_without_text) == (3, (3,))


def test_garbled_pages_are_named_where_they_cannot_be_recognised() -> None:
    natural = lines(*[" ".join(LONG)] * 3)
    shifted = lines(*["".join(chr(ord(char) - 3) if char > "c" else char for char in " ".join(LONG))] * 3)
    parsed = read(pdf(natural, shifted), limits=ParseLimits(max_ocr_pages=0))
    assert [notice.code for notice in parsed.warnings] == ["garbled_text"]
    assert parsed.warnings[0].detail.split(": ")[1].startswith("2.")
    assert (parsed.pages_without_text, parsed.pages_recognised) == ((), ())


def test_pages_keep_the_numbers_printed_on_them() -> None:
    labels = b"/PageLabels << /Nums [0 << /S /r >> 2 << /S /D >>] >>"
    data = pdf(*[lines("x")] * 4).replace(b"/Type /Catalog", b"/Type /Catalog " + labels)
    assert [page.label for page in read(data).pages] == ["i", "ii", "1", "2"]


def test_running_heads_and_page_numbers_are_furniture_and_nothing_else() -> None:
    pages = [
        lines(f"Annual report   {number + 5}", y=760, size=8)
        + lines("Country", y=730)
        + lines("Country", x=300, y=730)
        + lines(f"Land {number * number}", y=716)
        + lines(f"{83879 - 17 * number}", x=300, y=716)
        + lines(*LONG, y=660)
        + lines(f"- {number + 5} -", x=300, y=30)
        for number in range(4)
    ]
    parsed = read(pdf(*pages))
    found = texts(parsed, BlockKind.FURNITURE)
    assert sorted(found) == sorted(
        text for number in range(5, 9) for text in (f"Annual report {number}", f"- {number} -")
    )
    assert len(texts(parsed, BlockKind.TABLE_ROW)) == 8


def test_a_paragraph_over_three_pages_stays_apart_from_their_numbers(shared: Path) -> None:
    parsed = read(shared / "fixtures/pdflatex-4-pages.pdf")
    assert texts(parsed, BlockKind.FURNITURE) == ["1", "2", "3", "4"]


def test_unreadable_pages_are_reported(shared: Path) -> None:
    parsed = read(shared / "hostile/Pages-tree-refs.pdf")
    assert parsed.text
    assert [notice.code for notice in parsed.warnings] == ["page_unreadable"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("fixtures/libreoffice-writer-password.pdf", "encrypted"),
        ("hostile/poppler-742-0-fuzzed.pdf", "corrupt"),
    ],
)
def test_files_that_cannot_be_opened(shared: Path, name: str, code: str) -> None:
    with pytest.raises(DocumentRejected) as caught:
        read(shared / name)
    assert caught.value.code == code


def test_a_file_cut_in_half_is_corrupt(shared: Path) -> None:
    data = (shared / "fixtures/multicolumn.pdf").read_bytes()
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(data[: len(data) // 2])


def test_too_many_pages() -> None:
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(pdf(*[lines("x")] * 3), limits=ParseLimits(max_pages=2))


def test_beyond_the_limit_on_words_only_boxes_end() -> None:
    parsed = read(pdf(lines("One two."), lines("Three four.")), limits=ParseLimits(max_words=3))
    assert parsed.text == "One two.\n\nThree four."
    assert [len(page.words) for page in parsed.pages] == [2, 0]
    assert [notice.code for notice in parsed.warnings] == ["positions_omitted"]


def test_progress_counts_pages() -> None:
    from ingest.parsers.pdf import parse

    seen: list[tuple[int, int]] = []
    parse(pdf(lines("a"), lines("b")), "x.pdf", ParseLimits(), lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_a_page_is_rendered_as_png_within_the_pixel_limit() -> None:
    data = pdf(lines("hello", size=100, y=400))
    png = render(data, 1, 1.0, 10**7)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert _size(png) == (612, 792)
    width, height = _size(render(data, 1, 4.0, 100_000))
    assert width * height <= 102_000


def _size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_rendered_pixels_are_those_of_the_page() -> None:
    import zlib

    data = pdf(b"1 0 0 rg 0 0 50 100 re f 0 0 1 rg 50 0 50 100 re f", size=(100, 100))
    png = render(data, 1, 1.0, 10**7)
    start = png.index(b"IDAT") + 4
    rows = zlib.decompress(png[start : start + int.from_bytes(png[start - 8 : start - 4])])
    middle = rows[50 * 301 + 1 : 51 * 301]
    assert middle[30:33] == b"\xff\x00\x00"
    assert middle[240:243] == b"\x00\x00\xff"


@pytest.mark.parametrize("number", [0, 2, -1])
def test_pages_that_do_not_exist(number: int) -> None:
    with pytest.raises(NotFound, match="page_not_found"):
        render(pdf(lines("x")), number, 1.0, 10**6)
