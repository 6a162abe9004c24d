"""What a file is, by its content. The name only decides between kinds of text (.md or .txt).

Runs in the API process on whatever people send, so nothing is decompressed and every read is
bounded: a few kilobytes at both ends, and of a container the names in its directory.

A file that is several things at once (polyglot) is what it begins as, whatever follows: a PDF with an
archive appended is a PDF, a page of HTML with one is HTML, a GIF that is also a script is a GIF. Only
where the beginning is no signature may a PDF header in the first KiB make it a PDF. In text, SVG comes
before mail, mail before HTML, HTML before everything that only a name can tell.
"""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import BinaryIO

from ingest import containers
from ingest.code_names import is_code_name
from ingest.containers import Kind
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

_CONTAINED = {
    Kind.WORD: DOCX,
    Kind.POWERPOINT: PPTX,
    Kind.EXCEL: XLSX,
    Kind.EXCEL_MACROS: XLSM,
    Kind.EXCEL_BINARY: XLSB,
    Kind.OLD_EXCEL: XLS,
    Kind.OPEN_TEXT: ODT,
    Kind.OPEN_SPREADSHEET: ODS,
    Kind.OPEN_PRESENTATION: ODP,
    Kind.EPUB: EPUB,
    Kind.OUTLOOK: OUTLOOK,
    Kind.ARCHIVE: ZIP,
}
_TEXTS = frozenset({HTML, MARKDOWN, PLAIN, CSV, TSV, JSON, JSONL, CODE, MAIL})
SUPPORTED = frozenset({PDF, RTF, PNG, JPEG, TIFF, WEBP}) | _TEXTS | frozenset(_CONTAINED.values())

_HEAD_BYTES = 8192
_TAIL_BYTES = 4096
_ADVICE = (
    "Send PDF, Word, Excel, PowerPoint, OpenDocument, RTF, EPUB, HTML, Markdown, CSV, JSON, text, code, "
    "e-mail, an image (PNG, JPEG, TIFF, WebP) or a ZIP of these."
)

_IMAGE_REMEDY = "Save it as PNG or JPEG and send that."
_ARCHIVE_REMEDY = "Unpack it and send the documents, or a ZIP of them."
_REMEDIES = {
    Kind.OLD_WORD: "Save it as DOCX and send that.",
    Kind.OLD_POWERPOINT: "Save it as PPTX and send that.",
    Kind.VISIO: "Save it as PDF and send that.",
    Kind.OPEN_OTHER: "Save it as PDF and send that.",
    "a GIF image": _IMAGE_REMEDY,
    "a BMP image": _IMAGE_REMEDY,
    "a HEIC image": _IMAGE_REMEDY,
    "an AVIF image": _IMAGE_REMEDY,
    "an SVG image": "Save it as PDF or PNG and send that.",
    "a PostScript document": "Save it as PDF and send that.",
    "a gzip archive": _ARCHIVE_REMEDY,
    "a bzip2 archive": _ARCHIVE_REMEDY,
    "an xz archive": _ARCHIVE_REMEDY,
    "a zstd archive": _ARCHIVE_REMEDY,
    "a 7z archive": _ARCHIVE_REMEDY,
    "a RAR archive": _ARCHIVE_REMEDY,
    "a tar archive": _ARCHIVE_REMEDY,
}
# (offset, bytes, media type or, for what is recognised in order to be named, words).
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", PDF),
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"II*\x00", TIFF),
    (0, b"MM\x00*", TIFF),
    (0, b"II+\x00", TIFF),
    (0, b"MM\x00+", TIFF),
    (0, b"{\\rtf", RTF),
    (0, b"GIF87a", "a GIF image"),
    (0, b"GIF89a", "a GIF image"),
    (4, b"ftypheic", "a HEIC image"),
    (4, b"ftypmif1", "a HEIC image"),
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
    (0, b"%!PS", "a PostScript document"),
    (0, b"wOFF", "a font"),
    (0, b"wOF2", "a font"),
)
_RIFF = {b"WEBP": WEBP, b"WAVE": "a sound recording", b"AVI ": "a video"}
# Signatures of two letters are also how a text may begin; they count only when what follows is binary.
_WEAK_SIGNATURES: tuple[tuple[bytes, str], ...] = ((b"MZ", "a program"), (b"BM", "a BMP image"))

