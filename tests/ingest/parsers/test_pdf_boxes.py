"""The boxes of a citation hold its words: read back from the page by PDFium, as displayed."""

from __future__ import annotations

import ctypes
import io
import random
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest

from rag.records import Box, Page, ParsedDocument
from rag.stores.texts import line_boxes
from tests.ingest.builders import lines, pdf
from tests.ingest.reading import read

DOTS = 100
"""Dots to a point: PDFium converts whole dots of a picture to positions on the page."""

REAL = [
    "fixtures/multicolumn.pdf",
    "fixtures/pdflatex-outline.pdf",
    "evals/papers/bert.pdf",
    "evals/papers/distilbert.pdf",
    "evals/papers/red_teaming.pdf",
]
_SENTENCE = re.compile(r"[A-Z][^.!?\n|]{20,300}[.!?](?=\s|$)")
_NOT_COMPARED = re.compile(r"[\s\-\xad\x02\ufffe\ufffd|]")


def plain(text: str) -> str:
    """What is left of a text when ligatures, spaces and hyphens at line ends do not matter."""
    return _NOT_COMPARED.sub("", unicodedata.normalize("NFKC", text))


def text_inside(document: pdfium.PdfDocument, page: Page, boxes: tuple[Box, ...]) -> str:
    """The text PDFium finds in each box, a little inside of it: it counts whatever is touched."""
    handle = document[page.number - 1]
    text_page = handle.get_textpage()
    found = []
    for x0, y0, x1, y1 in boxes:
        margin = (y1 - y0) / 10
        corners = [(x0 + 0.3, y0 + margin), (x1 - 0.3, y1 - margin)]
        (left, bottom), (right, top) = (on_page(handle, page, *corner) for corner in corners)
        found.append(
            text_page.get_text_bounded(min(left, right), min(bottom, top), max(left, right), max(bottom, top))
        )
    return " ".join(found)


def on_page(handle: pdfium.PdfPage, page: Page, x: float, y: float) -> tuple[float, float]:
    """Where on the undisplayed page a point of the displayed one is, as PDFium has it."""
    across, up = ctypes.c_double(), ctypes.c_double()
    width, height = round(page.width * DOTS), round(page.height * DOTS)
    dots = (round(x * DOTS), round((page.height - y) * DOTS))
    pdfium_c.FPDF_DeviceToPage(handle.raw, 0, 0, width, height, 0, *dots, across, up)
    return across.value, up.value


def sampled_spans(parsed: ParsedDocument, count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Sentences, and runs of three to twelve words."""
    sentences = [match.span() for match in _SENTENCE.finditer(parsed.text)]
    words = [match.span() for match in re.finditer(r"\S+", parsed.text)]
    chance = random.Random(seed)
    yield from chance.sample(sentences, min(len(sentences), count // 2))
    for _ in range(count - count // 2):
        first = chance.randrange(len(words) - 12)
        yield words[first][0], words[first + chance.randint(2, 11)][1]


def round_trips(parsed: ParsedDocument, data: bytes, count: int, seed: int = 7) -> list[tuple[str, str]]:
    """Pairs of what was cited and what is in its boxes, for spans on one page."""
    document = pdfium.PdfDocument(data)
    pairs = []
    for start, end in sampled_spans(parsed, count, seed):
        pages = parsed.pages_touching(start, end)
        if len(pages) == 1:
            boxes = line_boxes(pages[0].words, start, end)
            pairs.append((plain(parsed.text[start:end]), plain(text_inside(document, pages[0], boxes))))
    return pairs


@pytest.mark.parametrize("name", REAL)
def test_what_is_cited_is_what_its_boxes_hold(shared: Path, name: str) -> None:
    pairs = round_trips(read(shared / name), (shared / name).read_bytes(), 80)
    assert len(pairs) > 50
    assert sum(cited in inside for cited, inside in pairs) / len(pairs) >= 0.97


def turned(data: bytes, rotation: int, crop: tuple[int, int, int, int] | None = None) -> bytes:
    """The same PDF with its pages turned clockwise and cut."""
    document = pdfium.PdfDocument(data)
    for number in range(len(document)):
        page = document[number]
        page.set_rotation(rotation)
        if crop is not None:
            page.set_cropbox(*crop)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def upright_when_turned(content: bytes, rotation: int) -> bytes:
    """``content`` of a page of 612 x 792 points, turned against ``rotation``."""
    matrix = {0: "1 0 0 1 0 0", 90: "0 1 -1 0 612 0", 180: "-1 0 0 -1 612 792", 270: "0 -1 1 0 0 792"}
    return f"q {matrix[rotation]} cm ".encode() + content + b" Q"


CROP = (50, 40, 590, 770)


@pytest.mark.parametrize("crop", [None, CROP])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_boxes_lie_where_the_picture_of_the_page_shows_the_words(
    rotation: int, crop: tuple[int, int, int, int] | None
) -> None:
    data = turned(pdf(lines("HIM", x=200, y=500, size=40)), rotation, crop)
    page = read(data).pages[0]
    picture = pdfium.PdfDocument(data)[0].render(scale=1, grayscale=True)
    assert (picture.width, picture.height) == (round(page.width), round(page.height))
    rows, columns = np.nonzero(picture.to_numpy().squeeze() < 128)
    shown = (columns.min(), page.height - rows.max() - 1, columns.max() + 1, page.height - rows.min())
    (box,) = line_boxes(page.words, page.start, page.end)
    # The box of a word is as high as its type: above and below capitals it leaves a third of it free.
    slack = [14 if (rotation % 180 == 0) == (side % 2 == 1) else 5 for side in range(4)]
    assert all(abs(a - b) < s for a, b, s in zip(box, shown, slack, strict=True))
    assert box[0] <= shown[0] + 1
    assert box[2] >= shown[2] - 1


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_page_that_is_displayed_turned_reads_like_any_other(rotation: int) -> None:
    first, second = "The first line of a paragraph is as long as the column allows", "and this is its end."
    data = turned(pdf(upright_when_turned(lines(first, second, x=20, y=500), rotation)), rotation)
    parsed = read(data)
    assert parsed.text == f"{first} {second}"
    boxes = line_boxes(parsed.pages[0].words, 0, len(parsed.text))
    assert len(boxes) == 2
    assert boxes[0][0] == pytest.approx(boxes[1][0], abs=0.1)
    assert boxes[0][1] - boxes[1][1] == pytest.approx(12, abs=0.1)
    assert plain(text_inside(pdfium.PdfDocument(data), parsed.pages[0], boxes)) == plain(parsed.text)


def test_words_without_an_extent_have_the_box_of_their_line_and_this_is_said() -> None:
    flat = b"BT /F1 10 Tf 1 0 0 0 72 600 Tm (flat) Tj ET "
    parsed = read(pdf(flat + lines("normal text", y=700)))
    assert parsed.text == "flat normal text"
    assert len(parsed.pages[0].words) == 3
    left, bottom, right, top = parsed.pages[0].words[0].box
    assert left == 72
    assert bottom <= 600 <= top
    assert right > left
    assert [notice.code for notice in parsed.warnings] == ["positions_approximate"]


def test_a_hyphen_at_a_line_end_is_in_the_box_but_not_in_the_text() -> None:
    parsed = read(pdf(lines("This line ends within the word called infor-", "mation and goes on.")))
    start = parsed.text.index("information")
    boxes = line_boxes(parsed.pages[0].words, start, start + len("information"))
    assert len(boxes) == 2
    assert boxes[0][0] > boxes[1][0]
