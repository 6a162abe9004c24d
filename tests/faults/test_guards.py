"""What happens after a disk has failed, where it is full, and where it has changed what was stored."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from api.supervisor import WorkerSupervisor
from ingest.telling import STORAGE_FAILED
from rag.errors import Conflict, NotFound, StorageFailed
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.reserve import Reserve

_LIMIT = 2**20
_PATIENCE_SECONDS = 60.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "a.db")
    with made.write() as tx:
        tx.execute(text("CREATE TABLE things (content BLOB)"))
    yield made
    made.close()


@contextmanager
def _failing_writes() -> Iterator[None]:
    """The kernel lets no file of this process grow beyond a megabyte: an error, but not of room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _break(database: Database) -> None:
    with pytest.raises(StorageFailed, match="storage_failed"), _failing_writes(), database.write() as tx:
        tx.execute(text("INSERT INTO things VALUES (zeroblob(4000000))"))


def _count(database: Database) -> int:
    with database.read() as tx:
        return tx.scalar(text("SELECT count(*) FROM things")) or 0


def test_after_a_failed_write_nothing_is_written_until_a_restart(tmp_path: Path, database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("INSERT INTO things VALUES ('before')"))
    _break(database)
    assert database.health.trouble is not None
    with pytest.raises(StorageFailed, match="restart"), database.write() as tx:
        tx.execute(text("INSERT INTO things VALUES ('after')"))
    with pytest.raises(StorageFailed, match="restart"):
        BlobStore(tmp_path / "blobs", database.health).put([b"after"], 10)
    assert _count(database) == 1, "reading goes on"
    again = Database(database.path)
    with again.write() as tx:
        tx.execute(text("INSERT INTO things VALUES ('restarted')"))
    assert _count(again) == 2
    again.close()


def test_a_failed_sync_of_a_file_ends_writing_everywhere(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    store = BlobStore(tmp_path / "blobs", database.health)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        with pytest.raises(StorageFailed):
            store.put([b"x"], 10)
    with pytest.raises(StorageFailed, match="restart"):
        store.put([b"x"], 10)
    with pytest.raises(StorageFailed, match="restart"), database.write():
        pass


def test_a_full_disk_is_not_a_failed_one(tmp_path: Path, database: Database) -> None:
    with database.write() as tx:
        pages = tx.scalar(text("PRAGMA page_count"))
        tx.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StorageFailed, match="disk_full"), database.write() as tx:
        tx.execute(text("INSERT INTO things VALUES (zeroblob(100000))"))
    assert database.health.trouble is None


def test_a_worker_whose_disk_failed_is_not_started_again(database: Database) -> None:
    started: list[str] = []

    def command(worker: str) -> list[str]:
        started.append(worker)
        return [sys.executable, "-c", f"import sys; sys.exit({STORAGE_FAILED})"]

    supervisor = WorkerSupervisor(database, command)
    supervisor.start()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while database.health.trouble is None and time.monotonic() < deadline and len(started) < 2:
        time.sleep(0.02)
    supervisor.close()
    assert database.health.trouble is not None
    assert len(started) == 1


@pytest.mark.parametrize("change", [b"Xootnote", b"foot", b""])
def test_a_stored_file_that_the_disk_has_changed_is_not_handed_out(tmp_path: Path, change: bytes) -> None:
    store = BlobStore(tmp_path / "blobs")
    sha256 = store.put([b"footnote"], 10).sha256
    assert store.sound_path(sha256).read_bytes() == b"footnote"
    store.path(sha256).write_bytes(change)
    with pytest.raises(Conflict, match="blob_corrupt"):
        store.sound_path(sha256)
    store.path(sha256).unlink()
    with pytest.raises(NotFound, match="blob_missing"):
        store.sound_path(sha256)


def test_a_damaged_database_is_not_started_on(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("INSERT INTO things VALUES (zeroblob(100000))"))
    database.quick_check()
    database.close()
    content = bytearray(database.path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    database.path.write_bytes(content)
    damaged = Database(database.path)
    with pytest.raises(StorageFailed, match=r"database_damaged.*footnote restore"):
        damaged.quick_check()
    damaged.close()


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        pytest.param(b"CREATE TABLE things", b"CREATE TABLE \x8chings", id="a name that is no text"),
        pytest.param(b"CREATE TABLE things", b"CREATE TXBLE things", id="no statement"),
        pytest.param(b"fts5(word)", b"fts9(word)", id="a module that is not there"),
        pytest.param(b"fts5vocab(words", b"fts5vocab(lords", id="a table that is not there"),
    ],
)
def test_a_damaged_schema_is_not_started_on(database: Database, was: bytes, is_now: bytes) -> None:
    with database.write() as tx:
        tx.execute(text("CREATE VIRTUAL TABLE words USING fts5(word)"))
        tx.execute(text("CREATE VIRTUAL TABLE terms USING fts5vocab(words, row)"))
    database.quick_check()
    database.close()
    content = database.path.read_bytes()
    assert was in content
    database.path.write_bytes(content.replace(was, is_now))
    damaged = Database(database.path)
    with pytest.raises(StorageFailed, match=r"database_damaged.*footnote restore"):
        damaged.quick_check()
    damaged.close()


def test_a_log_that_cannot_be_made_is_not_taken_for_damage(database: Database) -> None:
    database.close()
    log = database.path.with_name(database.path.name + "-wal")
    log.mkdir()  # as little of a log as where the disk has no room for one more file
    again = Database(database.path)
    with pytest.raises(StorageFailed, match="database_unreachable"):
        again.quick_check()
    log.rmdir()
    again.quick_check()
    again.close()


def test_a_full_disk_lets_go_of_its_reserve(tmp_path: Path) -> None:
    reserve, path = Reserve(tmp_path / "reserve"), tmp_path / "reserve"
    reserve.hold()
    assert path.stat().st_blocks > 0
    held = []

    def work() -> str:
        held.append(path.exists())
        if path.exists():
            raise StorageFailed("disk_full", "Free some space.")
        return "done"

    assert reserve.spend(work) == "done"
    assert held == [True, False]
    assert path.exists(), "and takes it back"


def test_the_reserve_is_for_full_disks_only(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve")
    reserve.hold()

    def work() -> None:
        raise StorageFailed("storage_failed", "Look after the disk.")

    with pytest.raises(StorageFailed, match="storage_failed"):
        reserve.spend(work)
    assert (tmp_path / "reserve").exists()
