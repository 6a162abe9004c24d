"""Every real and every hostile file has an outcome of a known kind, and leaves this process alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import sniffing
from ingest.parsers.limits import ParseLimits
from ingest.sandbox import parse_file, render_page
from rag.errors import FootnoteError

SHARED = Path(__file__).resolve().parents[3] / "shared"
LIMITS = ParseLimits(memory_bytes=1024 * 2**20, cpu_seconds=3, wall_seconds=20)
KNOWN_CODES = {
    "corrupt",
    "encrypted",
    "limit_exceeded",
    "parser_crashed",
    "no_text",
    "unsupported_type",
    "page_not_found",
    "page_unreadable",
}

IMAGE_ONLY = "needs_ocr"

# Kind of each real file and words that a reader of it finds in it, or how it ends.
REAL_FILES = {
    "csv-comma.csv": (sniffing.CSV, "First Name: Sheryl"),
    "csv-semicolon.csv": (sniffing.CSV, "First Name: Sheryl"),
    "duck.md": (sniffing.MARKDOWN, "- Paddle about"),
    "eml_with_attachment.eml": (sniffing.MAIL, "This email contains an attachment."),
    "epub_purvis_poetry.epub": (sniffing.EPUB, "The cold storms of winter shall chill him no more"),
    "example_08.html": (sniffing.HTML, "Pivot table with 2 row headers"),
    "grayscale-image.pdf": (sniffing.PDF, IMAGE_ONLY),
    "habibi.pdf": (sniffing.PDF, "habibi"),
    "libreoffice-writer-password.pdf": (sniffing.PDF, "encrypted"),
    "lorem_ipsum.docx": (sniffing.DOCX, "Lorem ipsum dolor sit amet"),
    "multicolumn.pdf": (sniffing.PDF, "This is a sample document with two columns"),
    "ocr_test.pdf": (sniffing.PDF, IMAGE_ONLY),
    "odf_presentation_01.odp": (sniffing.ODP, "Test Table Slide"),
    "pdflatex-4-pages.pdf": (sniffing.PDF, "Hello, here is some text without a meaning."),
    "pdflatex-outline.pdf": (sniffing.PDF, "Hello, here is some text without a meaning."),
    "powerpoint_sample.pptx": (sniffing.PPTX, "Test Table Slide"),
    "table_06.html": (sniffing.HTML, "A1 | B1 | C1"),
    "unit_test_headers.docx": (sniffing.DOCX, "Paragraph 1.2.3.1"),
    "wiki.md": (sniffing.MARKDOWN, "one of the 30 companies in the Dow Jones Industrial Average"),
    "wiki_duck.html": (sniffing.HTML, "Order: | Anseriformes"),
    "word_sample.docx": (sniffing.DOCX, "2. Don’t forget to drink water"),
    "word_tables.docx": (sniffing.DOCX, "Merged Cell 1.1 1.2"),
    "xlsx_01.xlsx": (sniffing.XLSX, "first: 1 | second: 5 | third: 9"),
    "xlsx_05_table_with_title.xlsx": (sniffing.XLSX, "Year: 2021 | Freshwater Ducks: 150"),
}


def files(folder: str) -> list[str]:
    return sorted(path.name for path in (SHARED / folder).glob("*"))


@pytest.mark.parametrize("name", files("fixtures"))
def test_real_files_are_read_or_say_why_not(shared: Path, name: str) -> None:
    media_type, expected = REAL_FILES[name]
    path = shared / "fixtures" / name
    if expected in KNOWN_CODES:
        with pytest.raises(FootnoteError, match=expected):
            parse_file(path, name, LIMITS)
        return
    parsed = parse_file(path, name, LIMITS)
    assert parsed.media_type == media_type
    if expected == IMAGE_ONLY:
        # With an OCR engine at hand the pages have been read from their pictures.
        assert parsed.pages_without_text or parsed.pages_recognised
    else:
        assert expected in parsed.text
        assert parsed.text.count("\ufffd") <= 0.01 * len(parsed.text) + 1


def outcome(action: Callable[[], object]) -> FootnoteError | None:
    """The typed error ``action`` ends with, or None if it succeeds; any other exception passes."""
    try:
        action()
    except FootnoteError as error:
        return error
    return None


@pytest.mark.parametrize("name", files("hostile"))
def test_hostile_files_have_a_typed_outcome(shared: Path, name: str) -> None:
    path = shared / "hostile" / name
    for error in (
        outcome(lambda: parse_file(path, name, LIMITS)),
        outcome(lambda: render_page(path, 1, limits=LIMITS)),
    ):
        assert error is None or error.code in KNOWN_CODES


def test_a_picture_of_ten_billion_pixels_is_not_unpacked(shared: Path) -> None:
    assert "JBIG2 BOMB" in parse_file(shared / "hostile/bomb_giant.pdf", "bomb.pdf", LIMITS).text
