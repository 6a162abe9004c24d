"""Zip archives of any origin, read within limits: what an archive says of itself is checked first.

Measures against bombs: the number of entries is known before a record is made of any, declared sizes
and their ratio to the file are bounded, entries may not share bytes (D. Fifield, "A better zip bomb",
WOOT 2019), and no more is unpacked than was declared.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from io import BytesIO

from ingest.encodings import decode
from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected

_SMALL_ENOUGH = 16 * 2**20  # bytes below which the ratio says nothing about a bomb
_ENCRYPTED_FLAG = 0x1
_UTF8_FLAG = 0x800
_UNIX = 3
_READ_BYTES = 1 << 20
# Sizes and signatures of records: APPNOTE 6.3 sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16.
_LOCAL_BYTES = 30
_DIRECTORY_ENTRY_BYTES = 46
_END_BYTES = 22
_LOCATOR_BYTES = 20
_MAX_COMMENT_BYTES = 65_535
_IN_ZIP64 = 0xFFFFFFFF
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # with NotImplementedError: a method of packing that zipfile does not know
)


class ZipReader:
    """The entries of an archive. Every failure is a DocumentRejected.

    ``entries`` are those of the directory in its order, folders among them.
    """

    def __init__(self, data: bytes, limits: ParseLimits) -> None:
        self._left = limits.max_unpacked_bytes
        if counts_more_entries(data, limits.max_zip_entries):
            raise _too_large(f"holds more than {limits.max_zip_entries:,} files")
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
            self.entries = self._zip.infolist()
            _check_overlaps(data, self.entries)
        except _DAMAGE as error:
            raise damaged() from error
        total = sum(entry.file_size for entry in self.entries)
        if total > limits.max_unpacked_bytes:
            raise _too_large(f"unpacks to {total:,} bytes")
        if total > _SMALL_ENOUGH and total > limits.max_zip_ratio * len(data):
            raise _too_large(f"unpacks to {total // len(data):,} times its size")

    def read(self, entry: zipfile.ZipInfo) -> bytes:
        """The content of ``entry``. Raises ``encrypted``, ``corrupt`` or ``limit_exceeded``."""
        if is_encrypted(entry):
            raise DocumentRejected(
                "encrypted", "The file is protected by a password; remove the protection and send it again."
            )
        try:
            with self._zip.open(entry) as stream:
                content = stream.read(self._left + 1)
        except _DAMAGE as error:
            raise damaged() from error
        self._left -= len(content)
        if self._left < 0:
            raise _too_large("unpacks to more than it declares")
        return content

    def is_intact(self, entry: zipfile.ZipInfo) -> bool:
        """Whether ``entry`` can be unpacked to what its size and checksum promise."""
        try:
            with self._zip.open(entry) as stream:
                unpacked = 0
                while piece := stream.read(_READ_BYTES):
                    unpacked += len(piece)
        except _DAMAGE:
            return False
        return unpacked == entry.file_size


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    """Whether a password protects ``entry``."""
    return bool(entry.flag_bits & _ENCRYPTED_FLAG)


def is_special(entry: zipfile.ZipInfo) -> bool:
    """Whether ``entry`` stands for something else than a file or folder: a link, a device, a pipe."""
    kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == _UNIX else 0
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The path of ``entry`` as its maker wrote it; old archives do not say in which encoding that is."""
    if entry.flag_bits & _UTF8_FLAG:
        return entry.orig_filename
    try:
        return decode(entry.orig_filename.encode("cp437"))[0]
    except UnicodeEncodeError:
        return entry.orig_filename


def damaged() -> DocumentRejected:
    """The error for a file that does not hold together."""
    return DocumentRejected(
        "corrupt", "The file is damaged or cut off; pack or save it again and send it once more."
    )


def _too_large(how: str) -> DocumentRejected:
    return DocumentRejected("limit_exceeded", f"The file {how}; split it and send the parts.")


def counts_more_entries(data: bytes, most: int) -> bool:
    """Whether the directory has more than ``most`` entries, whatever number it gives itself."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _END_BYTES - _MAX_COMMENT_BYTES))
    if end < 0 or len(data) - end < _END_BYTES:
        return False
    directory_bytes: int = struct.unpack_from("<I", data, end + 12)[0]
    after = end
    if directory_bytes == _IN_ZIP64 and data.startswith(b"PK\x06\x07", end - _LOCATOR_BYTES):
        after = struct.unpack_from("<Q", data, end - _LOCATOR_BYTES + 8)[0]
        if not data.startswith(b"PK\x06\x06", after) or len(data) - after < 48:
            return False
        directory_bytes = struct.unpack_from("<Q", data, after + 40)[0]
    at, count = after - directory_bytes, 0
    while 0 <= at <= after - _DIRECTORY_ENTRY_BYTES and data.startswith(b"PK\x01\x02", at):
        count += 1
        if count > most:
            return True
        at += _DIRECTORY_ENTRY_BYTES + sum(struct.unpack_from("<HHH", data, at + 28))
    return False


def _check_overlaps(data: bytes, entries: list[zipfile.ZipInfo]) -> None:
    """Raise BadZipFile when two entries share bytes: honest programs write one after the other."""
    reached = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < reached:
            raise zipfile.BadZipFile("entries overlap")
        names = struct.unpack_from("<HH", data, entry.header_offset + 26)
        reached = entry.header_offset + _LOCAL_BYTES + sum(names) + entry.compress_size
