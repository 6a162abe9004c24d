"""What a zip or OLE file holds, told from the names in its directory without unpacking anything.

Formats: PKWARE APPNOTE 6.3 sections 4.3.7, 4.3.12 and 4.3.16 (zip), [MS-CFB] section 2 (OLE).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO

ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Kind(StrEnum):
    """What is in a container, in words for people."""

    WORD = "a Word document"
    POWERPOINT = "a PowerPoint presentation"
    EXCEL = "an Excel workbook"
    EXCEL_MACROS = "an Excel workbook with macros"
    EXCEL_BINARY = "a binary Excel workbook"
    VISIO = "a Visio drawing"
    OFFICE = "an Office document of an unknown kind"
    OPEN_TEXT = "an OpenDocument text"
    OPEN_SPREADSHEET = "an OpenDocument spreadsheet"
    OPEN_PRESENTATION = "an OpenDocument presentation"
    OPEN_OTHER = "an OpenDocument file of an unknown kind"
    EPUB = "an EPUB book"
    JAVA = "a Java archive"
    ANDROID = "an Android app"
    ARCHIVE = "a zip archive"
    ENCRYPTED_OFFICE = "an encrypted Office document"
    OLD_WORD = "a Word 97-2003 document"
    OLD_EXCEL = "an Excel 97-2003 workbook"
    OLD_POWERPOINT = "a PowerPoint 97-2003 presentation"
    OUTLOOK = "an Outlook message"
    DAMAGED_OFFICE = "a damaged Office document"
    OLD_OFFICE = "an old Office document"


_MAX_DIRECTORY_BYTES = 1 << 20
_MAX_NAMES = 4096
_END_RECORD_BYTES = 22
_MAX_COMMENT_BYTES = 65_535
_HEAD_BYTES = 8192
_OLE_DIRECTORY_BYTES = 1 << 16
_OLE_ENTRY_BYTES = 128
_OLE_ROOT = 5

_CONTENT_TYPES = b"[Content_Types].xml"
_MIMETYPES = (  # templates and the like begin as the kind they are of: "…opendocument.text-template"
    (b"application/vnd.oasis.opendocument.text", Kind.OPEN_TEXT),
    (b"application/vnd.oasis.opendocument.spreadsheet", Kind.OPEN_SPREADSHEET),
    (b"application/vnd.oasis.opendocument.presentation", Kind.OPEN_PRESENTATION),
    (b"application/vnd.oasis.opendocument.", Kind.OPEN_OTHER),
    (b"application/epub+zip", Kind.EPUB),
)
_OFFICE_FOLDERS = (
    (b"word/", Kind.WORD),
    (b"ppt/", Kind.POWERPOINT),
    (b"xl/workbook.bin", Kind.EXCEL_BINARY),
    (b"xl/vbaProject.bin", Kind.EXCEL_MACROS),
    (b"xl/", Kind.EXCEL),
    (b"visio/", Kind.VISIO),
)
_TELLING_NAMES = (
    (b"META-INF/container.xml", Kind.EPUB),
    (b"META-INF/MANIFEST.MF", Kind.JAVA),
    (b"AndroidManifest.xml", Kind.ANDROID),
)
_OFFICE_NAMES = (
    dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), Kind.WORD)
    | dict.fromkeys((".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm"), Kind.POWERPOINT)
    | dict.fromkeys((".xlsx", ".xltx"), Kind.EXCEL)
    | dict.fromkeys((".xlsm", ".xltm"), Kind.EXCEL_MACROS)
    | {".xlsb": Kind.EXCEL_BINARY}
)
_OPEN_NAMES = (
    dict.fromkeys((".odt", ".ott"), Kind.OPEN_TEXT)
    | dict.fromkeys((".ods", ".ots"), Kind.OPEN_SPREADSHEET)
    | dict.fromkeys((".odp", ".otp"), Kind.OPEN_PRESENTATION)
)
_OLE_STREAMS = (
    ("EncryptedPackage", Kind.ENCRYPTED_OFFICE),
    ("WordDocument", Kind.OLD_WORD),
    ("Workbook", Kind.OLD_EXCEL),
    ("Book", Kind.OLD_EXCEL),
    ("PowerPoint Document", Kind.OLD_POWERPOINT),
    ("__nameid_version1.0", Kind.OUTLOOK),
    ("__properties_version1.0", Kind.OUTLOOK),
    ("VisioDocument", Kind.VISIO),
)


def zip_kind(file: BinaryIO, size: int, suffix: str) -> Kind:
    """What a zip-based file is.

    A damaged Office file is still what it was meant to be: ``suffix`` tells when the directory is
    gone but the archive begins as Office files do.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if head[30:38] == b"mimetype":
        for media_type, kind in _MIMETYPES:
            if head.startswith(media_type, 38):
                return kind
    names = list(_directory_names(file, size)) or list(_leading_names(head))
    # An archive of somebody's folder called "word" is no Word document.
    if _CONTENT_TYPES in names or suffix in _OFFICE_NAMES:
        for prefix, kind in _OFFICE_FOLDERS:
            if any(name.startswith(prefix) for name in names):
                return kind
    if b"META-INF/manifest.xml" in names and b"content.xml" in names:
        return _OPEN_NAMES.get(suffix, Kind.OPEN_OTHER)
    for telling, kind in _TELLING_NAMES:
        if telling in names:
            return kind
    if names[:1] == [_CONTENT_TYPES]:
        return _OFFICE_NAMES.get(suffix, Kind.OFFICE)
    return Kind.ARCHIVE


