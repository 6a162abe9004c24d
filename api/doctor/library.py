"""A data folder: whether it can be written, whose it is, and whether what is in it fits together."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from api.doctor.checks import Check, each, fail, ok, warn
from api.file_lock import FileLock, Held
from api.settings import Settings
from ingest.embedder_choice import is_at, refused_model
from rag.stores import consistency, embedders, schema
from rag.stores.blobs import BlobStore, fsync_folder
from rag.stores.consistency import Finding
from rag.stores.database import Database

_MEBIBYTE = 1 << 20
_GIBIBYTE = 1 << 30
_LITTLE_SPACE, _NO_SPACE = 2 * _GIBIBYTE, 256 * _MEBIBYTE
_LARGE_LOG = 512 * _MEBIBYTE
_OLD_JOURNAL_SECONDS = 300.0
_FAR_AHEAD_SECONDS = 3600.0
_NOT_FOR_DATABASES = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "vfat", "exfat"})
"""Kinds of file system on which a write-ahead log or a lock does not hold what SQLite needs of them."""
_MOMENT_SECONDS = 1.0
_INDEX = "index_unfit"


def holder_of(folder: Path) -> str | None:
    """The process that serves a data folder; None where there is none."""
    if not (folder / "server.lock").exists():
        return None
    lock = FileLock(folder / "server.lock")
    try:
        lock.acquire()
    except Held as held:
        return held.holder
    lock.release()
    return None


def checks(settings: Settings, holder: str | None) -> Iterator[Check]:
    """``holder`` is the process that serves it, if one does."""
    folder = settings.data
    yield ok("data folder", f"{'is served by process ' + holder if holder else 'is not being served'}")
    yield from each("disk", lambda: _disk(folder))
    yield from each("permissions", lambda: _permissions(settings))
    yield from each("clock of files", lambda: _clock(settings))
    if not settings.database_path.exists():
        yield ok("library", "there is none yet; the first start makes one")
        return
    yield from each("journal", lambda: _journal(settings, holder))
    yield from each("write-ahead log", lambda: _log(settings))
    yield from each("library", lambda: _library(settings, holder))


def _disk(folder: Path) -> Iterator[Check]:
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    kind = _file_system(there)
    if kind in _NOT_FOR_DATABASES:
        yield fail("file system", kind, "SQLite is not safe on it; set FOOTNOTE_DATA to a local disk.")
    else:
        yield ok("file system", kind or "not told by this system")
    free = shutil.disk_usage(there).free
    found = f"{free / _GIBIBYTE:.1f} GiB free"
    if free < _NO_SPACE:
        yield fail("disk space", found, "Free some space, or set FOOTNOTE_DATA to another disk.")
    elif free < _LITTLE_SPACE:
        yield warn("disk space", found, "Originals, texts and vectors take about three times a document.")
    else:
        yield ok("disk space", found)
    if not folder.is_dir():
        yield ok("writing", "the folder is not there yet; the first start makes it")
        return
    began = time.perf_counter()
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        file.write(b"x")
        file.flush()
        os.fsync(file.fileno())
        fsync_folder(folder)
    milliseconds = (time.perf_counter() - began) * 1000
    yield ok("writing", f"on the disk after {milliseconds:.0f} ms")


def _permissions(settings: Settings) -> Iterator[Check]:
    for path in (settings.database_path, settings.blobs_path, settings.data):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            yield fail(
                "permissions",
                f"{path.name} cannot be read and written",
                "Run Footnote as its owner, or chown it.",
            )
            return
    closed = not settings.data.exists() or not settings.data.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH)
    if closed:
        yield ok("permissions", "others on this machine cannot look into it")
    else:
        yield warn(
            "permissions",
            "others on this machine can read what is in it",
            "Run `chmod 700` on the data folder.",
        )


def _clock(settings: Settings) -> Iterator[Check]:
    written = settings.database_path.stat().st_mtime if settings.database_path.exists() else 0.0
    if written > time.time() + _FAR_AHEAD_SECONDS:
        yield warn(
            "clock of files", "the database was written in the future", "Set the clock of this machine."
        )


def _journal(settings: Settings, holder: str | None) -> Iterator[Check]:
    path = settings.database_path.with_name("receipts.journal")
    waiting = [one for one in (path, path.with_name(path.name + ".taken")) if one.exists()]
    if not waiting:
        yield ok("journal", "no answer waits to be entered")
    elif holder is None:
        yield ok("journal", "answers wait in it; the next start enters them")
    elif time.time() - max(one.stat().st_mtime for one in waiting) > _OLD_JOURNAL_SECONDS:
        yield warn("journal", "answers have waited for minutes", "See the service's log for why.")
    else:
        yield ok("journal", "answers wait in it for a moment")


def _log(settings: Settings) -> Iterator[Check]:
    path = settings.database_path.with_name(settings.database_path.name + "-wal")
    size = path.stat().st_size if path.exists() else 0
    found = f"{size / _MEBIBYTE:.0f} MiB"
    if size > _LARGE_LOG:
        yield warn("write-ahead log", found, "Something reads for very long; restart the service.")
    else:
        yield ok("write-ahead log", found)


def _library(settings: Settings, holder: str | None) -> Iterator[Check]:
    database = Database(settings.database_path)
    try:
        present, known = schema.present(database), schema.revisions()
        if present is not None and present not in known:
            yield fail("schema", f"{present}, of a newer release", "Start that release, or restore a backup.")
        elif present != known[-1]:
            yield ok("schema", f"{present or 'none'}; the next start brings it to {known[-1]}")
        else:
            yield ok("schema", present)
            yield from _embedder(settings, database)
            yield from _consistency(settings, database, running=holder is not None)
    finally:
        database.close()


def _embedder(settings: Settings, database: Database) -> Iterator[Check]:
    with database.read() as tx:
        standing = embedders.standing(tx)
    if standing.serving is None:
        return
    serving = standing.serving.model
    refused = refused_model(settings.embedder, serving)
    if refused is not None:
        yield warn(
            "embedding model",
            f"embedding_model_changed: served from {serving}, FOOTNOTE_EMBEDDER names {refused}",
            "Run `footnote embedder migrate`, or set FOOTNOTE_EMBEDDER back.",
        )
    elif not is_at(serving, serving.folder):
        yield fail(
            "embedding model",
            f"{serving} is not where it was",
            "Put it back, or start the service and run `footnote embedder migrate`.",
        )
    else:
        yield ok("embedding model", f"served from {serving}")
    if standing.trouble is not None:
        yield warn("migration", standing.trouble.code, standing.trouble.detail)
    elif standing.target is not None:
        yield ok("migration", f"going over to {standing.target.model}")


def _consistency(settings: Settings, database: Database, *, running: bool) -> Iterator[Check]:
    blobs = BlobStore(settings.blobs_path)
    report = consistency.check(database, blobs, settings.indexes_path)
    if running and not report.clean:  # files change beside the snapshot that is read of the database
        time.sleep(_MOMENT_SECONDS)
        report = consistency.check(database, blobs, settings.indexes_path)
    found = {finding.code: finding for finding in report.findings}
    index = found.pop(_INDEX, None)
    for finding in found.values():
        yield fail(finding.code, f"{finding.count:,}. {finding.detail}", _mending(finding))
    if not found:
        looked = f"{report.documents:,} documents, {report.chunks:,} passages, {report.files:,} files"
        yield ok("library", f"{looked}: everything fits together")
    if index is None:
        yield ok("index", "fits the database")
    else:
        yield warn("index", index.detail, "Nothing to do: it is built anew from the database.")


def _mending(finding: Finding) -> str:
    if finding.repairable:
        return "Stop the service and run `footnote fsck --repair`."
    return "Restore a backup, or run `footnote fsck` to see all of it."


def _file_system(path: Path) -> str:
    """The kind of the file system that holds ``path``; empty where the system does not tell."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return ""
    real = str(path.resolve())
    best, kind = "", ""
    for line in lines:
        _, mount, its_kind, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        inside = real == mount or real.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, its_kind
    return kind