_NAMED_TEXTS = (
    dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".mdx"), MARKDOWN)
    | dict.fromkeys((".csv",), CSV)
    | dict.fromkeys((".tsv", ".tab"), TSV)
)
_HTML_NAMES = frozenset({".html", ".htm", ".xhtml", ".xht"})
_JSON_NAMES = frozenset({".json", ".geojson", ".jsonld", ".ipynb", ".har", ".webmanifest"})
_JSONL_NAMES = frozenset({".jsonl", ".ndjson", ".jsonlines"})
_TEXT_NAMES = frozenset({".txt", ".text", ".log", ".rst", ".adoc", ".org", ".tex"})
_JSON_START = re.compile(r"""[\[{"\d-]|(?:true|false|null)\b""")
# What hardly begins anything else; "[1] Smith, J." is a list of references.
_SURE_JSON_START = re.compile(r"""(?:\[\s*+)?\{\s*+"(?:[^"\\\n]|\\.){0,200}+"\s*+:\s*+["\[{\dtfn-]""")
_HTML_START = re.compile(
    # Atomic: a run of comments must not be split up in every possible way when no tag follows.
    r"(?><!--.*?-->\s*)*+<(!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_XHTML_START = re.compile(r"<\?xml\b[^>]*>.{0,2048}?<html\b", re.IGNORECASE | re.DOTALL)
_SVG_START = re.compile(r"(<\?xml\b[^>]*>\s*+)?(<!--.{0,1024}?-->\s*+)?<svg\b", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[a-zA-Z!/][^<>]*>")
_PDF_HEADER = re.compile(rb"(?:^|[\r\n])%PDF-\d\.\d")
# Some programs put the "From " line of a mailbox before the header (RFC 4155).
_MAIL_HEADER = re.compile(r"(?:From [^\n]*\n)?(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n(?:[ \t][^\n]*\n)*)+")
_MAIL_NAMES = frozenset({".eml", ".mht", ".mhtml"})
_MAIL_FIELDS = re.compile(r"^(from|received|date|message-id|mime-version|return-path|subject):", re.I | re.M)
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(file: BinaryIO, name: str) -> str:
    """The media type of ``file``, one of ``SUPPORTED``. ``file`` must be seekable; it is left at its start.

    Raises:
        DocumentRejected: ``empty_file``; for Office files ``encrypted`` (a password) and ``corrupt``.
        Unsupported: ``unsupported_type``, saying what the file is where that can be told.
    """
    try:
        return _sniff(file, name)
    finally:
        file.seek(0)


def _sniff(file: BinaryIO, name: str) -> str:
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise DocumentRejected("empty_file", "The file is empty; send one with content.")
    head = _read_at(file, 0, _HEAD_BYTES)
    if head.startswith(containers.ZIP_SIGNATURES):
        return _contained_type(containers.zip_kind(file, size, _suffix(name)))
    if head.startswith(containers.OLE_SIGNATURE):
        return _contained_type(containers.ole_kind(file))
    found = _signed_type(head)
    if found is not None:
        return found
    if _is_late_pdf(file, head, size):
        return PDF
    return _text_type(head, name)


def _contained_type(kind: Kind) -> str:
    if kind is Kind.ENCRYPTED_OFFICE:
        raise DocumentRejected(
            "encrypted", "The document is protected by a password; remove the protection and send it again."
        )
    if kind is Kind.DAMAGED_OFFICE:
        raise DocumentRejected(
            "corrupt", "The document is damaged or cut off; save it again and send it once more."
        )
    if kind not in _CONTAINED:
        raise _unsupported(kind)
    return _CONTAINED[kind]


def _signed_type(head: bytes) -> str | None:
    """What the signature of the file says; None if it begins with none that is known."""
    found = _RIFF.get(head[8:12]) if head.startswith(b"RIFF") else None
    if found is None:
        found = next((kind for offset, bytes_, kind in _SIGNATURES if head.startswith(bytes_, offset)), None)
    if found is not None and found not in SUPPORTED:
        raise _unsupported(found)
    return found


def _is_late_pdf(file: BinaryIO, head: bytes, size: int) -> bool:
    """A PDF behind up to 1 KiB of other bytes, as readers accept it (ISO 32000-2, annex I).

    A text about PDF may quote the header, hence the look at the end of the file.
    """
    if not _PDF_HEADER.search(head[:1024]):
        return False
    return b"startxref" in _read_at(file, max(0, size - _TAIL_BYTES), _TAIL_BYTES)


def _text_type(head: bytes, name: str) -> str:
    for signature, label in _WEAK_SIGNATURES:
        if head.startswith(signature) and b"\x00" in head:
            raise _unsupported(label)
    if not _is_text(head):
        raise Unsupported("unsupported_type", f"The file is no text and of no known kind. {_ADVICE}")
    text = decode(head)[0].lstrip()
    suffix = _suffix(name)
    if _SVG_START.match(text):
        raise _unsupported("an SVG image")
    if _is_mail(text, suffix):
        return MAIL
    if _HTML_START.match(text) or _XHTML_START.match(text):
        return HTML
    if suffix in _HTML_NAMES and _TAG.search(text):
        return HTML
    if suffix in _NAMED_TEXTS:
        return _NAMED_TEXTS[suffix]
    if is_code_name(name):
        return CODE
    return _json_type(text, suffix) or PLAIN


def _json_type(text: str, suffix: str) -> str | None:
    """By the name where the text may be JSON; without a telling name only where it can be little else."""
    if suffix in _JSONL_NAMES and _JSON_START.match(text):
        return JSONL
    if suffix in _JSON_NAMES and _JSON_START.match(text):
        return JSON
    if suffix not in _TEXT_NAMES and _SURE_JSON_START.match(text):
        return JSON
    return None


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
    return len(fields) >= (1 if suffix in _MAIL_NAMES else 4)


def _unsupported(label: str) -> Unsupported:
    return Unsupported("unsupported_type", f"The file is {label}. {_REMEDIES.get(label, _ADVICE)}")


def _suffix(name: str) -> str:
    return PurePath(name).suffix.lower()


def _read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)