def _directory_names(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Names from the central directory, up to fixed bounds; nothing if there is none."""
    tail_bytes = min(size, _END_RECORD_BYTES + _MAX_COMMENT_BYTES)
    file.seek(size - tail_bytes)
    tail = file.read(tail_bytes)
    position = tail.rfind(b"PK\x05\x06")
    if position < 0 or len(tail) - position < _END_RECORD_BYTES:
        return
    directory_bytes, offset = struct.unpack_from("<II", tail, position + 12)
    file.seek(min(offset, size))
    directory = file.read(min(directory_bytes, _MAX_DIRECTORY_BYTES))
    position = 0
    for _ in range(_MAX_NAMES):
        if directory[position : position + 4] != b"PK\x01\x02" or len(directory) - position < 46:
            return
        name_bytes, extra_bytes, comment_bytes = struct.unpack_from("<HHH", directory, position + 28)
        yield directory[position + 46 : position + 46 + name_bytes]
        position += 46 + name_bytes + extra_bytes + comment_bytes


def _leading_names(head: bytes) -> Iterator[bytes]:
    """Names in the local headers that happen to lie in the first bytes of a damaged archive."""
    position = head.find(b"PK\x03\x04")
    while 0 <= position <= len(head) - 30:
        (name_bytes,) = struct.unpack_from("<H", head, position + 26)
        yield head[position + 30 : position + 30 + name_bytes]
        position = head.find(b"PK\x03\x04", position + 30)


def ole_kind(file: BinaryIO) -> Kind:
    """What an OLE compound file is, by the names of its streams.

    Those at the top count first: a message may hold a workbook as an attachment, and its streams are
    in the same directory.
    """
    file.seek(0)
    header = file.read(512)
    if len(header) < 512:
        return Kind.DAMAGED_OFFICE
    (sector_shift,) = struct.unpack_from("<H", header, 30)
    (first_sector,) = struct.unpack_from("<I", header, 48)
    if sector_shift not in (9, 12):
        return Kind.DAMAGED_OFFICE
    file.seek((first_sector + 1) << sector_shift)
    # The directory is usually one run of sectors, and the streams that name the format come early.
    directory = file.read(_OLE_DIRECTORY_BYTES)
    entries = [
        directory[at : at + _OLE_ENTRY_BYTES]
        for at in range(0, len(directory) - _OLE_ENTRY_BYTES + 1, _OLE_ENTRY_BYTES)
    ]
    if not entries or entries[0][66] != _OLE_ROOT:
        return Kind.DAMAGED_OFFICE
    for names in (set(_top_names(entries)), {_entry_name(entry) for entry in entries}):
        for stream, kind in _OLE_STREAMS:
            if stream in names:
                return kind
    return Kind.OLD_OFFICE


def _top_names(entries: list[bytes]) -> Iterator[str]:
    """The names directly below the root, whose children form a binary tree ([MS-CFB] 2.6.4)."""
    pending = [struct.unpack_from("<I", entries[0], 76)[0]]
    seen: set[int] = set()
    while pending:
        number = pending.pop()
        if number < len(entries) and number not in seen:
            seen.add(number)
            yield _entry_name(entries[number])
            pending += struct.unpack_from("<II", entries[number], 68)


def _entry_name(entry: bytes) -> str:
    (name_bytes,) = struct.unpack_from("<H", entry, 64)
    return entry[: max(0, min(name_bytes, 64) - 2)].decode("utf-16-le", "replace")
