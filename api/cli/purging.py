"""``footnote purge``: nothing that was deleted is left in any file of the data folder."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.output import print_json
from api.folder_lock import FolderLock
from api.settings import Settings, load
from rag.errors import Conflict, FootnoteError, NotFound

if TYPE_CHECKING:
    from rag.stores.blobs import BlobStore
    from rag.stores.database import Database

_ABANDONED_SECONDS = 3600.0
"""A file of an upload that is older than this is of none that still goes on."""
_PATIENCE_SECONDS = 150.0
"""The service enters receipts that wait once a minute; files of the last minute may be of an upload."""
_MOMENT_SECONDS = 1.0


@dataclass(slots=True)
class Purged:
    """What went, counted; ``left`` says what could not go and why. ``service`` is whether one runs."""

    service: bool = False
    files: int = 0
    unfinished_uploads: int = 0
    pictures: int = 0
    indexes: int = 0
    evaluations: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    left: list[str] = field(default_factory=list)


def purge(overrides: Mapping[str, Any], as_json: bool) -> int:
    """Erase the remains of all that was deleted; returns the exit status, 1 if anything had to be left."""
    try:
        settings = load(os.environ, overrides)
        if not settings.database_path.exists():
            raise NotFound("no_library", f"There is no library in {settings.data}; name one with --data.")
        # SQLite writes the new database to a temporary file first, which /tmp may be too small for. It asks
        # once, when it is loaded: the stores are imported after this line and not at the top.
        os.environ.setdefault("SQLITE_TMPDIR", str(settings.database_path.parent.absolute()))
        with _service_runs(settings) as running:
            done = _purged(settings, running)
    except FootnoteError as error:
        print(f"footnote: {error.detail}", file=sys.stderr)
        return 1
    if as_json:
        print_json(asdict(done))
    else:
        _print(done)
    return int(bool(done.left))


@contextmanager
def _service_runs(settings: Settings) -> Iterator[bool]:
    """Whether somebody has the data folder; if nobody, it is kept for this process until the end."""
    lock = FolderLock(settings.data)
    try:
        lock.acquire()
    except Conflict:
        yield True
        return
    try:
        yield False
    finally:
        lock.release()


def _purged(settings: Settings, running: bool) -> Purged:
    from rag.stores import erasure, log_damage, schema
    from rag.stores.blobs import BlobStore
    from rag.stores.database import Database

    done = Purged(service=running)
    database, blobs = Database(settings.database_path), BlobStore(settings.blobs_path)
    try:
        if not running:
            log_damage.look(settings.database_path)
            schema.upgrade(database)
        _enter_receipts(database, running, done)
        _delete_files(database, blobs, running, done)
        old = _ABANDONED_SECONDS if running else 0.0
        for folder in (blobs.incoming, settings.data / "uploads"):
            done.unfinished_uploads += _delete_older(folder, old)
        done.pictures = erasure.delete_pictures(database, settings.cache_path / "pages")
        done.evaluations = _delete_evaluations(settings.data / "evals", erasure.existing_documents(database))
        erasure.forget_names_of_others(database)
        done.bytes_before = _size(settings.database_path)
        if not erasure.compact_database(settings.database_path, _tell):
            done.left.append("the database's log, which something reads all the time; try again")
        done.bytes_after = _size(settings.database_path)
        done.indexes = erasure.delete_stale_indexes(database, settings.indexes_path)
    finally:
        database.close()
    return done


def _enter_receipts(database: Database, running: bool, done: Purged) -> None:
    """Answers wait in the journal as they were given; entering them blanks what is deleted by now."""
    from rag.stores.receipt_writer import ReceiptWriter

    receipts = ReceiptWriter(database)
    if not running:
        receipts.settle()
    elif not _wait("for the service to enter answers that wait", lambda: receipts.settled):
        done.left.append("answers that wait to be entered into the database; try again")


def _delete_files(database: Database, blobs: BlobStore, running: bool, done: Purged) -> None:
    from rag.stores import erasure
    from rag.stores.document_catalog import BLOB_GRACE_SECONDS

    def none_left() -> bool:
        gone, left = erasure.delete_unreferenced(database, blobs, BLOB_GRACE_SECONDS if running else 0.0)
        done.files += gone
        return not left

    if not _wait("for files that may belong to an upload", none_left):
        done.left.append("files that nobody refers to: a backup is being made, or uploads go on; try again")


def _wait(what: str, over: Callable[[], bool]) -> bool:
    """Until ``over`` is true, or for as long as it takes at most; says once that it waits."""
    deadline, told = time.monotonic() + _PATIENCE_SECONDS, False
    while not over():
        if time.monotonic() > deadline:
            return False
        if not told:
            _tell(f"waiting {what}")
            told = True
        time.sleep(_MOMENT_SECONDS)
    return True


def _delete_older(folder: Path, seconds: float) -> int:
    gone = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and time.time() - path.stat().st_mtime >= seconds:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _delete_evaluations(folder: Path, existing: set[str]) -> int:
    """A run holds sentences of the documents it asked about: it goes when one of them has gone."""
    gone = 0
    for path in sorted(folder.glob("*.json")):
        if not _documents_of(path) <= existing:
            path.unlink(missing_ok=True)
            path.with_suffix(".html").unlink(missing_ok=True)
            gone += 1
    return gone


def _documents_of(path: Path) -> set[str]:
    """What cannot be read may be of any document."""
    try:
        return {question["document"] for question in json.loads(path.read_bytes())["questions"]}
    except (ValueError, KeyError, TypeError):
        return {"unreadable"}


def _size(database: Path) -> int:
    files = (database, database.with_name(database.name + "-wal"))
    return sum(path.stat().st_size for path in files if path.exists())


def _tell(phase: str) -> None:
    print(f"footnote: {phase}", file=sys.stderr, flush=True)


def _print(done: Purged) -> None:
    print(f"Deleted: {done.files:,} original files, {done.unfinished_uploads:,} unfinished uploads, ", end="")
    print(f"pictures of {done.pictures:,} files, {done.indexes:,} indexes (made anew when needed), ", end="")
    print(f"{done.evaluations:,} evaluations that quote deleted documents.")
    print(f"The database was written anew: {done.bytes_before:,} bytes before, {done.bytes_after:,} after.")
    for left in done.left:
        print(f"Left: {left}.")
    if not done.left:
        print("Nothing that was deleted is left in this data folder. Backups made before still have it.")
