"""Making sure that nothing is left of what was deleted.

A delete takes a document out of every table at once, but SQLite only marks the space as free, FTS5 keeps the
words until it merges its segments, the log keeps pages until it is emptied, and files have a grace period.
Here all of that is done now. What a disk keeps of files that were deleted or overwritten is beyond a
program's reach: against that, encrypt the disk.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Text, select, update

from rag.stores import chunk_store, database_file, document_catalog, index_snapshots
from rag.stores.blobs import BlobStore
from rag.stores.database import Database, bare_connection
from rag.stores.tables import documents, jobs, spaces, versions

_NAMED_ANOTHER = "near_duplicate"
_PATIENCE_SECONDS = 60.0
_MOMENT_SECONDS = 0.2


def compact_database(path: Path, phase: Callable[[str], None] = lambda _: None) -> bool:
    """Merge the full-text indexes, write the database anew and empty its log. Others may read meanwhile, and
    wait when they write; needs about the size of the database on the disk.

    Returns False when a reader kept the log from being emptied for a minute; then try again.

    Raises ``Busy`` or ``StorageFailed``; then nothing that counts is different.
    """
    with bare_connection(path) as connection:
        phase("merging the full-text indexes")
        database_file.merge_full_text(connection)
        phase("writing the database anew")
        connection.execute("VACUUM")
        phase("emptying the log")
        return _empty_log(connection)


def delete_unreferenced(database: Database, blobs: BlobStore, older_than_seconds: float) -> tuple[int, int]:
    """Delete the files no version refers to. Returns how many went, and how many are too young or held.

    ``older_than_seconds`` may be 0 only while nobody uploads.
    """
    with database.write() as tx:
        unreferenced = document_catalog.unreferenced(tx, blobs)
        gone = sum(blobs.delete(sha256, older_than_seconds) for sha256 in unreferenced)
    return gone, len(unreferenced) - gone


def delete_pictures(database: Database, folder: Path) -> int:
    """Delete the pictures of files that no version refers to; returns of how many files."""
    with database.read() as tx:
        known = set(tx.scalars(select(versions.c.sha256).distinct()))
    left = [path for path in _inside(folder) if path.name not in known]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def delete_stale_indexes(database: Database, folder: Path) -> int:
    """Delete the index snapshots that do not stand at the newest change, since they may hold vectors of
    deleted texts; returns how many."""
    with database.read() as tx:
        newest = {row.key: chunk_store.newest_change(tx, row.id) for row in tx.execute(select(spaces))}
    stale = [path for path in _inside(folder) if not _stands_at(path, newest)]
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    return len(stale)


def forget_names_of_others(database: Database) -> int:
    """Blank notices in which earlier releases named the near-duplicate of a document, which may be deleted.
    Returns how many."""
    forgotten = 0
    with database.write() as tx:
        for table in (versions, jobs):
            told = table.c.notices.cast(Text).like(f'%"{_NAMED_ANOTHER}"%')
            for row in tx.execute(select(table.c.id, table.c.notices).where(told)).all():
                left = [{**one, "detail": ""} if _names_another(one) else one for one in row.notices]
                forgotten += left != row.notices
                tx.execute(update(table).where(table.c.id == row.id).values(notices=left))
    return forgotten


def existing_documents(database: Database) -> set[str]:
    """The public ids of all documents."""
    with database.read() as tx:
        return set(tx.scalars(select(documents.c.public_id)))


def _names_another(notice: dict[str, str]) -> bool:
    nameless = not notice["detail"] or notice["detail"].startswith("Says nearly the same as another document")
    return notice["code"] == _NAMED_ANOTHER and not nameless


def _stands_at(path: Path, newest: dict[str, int]) -> bool:
    manifest = index_snapshots.manifest_of(path)
    return manifest is not None and manifest.seq == newest.get(manifest.space)


def _empty_log(connection: Any) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy or time.monotonic() > deadline:
            return not busy
        time.sleep(_MOMENT_SECONDS)


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
