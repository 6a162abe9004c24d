from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from ingest.ocr import engines
from ingest.ocr.engine import EngineFailed, Picture, RecognisedLine, RecognisedWord
from ingest.parsers import pdf_recognised
from ingest.parsers.image import as_pdf
from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf_page import PageText, read_page
from ingest.parsers.pdf_recognised import recognised_page
from tests.ingest.builders import lines, pdf

needs_engine = pytest.mark.skipif(not engines.is_installed(), reason="no recognition engine is installed")

TEXTS = [
    "The harbour opened in March 1996",
    "and was closed for good in 2004.",
    "Nobody has used the pier since.",
]


def scan(original: bytes, scale: float = 200 / 72) -> bytes:
    """The first page of a PDF as a picture in a PDF."""
    png = io.BytesIO()
    pdfium.PdfDocument(original)[0].render(scale=scale).to_pil().save(png, "PNG", dpi=(scale * 72,) * 2)
    return as_pdf(png.getvalue(), ParseLimits())


def recognised(data: bytes, limits: ParseLimits | None = None) -> PageText | None:
    return recognised_page(pdfium.PdfDocument(data), 1, limits or ParseLimits())


@needs_engine
@pytest.mark.parametrize("turn", [b"", b" /Rotate 90"])
def test_a_scan_has_the_words_and_boxes_of_its_original(turn: bytes) -> None:
    content = lines(*TEXTS, size=14, leading=20, y=250) if not turn else _sideways()
    original = pdf(content, size=(300, 300)).replace(b" /MediaBox", turn + b" /MediaBox")
    truth = read_page(pdfium.PdfDocument(original), 1)
    page = recognised(scan(original))
    assert page is not None
    assert [line.text for line in page.lines] == TEXTS == [line.text for line in truth.lines]
    assert (page.width, page.height) == pytest.approx((truth.width, truth.height), abs=0.5)
    for read, true in zip(page.lines, truth.lines, strict=True):
        assert read.box == pytest.approx(true.box, abs=5)
    assert len(page.words) == len(truth.words)


def _sideways() -> bytes:
    """The text so that it is upright when the page is turned by 90 degrees."""
    shown = b"".join(b"(%s) Tj 0 -20 Td " % text.encode() for text in TEXTS)
    return b"BT /F1 14 Tf 0 1 -1 0 50 30 Tm " + shown + b"ET"


class Scripted:
    """An engine that finds these lines, in pixels of a page of 100 by 200 points."""

    name = "scripted"

    def __init__(self, found: list[RecognisedLine] | EngineFailed) -> None:
        self._found = found
        self.pictures: list[Picture] = []

    def recognise(self, picture: Picture, seconds: float) -> list[RecognisedLine]:
        self.pictures.append(picture)
        if isinstance(self._found, EngineFailed):
            raise self._found
        scale = picture.width / 100
        return [
            tuple(RecognisedWord(word.text, tuple(side * scale for side in word.box)) for word in line)  # type: ignore[arg-type]  # four sides
            for line in self._found
        ]


@pytest.fixture
def blank() -> bytes:
    return pdf(b"", size=(100, 200))


def read_with(monkeypatch: pytest.MonkeyPatch, engine: Scripted | None, data: bytes) -> PageText | None:
    monkeypatch.setattr(pdf_recognised, "available", lambda: engine)
    return recognised(data, ParseLimits(max_pixels=20_000))


def word(text: str, left: float, top: float, right: float, bottom: float) -> RecognisedWord:
    return RecognisedWord(text, (left, top, right, bottom))


def test_lines_of_about_one_height_are_of_one_size(monkeypatch: pytest.MonkeyPatch, blank: bytes) -> None:
    found = [
        (word("Title", 10, 10, 60, 30),),
        (word("one", 10, 40, 30, 48), word("gap", 40, 40, 60, 50)),
        (word("are", 10, 60, 30, 69),),
        (word("|", 5, 0, 6, 200), word("low", 10, 80, 30, 91)),
    ]
    page = read_with(monkeypatch, Scripted(found), blank)
    assert page is not None
    assert [(line.text, line.size) for line in page.lines] == [
        ("Title", 20),
        ("one gap", 10),
        ("are", 10),
        ("| low", 10),
    ]
    assert page.lines[1].box == pytest.approx((10, 150, 60, 160))


def test_marks_are_no_text_and_turned_lines_no_headings(
    monkeypatch: pytest.MonkeyPatch, blank: bytes
) -> None:
    found = [
        (word("|", 5, 0, 6, 200),),
        (word("stamp", 1, 150, 9, 190), word("2024", 1, 100, 9, 140)),
        (word("text", 20, 60, 40, 68),),
    ]
    page = read_with(monkeypatch, Scripted(found), blank)
    assert page is not None
    assert [(line.text, line.size) for line in page.lines] == [("stamp 2024", 8), ("text", 8)]


def test_a_page_is_rendered_in_grey_within_the_limit(monkeypatch: pytest.MonkeyPatch, blank: bytes) -> None:
    engine = Scripted([])
    page = read_with(monkeypatch, engine, blank)
    assert page == PageText(1, 100, 200)
    (picture,) = engine.pictures
    assert picture.width * picture.height == len(picture.pixels) <= 21_000
    assert picture.dpi == pytest.approx(72)
    assert set(picture.pixels) == {255}


@pytest.mark.parametrize("engine", [None, Scripted(EngineFailed("given up"))])
def test_without_a_working_engine_there_is_no_page(
    monkeypatch: pytest.MonkeyPatch, blank: bytes, engine: Scripted | None
) -> None:
    assert read_with(monkeypatch, engine, blank) is None


def test_recognition_can_be_turned_off(monkeypatch: pytest.MonkeyPatch, blank: bytes) -> None:
    monkeypatch.setattr(pdf_recognised, "available", lambda: Scripted([(word("x1", 1, 1, 9, 9),)]))
    assert recognised(blank, ParseLimits(max_ocr_pages=0)) is None


@pytest.mark.skipif(engines._tesseract() is None, reason="tesseract is not installed")
def test_most_words_of_a_printed_page_are_read(shared: Path) -> None:
    original = (shared / "evals/papers/bert.pdf").read_bytes()
    document = pdfium.PdfDocument(original)
    page = recognised_page(document, 2, ParseLimits())
    assert page is not None
    read, true = (
        Counter(re.findall(r"\w+", " ".join(line.text for line in each.lines)))
        for each in (page, read_page(document, 2))
    )
    assert (read & true).total() >= 0.97 * true.total()
