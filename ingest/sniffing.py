"""What a file is, by its content. The name only decides between kinds of text (.md or .txt).

Runs in the API process on whatever people send, so nothing is decompressed and every read is
bounded: a few kilobytes at both ends, and of a zip archive the names in its directory.
"""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import BinaryIO

from ingest import containers
from ingest.encodings import decode, wide_encoding
from rag.errors import DocumentRejected, Unsupported

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
PPTX = _OFFICE + "presentationml.presentation"
XLSX = _OFFICE + "spreadsheetml.sheet"
XLSM = "application/vnd.ms-excel.sheet.macroenabled.12"
XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
XLS = "application/vnd.ms-excel"
ODS = _OPEN + "spreadsheet"
ODT = _OPEN + "text"
ODP = _OPEN + "presentation"
CSV = "text/csv"
TSV = "text/tab-separated-values"
JSON = "application/json"
JSONL = "application/jsonl"
CODE = "text/x-source-code"
EPUB = "application/epub+zip"
MAIL = "message/rfc822"
OUTLOOK = "application/vnd.ms-outlook"
RTF = "application/rtf"
ZIP = "application/zip"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
WEBP = "image/webp"
SUPPORTED = frozenset({PDF, DOCX, HTML, MARKDOWN, PLAIN})

_HEAD_BYTES = 8192
_TAIL_BYTES = 4096
_ADVICE = "Send PDF, DOCX, HTML, Markdown or text."

# (offset, bytes, what it is): file signatures of kinds that are recognised in order to be named.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF87a", "a GIF image"),
    (0, b"GIF89a", "a GIF image"),
    (0, b"II*\x00", "a TIFF image"),
    (0, b"MM\x00*", "a TIFF image"),
    (8, b"WEBP", "a WebP image"),
    (8, b"WAVE", "a sound recording"),
    (8, b"AVI ", "a video"),
    (4, b"ftypheic", "a HEIC image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftyp", "a video or sound recording"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"ID3", "a sound recording"),
    (0, b"OggS", "a sound recording"),
    (0, b"fLaC", "a sound recording"),
    (0, b"\x7fELF", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"\x00asm", "a program"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive"),
    (0, b"(\xb5/\xfd", "a zstd archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"SQLite format 3\x00", "a SQLite database"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"wOFF", "a font"),
    (0, b"wOF2", "a font"),
)
# Signatures of two letters are also how a text may begin; they count only when what follows is binary.
_WEAK_SIGNATURES: tuple[tuple[bytes, str], ...] = ((b"MZ", "a program"), (b"BM", "a BMP image"))

_MARKDOWN_NAMES = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx"})
_HTML_NAMES = frozenset({".html", ".htm", ".xhtml", ".xht"})
_HTML_START = re.compile(
    # Atomic: a run of comments must not be split up in every possible way when no tag follows.
    r"(?><!--.*?-->\s*)*+<(!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_XHTML_START = re.compile(r"<\?xml\b[^>]*>.{0,2048}?<html\b", re.IGNORECASE | re.DOTALL)
_SVG_START = re.compile(r"(<\?xml\b[^>]*>\s*+)?(<!--.{0,1024}?-->\s*+)?<svg\b", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[a-zA-Z!/][^<>]*>")
_PDF_HEADER = re.compile(rb"(?:^|[\r\n])%PDF-\d\.\d")
_MAIL_HEADER = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n(?:[ \t][^\n]*\n)*){3,}")
_MAIL_FIELDS = re.compile(r"^(from|received|date|message-id|mime-version|return-path|subject):", re.I | re.M)
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(file: BinaryIO, name: str) -> str:
    """The media type of ``file``, one of ``SUPPORTED``. ``file`` must be seekable; it is left at its start.

    Raises:
        DocumentRejected: ``empty_file``; ``encrypted`` for Office files with a password.
        Unsupported: ``unsupported_type``, saying what the file is where that can be told.
    """
    try:
        return _sniff(file, PurePath(name).suffix.lower())
    finally:
        file.seek(0)


def _sniff(file: BinaryIO, suffix: str) -> str:
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise DocumentRejected("empty_file", "The file is empty; send one with content.")
    head = _read_at(file, 0, _HEAD_BYTES)
    if head.startswith(b"%PDF-"):
        return PDF
    if head.startswith(containers.ZIP_SIGNATURES):
        return _office_type(containers.zip_kind(file, size, suffix))
    if head.startswith(containers.OLE_SIGNATURE):
        return _ole_type(file)
    for offset, signature, label in _SIGNATURES:
        if head.startswith(signature, offset):
            raise _unsupported(label)
    if _is_late_pdf(file, head, size):
        return PDF
    return _text_type(head, suffix)


def _office_type(kind: str) -> str:
    if kind == containers.WORD:
        return DOCX
    raise _unsupported(kind)


def _ole_type(file: BinaryIO) -> str:
    kind = containers.ole_kind(file)
    if kind == containers.ENCRYPTED_OFFICE:
        raise DocumentRejected(
            "encrypted", "The document is protected by a password; remove the protection and send it again."
        )
    raise _unsupported(kind)


def _is_late_pdf(file: BinaryIO, head: bytes, size: int) -> bool:
    """A PDF behind up to 1 KiB of other bytes, as readers accept it (ISO 32000-2, annex I).

    A text about PDF may quote the header, hence the look at the end of the file.
    """
    if not _PDF_HEADER.search(head[:1024]):
        return False
    return b"startxref" in _read_at(file, max(0, size - _TAIL_BYTES), _TAIL_BYTES)


def _text_type(head: bytes, suffix: str) -> str:
    for signature, label in _WEAK_SIGNATURES:
        if head.startswith(signature) and b"\x00" in head:
            raise _unsupported(label)
    if not _is_text(head):
        raise Unsupported("unsupported_type", f"The file is no text and of no known kind. {_ADVICE}")
    text = decode(head)[0].lstrip()
    if _SVG_START.match(text):
        raise _unsupported("an SVG image")
    if _is_mail(text, suffix):
        raise _unsupported("an e-mail message")
    if _HTML_START.match(text) or _XHTML_START.match(text):
        return HTML
    if suffix in _HTML_NAMES and _TAG.search(text):
        return HTML
    return MARKDOWN if suffix in _MARKDOWN_NAMES else PLAIN


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")) or wide_encoding(head):
        return True
    # NUL is tolerated now and then (it becomes U+FFFD), as are a few other control characters.
    return len(_CONTROL_BYTES.findall(head)) <= 1 + len(head) / 50


def _is_mail(text: str, suffix: str) -> bool:
    header = _MAIL_HEADER.match(text.replace("\r\n", "\n"))
    if not header:
        return False
    fields = {field.lower() for field in _MAIL_FIELDS.findall(header.group())}
    return suffix == ".eml" or len(fields) >= 4


def _unsupported(label: str) -> Unsupported:
    return Unsupported("unsupported_type", f"The file is {label}. {_ADVICE}")


def _read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)
