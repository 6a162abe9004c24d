"""One module per format, each with ``parse(data, name, limits, progress) -> ParsedDocument``.

Parsers run in the sandbox child only (see :mod:`ingest.sandbox`). A module is imported when a document
of its kind turns up, because importing all of them would cost every upload time. To add a format:
write its module, enter it here, and let :mod:`ingest.sniffing` recognise it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import BinaryIO, Protocol, cast

from ingest import sniffing
from ingest.furniture import mark_furniture
from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from rag.records import ParsedDocument

Progress = Callable[[int, int], None]

_MODULES = {
    sniffing.PDF: "ingest.parsers.pdf",
    sniffing.DOCX: "ingest.parsers.docx",
    sniffing.PPTX: "ingest.parsers.pptx",
    sniffing.XLSX: "ingest.parsers.spreadsheet",
    sniffing.XLSM: "ingest.parsers.spreadsheet",
    sniffing.XLSB: "ingest.parsers.spreadsheet",
    sniffing.XLS: "ingest.parsers.spreadsheet",
    sniffing.ODS: "ingest.parsers.spreadsheet",
    sniffing.ODT: "ingest.parsers.opendocument",
    sniffing.ODP: "ingest.parsers.opendocument",
    sniffing.HTML: "ingest.parsers.html",
    sniffing.MARKDOWN: "ingest.parsers.markdown",
    sniffing.PLAIN: "ingest.parsers.plain",
    sniffing.CODE: "ingest.parsers.code",
    sniffing.CSV: "ingest.parsers.delimited",
    sniffing.TSV: "ingest.parsers.delimited",
    sniffing.JSON: "ingest.parsers.json_text",
    sniffing.JSONL: "ingest.parsers.json_text",
    sniffing.EPUB: "ingest.parsers.epub",
    sniffing.RTF: "ingest.parsers.rtf",
    sniffing.MAIL: "ingest.parsers.mail",
    sniffing.OUTLOOK: "ingest.parsers.outlook",
    sniffing.ZIP: "ingest.parsers.archive",
    sniffing.PNG: "ingest.parsers.image",
    sniffing.JPEG: "ingest.parsers.image",
    sniffing.TIFF: "ingest.parsers.image",
    sniffing.WEBP: "ingest.parsers.image",
}
_CONTAINERS = frozenset({sniffing.MAIL, sniffing.OUTLOOK, sniffing.ZIP})


class Parser(Protocol):
    """What a parser module offers as ``parse``."""

    def __call__(self, data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
        """Parse ``data``; ``name`` is the file's name, ``progress(done, total)`` counts pages."""
        ...


class Unpacker(Protocol):
    """What the module of a container format offers besides, as ``members``."""

    def __call__(self, data: bytes, limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of exactly the members that ``parse`` lists, in that order, one at a time."""
        ...


def parse(file: BinaryIO, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Sniff ``file``, parse it with the parser of its kind and mark what its pages carry besides content.

    A document without any text is refused (``no_text``), unless it has pages that show something
    else, which may be read by OCR (the caller is told by ``pages_without_text``), or has members.
    """
    media_type = sniffing.sniff(file, name)
    parser = cast(Parser, import_module(_MODULES[media_type]).parse)
    parsed = parser(file.read(), name, limits, progress)
    if not (parsed.text or parsed.pages_without_text or parsed.members):
        raise DocumentRejected("no_text", "The document holds no text; send one with words in it.")
    return mark_furniture(parsed)


def members(file: BinaryIO, name: str, limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each of ``ParsedDocument.members`` of ``file``, in that order, one at a time.

    Nothing for formats that contain no documents. Raises what :func:`parse` raises, and within the
    same limits.
    """
    media_type = sniffing.sniff(file, name)
    if media_type in _CONTAINERS:
        unpack = cast(Unpacker, import_module(_MODULES[media_type]).members)
        yield from unpack(file.read(), limits)
