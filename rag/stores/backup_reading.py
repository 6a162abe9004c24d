"""Is a backup whole, and a library made from it again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from rag.errors import BadRequest, Conflict, StorageFailed
from rag.stores import database_file
from rag.stores.backup_format import (
    DATABASE,
    BackupReader,
    Manifest,
    Progress,
    blob_member,
    damaged,
    opened,
)
from rag.stores.blobs import fsync_folder, storage_errors
from rag.stores.database import bare_connection
from rag.stores.work_folder import put_in_place, work_folder


def verify(path: Path, schemas: Collection[str], progress: Progress) -> tuple[Manifest, str]:
    """Read all of a backup and hold it against its manifest and against itself.

    The database is unpacked into the system's temporary folder for that. Returns the manifest and the
    manifest's SHA-256.

    Args:
        schemas: the revisions this release can take over.

    Raises:
        NotFound, BadRequest: it is no backup.
        Conflict: ``backup_damaged``; ``backup_too_new``.
    """
    with opened(path) as backup, tempfile.TemporaryDirectory(prefix="footnote-verify-") as folder:
        copy = Path(folder) / DATABASE
        _Unpacking(backup, progress).all_into({DATABASE: copy})
        _check_database(copy, backup.manifest, schemas)
        return backup.manifest, backup.sha256


def restore(path: Path, folder: Path, schemas: Collection[str], progress: Progress) -> tuple[Manifest, str]:
    """Make a backup a data folder, which must be new or empty: whole and checked as by ``verify``, or not
    at all.

    Indexes and pictures are not in a backup: the service makes them again from the database.

    Raises as ``verify`` does, and:
        BadRequest: ``folder_is_mounted``.
        Conflict: ``folder_not_empty``; ``target_in_use``.
        StorageFailed: ``disk_full``, ``storage_failed``.
    """
    if folder.is_mount():
        raise BadRequest(
            "folder_is_mounted",
            f"{folder} is a mounted disk and cannot be put in place in one step; name a folder in it.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict("folder_not_empty", f"{folder} is not empty; name a new folder to restore into.")
    with opened(path) as backup, work_folder(folder) as work:
        built = work / "data"
        with storage_errors():
            built.mkdir(mode=0o700)
        _Unpacking(backup, progress).all_into({name: built / name for name in backup.manifest.members})
        _check_database(built / DATABASE, backup.manifest, schemas)
        with storage_errors():
            for inside, _, _ in os.walk(built):
                fsync_folder(Path(inside))
        put_in_place(built, folder)
        return backup.manifest, backup.sha256


class _Unpacking:
    """Reads every member, so that each is checked, and keeps those that have a place to go to."""

    def __init__(self, backup: BackupReader, progress: Progress) -> None:
        self._backup = backup
        self._progress = progress
        self._done = 0

    def all_into(self, places: Mapping[str, Path]) -> None:
        for name in self._backup.manifest.members:
            target = places.get(name)
            if target is None:
                self._read(name)
            else:
                self._write(name, target)

    def _read(self, name: str) -> None:
        for part in self._backup.read(name):
            self._tell(len(part))

    def _write(self, name: str, target: Path) -> None:
        with storage_errors():
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for part in self._backup.read(name):
                    file.write(part)
                    self._tell(len(part))
                file.flush()
                os.fsync(file.fileno())

    def _tell(self, count: int) -> None:
        self._done += count
        self._progress("reading", self._done, self._backup.manifest.bytes)


def _check_database(copy: Path, manifest: Manifest, schemas: Collection[str]) -> None:
    """Its hash was right; whether it was sound when it was hashed, and all that it refers to is there."""
    try:
        with bare_connection(copy, read_only=True) as connection:
            schema = database_file.schema_of(connection)
            if schema not in schemas:
                raise Conflict(
                    "backup_too_new",
                    "A newer release of Footnote made this backup; restore it with that one.",
                )
            found = database_file.damage(connection)
            files = database_file.files(connection)
            counts = {**database_file.counts(connection), "files": len(files)}
    except StorageFailed as error:
        raise damaged("the database cannot be read") from error
    if found.file or found.orphans:
        raise damaged("the database does not hold together")
    if counts != dict(manifest.counts) or schema != manifest.schema:
        raise damaged("the database is another one than the manifest describes")
    for sha256 in files:
        member = manifest.members.get(blob_member(sha256))
        if member is None or member.sha256 != sha256:
            raise damaged(f"the original file {sha256} is missing")
