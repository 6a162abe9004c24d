"""The one file of a backup: a ZIP archive (64-bit, members stored as they are) that ends with its manifest.

``footnote.db`` is the database, ``blobs/ab/<sha256>`` the original files, the rest is small. The manifest
names every member with its size and SHA-256, and the archive's comment the manifest's own SHA-256: that one
number stands for every byte that matters. Any ZIP tool opens it; the 64-bit form has no limit in practice.
Nothing is compressed: originals mostly are already, and a member cannot unpack to more than it is.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from rag.errors import BadRequest, Conflict, NotFound

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "footnote.db"
JOURNAL = "receipts.journal"
PIECE = 1 << 20
"""Bytes that are read, hashed and written at a time."""

Progress = Callable[[str, int, int], None]
"""Hears what is being done, and how many bytes of it are done and to be done."""

_MEMBER = re.compile(
    r"footnote\.db|receipts\.journal|blobs/([0-9a-f]{2})/\1[0-9a-f]{62}|evals/[0-9TZ-]{1,40}\.json"
    r"|secrets/[a-z][a-z0-9_.-]{0,40}"
)
"""What a backup may hold: originals and secrets, and nothing that can be made again. An index in particular
would be of another history than the database as soon as one of them is exchanged."""
_COMMENT = re.compile(r"footnote-backup sha256:([0-9a-f]{64})")
_LARGEST_MANIFEST = 1 << 30


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a backup: size in bytes and SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is of: ``schema`` is the database's revision, ``counts`` of rows and files, by kind."""

    format: int
    created_at: str
    software: str
    schema: str
    counts: Mapping[str, int]
    members: Mapping[str, Member]

    @property
    def bytes(self) -> int:
        """Of all members together."""
        return sum(member.bytes for member in self.members.values())


def blob_member(sha256: str) -> str:
    return f"blobs/{sha256[:2]}/{sha256}"


def allowed(name: str) -> bool:
    """Whether a backup may have a member of this name."""
    return _MEMBER.fullmatch(name) is not None


def damaged(what: str) -> Conflict:
    return Conflict("backup_damaged", f"This backup is damaged ({what}); take another one.")


class BackupWriter:
    """Adds members one after the other; ``seal`` makes it a backup. Use it in a ``with`` block."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        self.members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Without a seal it is no backup; closed now, it does not try to end itself when it is collected.
        with suppress(OSError, ValueError):
            self._archive.close()

    def add(self, name: str, source: IO[bytes]) -> Member:
        if not allowed(name) or name in self.members:
            raise ValueError(f"no member of a backup: {name!r}")
        digest, size = hashlib.sha256(), 0
        with self._archive.open(_header(name), "w", force_zip64=True) as out:
            while part := source.read(PIECE):
                digest.update(part)
                size += len(part)
                out.write(part)
        self.members[name] = Member(size, digest.hexdigest())
        return self.members[name]

    def seal(self, manifest: Manifest) -> str:
        """Write the manifest and the end of the archive. Returns the manifest's SHA-256."""
        data = json.dumps(asdict(manifest), indent=1).encode()
        self._archive.writestr(_header(MANIFEST), data)
        sha256 = hashlib.sha256(data).hexdigest()
        self._archive.comment = f"footnote-backup sha256:{sha256}".encode()
        self._archive.close()
        return sha256


class BackupReader:
    """A backup whose manifest fits its list of members. What they hold is checked as they are read."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest, sha256: str) -> None:
        self._archive = archive
        self.manifest = manifest
        self.sha256 = sha256

    def read(self, name: str) -> Iterator[bytes]:
        """A member's bytes. Raises ``Conflict`` (``backup_damaged``) at their end unless they are the right
        ones: until then, whoever keeps them keeps them only for now."""
        expected = self.manifest.members[name]
        digest, size = hashlib.sha256(), 0
        try:
            with self._archive.open(name) as file:
                while part := file.read(PIECE):
                    digest.update(part)
                    size += len(part)
                    yield part
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise damaged(f"{name} cannot be read") from error
        if (size, digest.hexdigest()) != (expected.bytes, expected.sha256):
            raise damaged(f"{name} is not what it was")


@contextmanager
def opened(path: Path) -> Iterator[BackupReader]:
    """Open a backup and check its manifest.

    Raises:
        NotFound: ``backup_not_found``.
        BadRequest: ``not_a_backup``.
        Conflict: ``backup_damaged``; ``backup_too_new``, a newer release made it.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFound("backup_not_found", f"There is no backup {path}; name the file.") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _not_a_backup(path) from error
    with archive:
        manifest, sha256 = _manifest(path, archive)
        _check_members(archive, manifest)
        yield BackupReader(archive, manifest, sha256)


def _manifest(path: Path, archive: zipfile.ZipFile) -> tuple[Manifest, str]:
    named = _COMMENT.fullmatch(archive.comment.decode("ascii", "replace"))
    if named is None:
        raise _not_a_backup(path)
    try:
        if archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
            raise damaged("the manifest is too long")
        data = archive.read(MANIFEST)
    except (KeyError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise damaged("the manifest cannot be read") from error
    if hashlib.sha256(data).hexdigest() != named[1]:
        raise damaged("the manifest is not what it was")
    try:
        stored: dict[str, Any] = json.loads(data)
        if stored["format"] > FORMAT:
            raise Conflict(
                "backup_too_new", "A newer release of Footnote made this backup; restore it with that one."
            )
        members = {name: Member(**member) for name, member in stored.pop("members").items()}
        return Manifest(members=members, **stored), named[1]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise damaged("the manifest says nothing that makes sense") from error


def _check_members(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    entries = [entry for entry in archive.infolist() if entry.filename != MANIFEST]
    if sorted(entry.filename for entry in entries) != sorted(manifest.members):
        raise damaged("its list of files is not what it was")
    for entry in entries:
        stored = entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 0x1
        if not allowed(entry.filename) or not stored:
            raise damaged("it holds what no backup holds")
        if entry.file_size != manifest.members[entry.filename].bytes:
            raise damaged(f"{entry.filename} has another length")
    if DATABASE not in manifest.members:
        raise damaged("the database is missing")


def _not_a_backup(path: Path) -> BadRequest:
    return BadRequest(
        "not_a_backup", f"{path.name} is not a backup of Footnote, or its end is missing; name another file."
    )


def _header(name: str) -> zipfile.ZipInfo:
    header = zipfile.ZipInfo(name)  # dated 1980: when it was made is in the manifest
    header.external_attr = 0o600 << 16
    return header
