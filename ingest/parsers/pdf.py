"""PDF by PDFium: text in reading order with word boxes, paragraphs recovered from the lines.

PDFium's order follows the content stream. What stands between the two halves of a paragraph that
goes on in the next column or on the next page (footnotes, page numbers, figures) is moved before or
after it, so that sentences stay whole; nothing is dropped.
"""

from __future__ import annotations

from itertools import islice

import pypdfium2 as pdfium

from ingest.canonical import collapse
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf_flow import Hyphenation, arrange
from ingest.parsers.pdf_layout import body_size, heading_key, paragraphs, rank
from ingest.parsers.pdf_margins import mark_margins
from ingest.parsers.pdf_reading import read_pages
from ingest.parsers.pdf_writer import Writer
from ingest.sniffing import PDF
from rag.errors import DocumentRejected
from rag.records import ParsedDocument

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY
_MAX_TITLE_CHARS = 300
_MAX_OUTLINE = 10_000


def open_document(data: bytes) -> pdfium.PdfDocument:
    """``data`` as an open document. Raises DocumentRejected: ``encrypted`` or ``corrupt``."""
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if error.err_code in (_PASSWORD_ERROR, _SECURITY_ERROR):
            raise DocumentRejected(
                "encrypted", "The PDF is protected by a password; remove the protection and send it again."
            ) from error
        raise DocumentRejected(
            "corrupt", "The PDF is damaged and cannot be opened; save it again and send it once more."
        ) from error


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Text, pages, word boxes and blocks; running heads, running feet and page numbers are furniture.

    ``pages_without_text`` lists the pages that show something, but no text that could be read.
    """
    document = open_document(data)
    count = len(document)
    if count > limits.max_pages:
        raise DocumentRejected(
            "limit_exceeded",
            f"The PDF has {count:,} pages, more than the {limits.max_pages:,} allowed; send it in parts.",
        )
    reading = read_pages(document, limits, progress)
    if count and len(reading.lost) == count:
        raise DocumentRejected(
            "corrupt", "No page of the PDF can be read; save it again and send it once more."
        )
    pages = reading.pages
    mark_margins(pages)
    body = body_size(pages)
    outline = _outline(document)
    flow = arrange(pages, [paragraphs(page, body, outline) for page in pages], body)
    rank(paragraph for found in flow for paragraph in found)
    writer = Writer(limits, Hyphenation(pages))
    for page, found in zip(pages, flow, strict=True):
        writer.write_page(page, found)
    return writer.text.finish(
        PDF,
        title=_title(document),
        warnings=[*reading.notices(), *writer.notices()],
        pages_without_text=reading.wordless,
        pages_recognised=reading.recognised,
    )


def _outline(document: pdfium.PdfDocument) -> frozenset[str]:
    """What the table of contents lists, as heading keys; nothing if it is damaged."""
    try:
        titles = [mark.get_title() for mark in islice(document.get_toc(), _MAX_OUTLINE)]
    except pdfium.PdfiumError:
        return frozenset()
    return frozenset(key for title in titles if len(key := heading_key(title)) > 2)


def _title(document: pdfium.PdfDocument) -> str | None:
    """The title from the metadata, unless it is a file name or a placeholder, as many are."""
    title = collapse(document.get_metadata_value("Title"))
    lowered = title.lower()
    if lowered.startswith("microsoft word -") or lowered in ("untitled", "title", "document"):
        return None
    has_suffix = lowered.endswith((".doc", ".docx", ".dvi", ".pdf", ".tex", ".indd", ".qxd", ".rtf", ".odt"))
    return None if has_suffix or len(title) > _MAX_TITLE_CHARS else title
