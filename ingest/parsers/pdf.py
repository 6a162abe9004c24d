"""PDF by PDFium: text in reading order with word boxes, paragraphs recovered from the lines.

PDFium's order follows the content stream. What stands between the two halves of a paragraph that
goes on in the next column or on the next page (footnotes, page numbers, figures) is moved before or
after it, so that sentences stay whole; nothing is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import pypdfium2 as pdfium

from ingest.canonical import CanonicalText, collapse
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.pdf_flow import Hyphenation, arrange
from ingest.parsers.pdf_layout import Paragraph, body_size, heading_key, paragraphs, rank
from ingest.parsers.pdf_page import Line, PageText, read_page
from ingest.parsers.pdf_rows import CELL_SEPARATOR, cells
from ingest.sniffing import PDF
from rag.errors import DocumentRejected
from rag.records import BlockKind, Notice, ParsedDocument, Word

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY
_MAX_TITLE_CHARS = 300
_MAX_NAMED_PAGES = 20
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
    """Text, pages, word boxes and blocks. Without any text, ``pages_without_text`` lists every page."""
    document = open_document(data)
    count = len(document)
    if count > limits.max_pages:
        raise DocumentRejected(
            "limit_exceeded",
            f"The PDF has {count:,} pages, more than the {limits.max_pages:,} allowed; send it in parts.",
        )
    pages, lost = _read_pages(document, progress)
    if count and len(lost) == count:
        raise DocumentRejected(
            "corrupt", "No page of the PDF can be read; save it again and send it once more."
        )
    body = body_size(pages)
    outline = _outline(document)
    flow = arrange(pages, [paragraphs(page, body, outline) for page in pages], body)
    rank(paragraph for found in flow for paragraph in found)
    writer = _Writer(limits, Hyphenation(pages))
    for page, found in zip(pages, flow, strict=True):
        writer.write_page(page, found)
    return writer.text.finish(
        PDF,
        title=_title(document),
        warnings=_notices(lost, writer.words_left < 0),
        pages_without_text=[page.number for page in pages if not page.lines and page.number not in lost],
    )


def _read_pages(document: pdfium.PdfDocument, progress: Progress) -> tuple[list[PageText], list[int]]:
    """All pages, and the numbers of those that could not be read (they are there, but empty)."""
    pages, lost = [], []
    count = len(document)
    for number in range(1, count + 1):
        try:
            pages.append(read_page(document, number))
        except pdfium.PdfiumError:
            lost.append(number)
            pages.append(PageText(number))
        progress(number, count)
    return pages, lost


def _outline(document: pdfium.PdfDocument) -> frozenset[str]:
    """What the table of contents lists, as heading keys; nothing if it is damaged."""
    try:
        titles = [mark.get_title() for mark in islice(document.get_toc(), _MAX_OUTLINE)]
    except pdfium.PdfiumError:
        return frozenset()
    return frozenset(key for title in titles if len(key := heading_key(title)) > 2)


@dataclass
class _Piece:
    """Text under construction with its words."""

    text: str
    words: list[Word]


class _Writer:
    """Puts paragraphs into the canonical text and keeps track of where their words end up."""

    def __init__(self, limits: ParseLimits, hyphenation: Hyphenation) -> None:
        self.text = CanonicalText(limits)
        self.words_left = limits.max_words
        self._hyphenation = hyphenation
        self._open: Line | None = None

    def write_page(self, page: PageText, found: list[Paragraph]) -> None:
        words: list[Word] = []
        for previous, paragraph in zip([None, *found], found, strict=False):
            if previous is not None and previous.kind is not paragraph.kind:
                self.text.end_group()
            words += self._write(paragraph)
        self.words_left -= len(words)
        kept = words if self.words_left >= 0 else []
        self.text.close_page(width=page.width, height=page.height, words=kept)

    def _write(self, paragraph: Paragraph) -> list[Word]:
        piece = (
            self._row(paragraph.lines[0]) if paragraph.kind is BlockKind.TABLE_ROW else self._join(paragraph)
        )
        if paragraph.continues and self._open is not None:
            joiner = self._joiner(self._open, paragraph.lines[0])
            start = self.text.extend_block(joiner, piece.text).start
        else:
            if paragraph.header:
                self.text.end_group()
            span = self.text.add_block(
                paragraph.kind, piece.text, level=paragraph.level, header=paragraph.header
            )
            if span is None:
                return []
            start = span.start
        self._open = paragraph.lines[-1]
        return [Word(word.start + start, word.end + start, word.box) for word in piece.words]

    def _join(self, paragraph: Paragraph) -> _Piece:
        """The lines of a paragraph as one line of text."""
        piece = _Piece("", [])
        for previous, line in zip([None, *paragraph.lines], paragraph.lines, strict=False):
            if previous is not None:
                piece.text += self._joiner(previous, line)
            _extend(piece, line, line.words[0].start, line.words[-1].end)
        if paragraph.lines[-1].hyphenated and not paragraph.interrupted:
            piece.text += "-"
        return piece

    def _row(self, line: Line) -> _Piece:
        piece = _Piece("", [])
        for start, end in cells(line):
            if piece.text:
                piece.text += CELL_SEPARATOR
            _extend(piece, line, start, end)
        return piece

    def _joiner(self, line: Line, following: Line) -> str:
        if line.hyphenated:
            return self._hyphenation.joiner(line.text, following.text)
        return "" if _is_ideographic(line.text.rstrip()[-1:]) and _is_ideographic(following.text[:1]) else " "


def _extend(piece: _Piece, line: Line, start: int, end: int) -> None:
    shift = len(piece.text) - start
    piece.words += [
        Word(word.start + shift, word.end + shift, word.box)
        for word in line.words
        if start <= word.start and word.end <= end
    ]
    piece.text += line.text[start:end]


def _is_ideographic(char: str) -> bool:
    """Chinese and Japanese are written without spaces, so none belongs between their lines."""
    return "\u2e80" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff" or "\uff01" <= char <= "\uff60"


def _title(document: pdfium.PdfDocument) -> str | None:
    """The title from the metadata, unless it is a file name or a placeholder, as many are."""
    title = collapse(document.get_metadata_value("Title"))
    lowered = title.lower()
    if lowered.startswith("microsoft word -") or lowered in ("untitled", "title", "document"):
        return None
    has_suffix = lowered.endswith((".doc", ".docx", ".dvi", ".pdf", ".tex", ".indd", ".qxd", ".rtf", ".odt"))
    return None if has_suffix or len(title) > _MAX_TITLE_CHARS else title


def _notices(lost: list[int], boxes_end: bool) -> list[Notice]:
    notices = []
    if lost:
        shown = ", ".join(map(str, lost[:_MAX_NAMED_PAGES])) + (" …" if len(lost) > _MAX_NAMED_PAGES else "")
        notices.append(
            Notice("page_unreadable", f"{len(lost)} pages are damaged and were left out: {shown}.")
        )
    if boxes_end:
        notices.append(
            Notice("positions_omitted", "The PDF is so long that its last pages have no word positions.")
        )
    return notices
