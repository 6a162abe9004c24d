"""A PDF page without a usable text layer, read from its picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median

import pypdfium2 as pdfium

from ingest.ocr import allowance
from ingest.ocr.engine import EngineFailed, Picture, RecognisedLine, RecognisedWord
from ingest.ocr.engines import available
from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf_page import PageText, page_of_words
from rag.records import Box

_DPI = 200.0
_POINTS_PER_INCH = 72.0
_ALIKE = 0.25
_MAX_UPRIGHT_CHARS = 3  # a line that is taller than wide and has more of them is turned
_LEFT, _TOP, _RIGHT, _BOTTOM = range(4)


def recognised_page(document: pdfium.PdfDocument, number: int, limits: ParseLimits) -> PageText | None:
    """Page ``number`` (from 1) as the recognition engine reads it; without lines if it reads nothing.

    None when no engine is installed, when ``limits.max_ocr_pages`` have been read, or when the engine
    gives up on the page. Raises PdfiumError when the page cannot be rendered.
    """
    if limits.max_ocr_pages == 0 or not allowance.begin_page(number):
        return None
    engine = allowance.engine(otherwise=lambda: available())
    if engine is None:
        return None
    page = document[number - 1]
    try:
        width, height = page.get_size()
        picture = _render(page, limits.max_pixels)
    finally:
        page.close()
    try:
        lines = engine.recognise(picture, limits.ocr_seconds_per_page)
    except EngineFailed:
        return None
    readable = [line for line in lines if any(_is_text(word) for word in line)]
    return page_of_words(number, width, height, list(_rows(readable, picture, width, height)))


def _is_text(word: RecognisedWord) -> bool:
    """Rules and specks are taken for punctuation."""
    return any(char.isalnum() for char in word.text)


def _render(page: pdfium.PdfPage, max_pixels: int) -> Picture:
    area = max(1.0, page.get_width() * page.get_height())
    scale = min(_DPI / _POINTS_PER_INCH, math.sqrt(max_pixels / area))
    bitmap = page.render(scale=scale, grayscale=True)
    pixels = bytes(bitmap.buffer)
    if bitmap.stride != bitmap.width:
        rows = range(0, bitmap.stride * bitmap.height, bitmap.stride)
        pixels = b"".join(pixels[row : row + bitmap.width] for row in rows)
    return Picture(bitmap.width, bitmap.height, pixels, dpi=scale * _POINTS_PER_INCH)


def _rows(
    lines: list[RecognisedLine], picture: Picture, width: float, height: float
) -> Iterable[list[tuple[str, Box]]]:
    """The lines in points, all words of a line as tall as the line.

    The layout takes that height for the type size, so lines of about the usual height get exactly that:
    in a picture it varies with the letters that happen to be in the line.
    """
    across, down = width / picture.width, height / picture.height
    sizes = [_size(line, across, down) for line in lines]
    usual = round(median(sizes)) if sizes else 0
    for line, exact in zip(lines, sizes, strict=True):
        size = usual if abs(exact - usual) <= _ALIKE * usual else max(1, round(exact))
        boxes = [word.box for word in line]
        middle = (min(box[_TOP] for box in boxes) + max(box[_BOTTOM] for box in boxes)) / 2
        row = []
        for word in line:
            left, top, right, bottom = word.box
            # Words of a line that runs upwards each stand at a height of their own.
            centre = height - down * (middle if top <= middle <= bottom else (top + bottom) / 2)
            row.append((word.text, (left * across, centre - size / 2, right * across, centre + size / 2)))
        yield row


def _size(line: RecognisedLine, across: float, down: float) -> float:
    """How tall a line is in points; of one that runs upwards or downwards, how wide."""
    boxes = [word.box for word in line if _is_text(word)]
    tall = max(box[_BOTTOM] for box in boxes) - min(box[_TOP] for box in boxes)
    wide = max(box[_RIGHT] for box in boxes) - min(box[_LEFT] for box in boxes)
    is_turned = tall > wide and sum(len(word.text) for word in line) > _MAX_UPRIGHT_CHARS
    return wide * across if is_turned else tall * down
