"""What a zip or OLE file holds, told from the names in its directory without unpacking anything.

Formats: PKWARE APPNOTE 6.3 sections 4.3.7, 4.3.12 and 4.3.16 (zip), [MS-CFB] section 2 (OLE).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

WORD = "a Word document"
ENCRYPTED_OFFICE = "an encrypted Office document"
_POWERPOINT = "a PowerPoint presentation"
_EXCEL = "an Excel workbook"
_ARCHIVE = "a zip archive"

_MAX_DIRECTORY_BYTES = 1 << 20
_MAX_NAMES = 4096
_END_RECORD_BYTES = 22
_MAX_COMMENT_BYTES = 65_535
_HEAD_BYTES = 8192

_OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.text": "an OpenDocument text",
    b"application/vnd.oasis.opendocument.spreadsheet": "an OpenDocument spreadsheet",
    b"application/vnd.oasis.opendocument.presentation": "an OpenDocument presentation",
    b"application/epub+zip": "an EPUB book",
}
_BY_FOLDER = (
    (b"word/", WORD),
    (b"ppt/", _POWERPOINT),
    (b"xl/", _EXCEL),
    (b"visio/", "a Visio drawing"),
    (b"META-INF/MANIFEST.MF", "a Java archive"),
    (b"AndroidManifest.xml", "an Android app"),
    (b"META-INF/container.xml", "an EPUB book"),
)
_OFFICE_NAMES = {".docx": WORD, ".docm": WORD, ".dotx": WORD, ".pptx": _POWERPOINT, ".xlsx": _EXCEL}
_OLE_STREAMS = (
    ("EncryptedPackage", ENCRYPTED_OFFICE),
    ("WordDocument", "a Word 97-2003 document"),
    ("Workbook", "an Excel 97-2003 workbook"),
    ("Book", "an Excel 95 workbook"),
    ("PowerPoint Document", "a PowerPoint 97-2003 presentation"),
    ("__nameid_version1.0", "an Outlook message"),
    ("__properties_version1.0", "an Outlook message"),
    ("VisioDocument", "a Visio drawing"),
)


def zip_kind(file: BinaryIO, size: int, suffix: str) -> str:
    """What a zip-based file is, as words for people; ``WORD`` for anything with a Word part.

    A damaged Office file is still what it was meant to be: ``suffix`` tells when the directory is
    gone but the archive begins as Office files do.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    for media_type, label in _OPEN_DOCUMENT.items():
        if head[30:38] == b"mimetype" and head[38:].startswith(media_type):
            return label
    names = list(_directory_names(file, size)) or list(_leading_names(head))
    for prefix, label in _BY_FOLDER:
        if any(name.startswith(prefix) for name in names):
            return label
    if b"[Content_Types].xml" in names[:1]:
        return _OFFICE_NAMES.get(suffix, "an Office document of an unknown kind")
    return _ARCHIVE


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


def ole_kind(file: BinaryIO) -> str:
    """What an OLE compound file is, by the stream names in the first sector of its directory chain."""
    file.seek(0)
    header = file.read(512)
    if len(header) < 512:
        return "a damaged Office document"
    (sector_shift,) = struct.unpack_from("<H", header, 30)
    (first_sector,) = struct.unpack_from("<I", header, 48)
    if sector_shift not in (9, 12):
        return "a damaged Office document"
    file.seek((first_sector + 1) << sector_shift)
    # The directory is usually one run of sectors, and the streams that name the format come early.
    directory = file.read(_HEAD_BYTES)
    names = {_entry_name(directory[at : at + 128]) for at in range(0, len(directory) - 127, 128)}
    for stream, label in _OLE_STREAMS:
        if stream in names:
            return label
    return "an old Office document"


def _entry_name(entry: bytes) -> str:
    (name_bytes,) = struct.unpack_from("<H", entry, 64)
    return entry[: max(0, min(name_bytes, 64) - 2)].decode("utf-16-le", "replace")
