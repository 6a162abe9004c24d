"""All pages of a PDF: as the text layer has them, or read from their picture where it has nothing of use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pypdfium2 as pdfium

from ingest.garbled import GARBLED, garbled_share
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf_page import PageText, read_page
from ingest.parsers.pdf_recognised import recognised_page
from rag.records import Notice

_MAX_NAMED_PAGES = 20
_MAX_LABEL_CHARS = 40


@dataclass(slots=True)
class Reading:
    """The pages, and the numbers of those that something has to be said about.

    ``lost`` are damaged: they are there, but empty. ``wordless`` show something, but no text could be
    had; ``recognised`` were read from their picture; ``garbled`` would have to be.
    """

    pages: list[PageText] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    wordless: list[int] = field(default_factory=list)
    recognised: list[int] = field(default_factory=list)
    garbled: list[int] = field(default_factory=list)

    def notices(self) -> Iterator[Notice]:
        """What a reader of the document should know about its pages."""
        if self.lost:
            yield Notice("page_unreadable", f"Damaged pages were left out: {_named(self.lost)}.")
        if self.garbled:
            yield Notice(
                "garbled_text",
                f"Of these pages the text is mostly characters without a meaning: {_named(self.garbled)}. "
                "Install a text recognition engine (footnote[ocr] or tesseract) and send the document again.",
            )
        approximate = [page.number for page in self.pages if page.approximate]
        if approximate:
            yield Notice(
                "positions_approximate",
                f"On these pages some words are only marked by their whole line: {_named(approximate)}.",
            )


def read_pages(document: pdfium.PdfDocument, limits: ParseLimits, progress: Progress) -> Reading:
    """Every page of ``document``, whatever state it is in."""
    reading = Reading()
    count = len(document)
    for number in range(1, count + 1):
        try:
            page = _read(document, number, limits, reading)
            page.label = _label(document, number)
        except pdfium.PdfiumError:
            reading.lost.append(number)
            page = PageText(number)
        reading.pages.append(page)
        progress(number, count)
    return reading


def _read(document: pdfium.PdfDocument, number: int, limits: ParseLimits, reading: Reading) -> PageText:
    page = read_page(document, number)
    if page.blank:
        return page
    is_garbled = garbled_share("\n".join(line.text for line in page.lines)) > GARBLED
    if page.lines and not is_garbled:
        return page
    found = _recognised(document, number, limits)
    if found is not None and found.lines:
        reading.recognised.append(number)
        return found
    (reading.garbled if is_garbled else reading.wordless).append(number)
    return page


def _recognised(document: pdfium.PdfDocument, number: int, limits: ParseLimits) -> PageText | None:
    """The page as read from its picture; a page that cannot be drawn still has the text it has."""
    try:
        return recognised_page(document, number, limits)
    except pdfium.PdfiumError:
        return None


def _label(document: pdfium.PdfDocument, number: int) -> str:
    """What the document calls the page, if that is not its number."""
    label: str = document.get_page_label(number - 1)
    return "" if label == str(number) else label[:_MAX_LABEL_CHARS]


def _named(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:_MAX_NAMED_PAGES])) + (" …" if len(numbers) > _MAX_NAMED_PAGES else "")
