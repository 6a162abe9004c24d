"""Taking a backup while the library is in use.

Order: hold all blobs, copy the receipts that wait in the journal, copy the database in one snapshot, then the
blobs it refers to. A receipt that leaves the journal meanwhile is in the snapshot, perhaps twice, which
entering it again notices; a blob whose document is deleted meanwhile stays until the end. So the backup is
the library as it was at one moment after its beginning: everything acknowledged before is in it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rag.errors import Conflict
from rag.stores import database_file
from rag.stores.backup_format import (
    DATABASE,
    FORMAT,
    JOURNAL,
    BackupWriter,
    Manifest,
    Member,
    Progress,
    blob_member,
)
from rag.stores.blobs import BlobStore, storage_errors
from rag.stores.database import bare_connection
from rag.stores.work_folder import put_in_place, work_folder


def write(
    target: Path,
    database: Path,
    journals: list[Path],
    blobs: BlobStore,
    others: Mapping[str, Path],
    software: str,
    progress: Progress,
) -> tuple[Manifest, str]:
    """Write a backup to ``target``, which must not exist. Returns its manifest and the manifest's SHA-256.

    The file is readable by its owner alone. It has its name only when it is whole and on the disk; whatever
    goes wrong before, nothing is left of it.

    Args:
        journals: files of receipts that are not in the database yet; those that are gone are left out. What
            moves from one to another moves to a later one of the list.
        others: small files to take along, by the name they get in the backup. They are read after the
            database, which may refer to them; those that are not there are left out.

    Raises:
        Conflict: ``backup_exists``; ``target_in_use``; ``library_damaged``, it would not be a sound backup.
        StorageFailed: ``disk_full``, ``storage_failed``.
    """
    if target.exists():
        raise Conflict("backup_exists", f"{target} is there already; choose another name.")
    with work_folder(target) as folder, blobs.held():
        receipts = _joined(journals)
        copy = folder / "snapshot.db"
        database_file.snapshot(database, copy, lambda done, total: progress("database", done, total))
        schema, counts, files = _described(copy)
        built = folder / "backup"
        with storage_errors(), open(built, "xb") as file, BackupWriter(file) as writer:
            os.fchmod(file.fileno(), 0o600)
            _add(writer, DATABASE, copy)
            copy.unlink()
            if receipts:
                writer.add(JOURNAL, io.BytesIO(receipts))
            for name, path in sorted(others.items()):
                if path.exists():
                    _add(writer, name, path)
            _add_files(writer, blobs, files, progress)
            manifest = Manifest(
                format=FORMAT,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                software=software,
                schema=schema,
                counts={**counts, "files": len(files)},
                members=writer.members,
            )
            sha256 = writer.seal(manifest)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(built, target)
    return manifest, sha256


def _described(copy: Path) -> tuple[str, dict[str, int], dict[str, int]]:
    """Revision, counts and files of a database that is sound."""
    with bare_connection(copy, read_only=True) as connection:
        damage = database_file.damage(connection)
        if damage.file or damage.orphans:
            raise Conflict(
                "library_damaged",
                "The database is damaged, and a backup of it would be as well; `footnote fsck` says where.",
            )
        schema = database_file.schema_of(connection)
        return schema, database_file.counts(connection), database_file.files(connection)


def _add_files(writer: BackupWriter, blobs: BlobStore, files: Mapping[str, int], progress: Progress) -> None:
    done, total = 0, sum(files.values())
    for sha256, size in files.items():
        progress("files", done, total)
        member = None
        if blobs.path(sha256).exists():
            member = _add(writer, blob_member(sha256), blobs.path(sha256))
        if member is None or member.sha256 != sha256:
            raise Conflict(
                "library_damaged",
                f"The original file {sha256} is gone or is not what was sent; upload it again or delete its "
                "document (`footnote fsck --read-files` lists all such files).",
            )
        done += size
    progress("files", total, total)


def _joined(journals: list[Path]) -> bytes:
    """Whole lines only count when a journal is read, so a line that is being written does no harm."""
    parts = []
    for path in journals:
        try:
            parts.append(path.read_bytes())
        except FileNotFoundError:
            continue
    return b"\n".join(parts)


def _add(writer: BackupWriter, name: str, path: Path) -> Member:
    with open(path, "rb") as file:
        return writer.add(name, file)
