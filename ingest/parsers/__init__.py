"""One module per format, each with ``parse(data, name, limits, progress) -> ParsedDocument``.

Parsers run in the sandbox child only (see :mod:`ingest.sandbox`). A module is imported when a document
of its kind turns up, because importing all of them would cost every upload time. To add a format:
write its module, enter it here, and let :mod:`ingest.sniffing` recognise it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import BinaryIO, Protocol, cast

from ingest import sniffing
from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from rag.records import ParsedDocument

Progress = Callable[[int, int], None]

_MODULES = {
    sniffing.PDF: "ingest.parsers.pdf",
    sniffing.DOCX: "ingest.parsers.docx",
    sniffing.HTML: "ingest.parsers.html",
    sniffing.MARKDOWN: "ingest.parsers.markdown",
    sniffing.PLAIN: "ingest.parsers.plain",
}


class Parser(Protocol):
    """What a parser module offers as ``parse``."""

    def __call__(self, data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
        """Parse ``data``; ``name`` is the file's name, ``progress(done, total)`` counts pages."""
        ...


def parse(file: BinaryIO, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Sniff ``file`` and parse it with the parser of its kind.

    A document without any text is refused (``no_text``), unless it has pages that show something
    else: those may be read by OCR, and the caller is told by ``pages_without_text``.
    """
    media_type = sniffing.sniff(file, name)
    parser = cast(Parser, import_module(_MODULES[media_type]).parse)
    parsed = parser(file.read(), name, limits, progress)
    if not parsed.text and not parsed.pages_without_text:
        raise DocumentRejected("no_text", "The document holds no text; send one with words in it.")
    return parsed
