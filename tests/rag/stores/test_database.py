from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pysqlite3
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DatabaseError

from rag.errors import Busy, StorageFailed
from rag.stores import database as database_module
from rag.stores.database import Database, fetch
from rag.stores.tables import collections


def test_every_connection_is_durable_and_checks_references(database: Database) -> None:
    for open_transaction, query_only in ((database.read, 1), (database.write, 0)):
        with open_transaction() as tx:
            found = {
                name: tx.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "query_only")
            }
        assert found == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "trusted_schema": 0,
            "query_only": query_only,
        }


def test_the_sqlite_in_use_does_not_lose_committed_writes() -> None:
    assert pysqlite3.sqlite_version_info >= database_module.OLDEST_SAFE_SQLITE


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    def half_done() -> None:
        with database.write() as tx:
            tx.execute(insert(collections).values(tenant_id=1, public_id="c", name="half", created_at=0.0))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        half_done()
    with database.read() as tx:
        assert "half" not in tx.scalars(select(collections.c.name)).all()


def test_a_reader_keeps_its_snapshot_while_others_write(database: Database) -> None:
    with database.read() as tx:
        before = tx.scalars(select(collections.c.name)).all()
        with database.write() as writing:
            writing.execute(
                insert(collections).values(tenant_id=1, public_id="c", name="new", created_at=0.0)
            )
        assert tx.scalars(select(collections.c.name)).all() == before
    with database.read() as tx:
        assert "new" in tx.scalars(select(collections.c.name)).all()


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseError, match="readonly"), database.read() as tx:
        tx.execute(text("DELETE FROM collections"))


def test_writers_of_one_process_queue(database: Database) -> None:
    def count_up() -> None:
        for _ in range(10):
            with database.write() as tx:
                present = tx.scalar(text("SELECT created_at FROM collections"))
                tx.execute(text("UPDATE collections SET created_at = :next"), {"next": present + 1})

    with database.write() as tx:
        tx.execute(text("UPDATE collections SET created_at = 0"))
    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert tx.scalar(text("SELECT created_at FROM collections")) == 40


def test_a_database_held_by_another_process_is_busy(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.05)
    impatient = Database(tmp_path / "footnote.db")
    with database.write(), pytest.raises(Busy) as caught, impatient.write():
        pass
    assert caught.value.code == "database_busy"
    assert caught.value.retry_after > 0
    impatient.close()


def test_a_file_that_is_no_database_is_a_storage_failure(tmp_path: Path) -> None:
    path = tmp_path / "footnote.db"
    database = Database(path)
    with database.write() as tx:
        tx.execute(text("CREATE TABLE t(x)"))
        tx.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    database.truncate_log(0)
    database.close()
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    with pytest.raises(StorageFailed), Database(path).read() as tx:
        tx.execute(text("SELECT length(x) FROM t")).all()


def test_people_s_text_stays_out_of_errors(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught, database.write() as tx:
        tx.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "the patient's name"})
    assert "patient" not in str(caught.value)


def test_the_log_is_emptied_once_it_is_too_large(database: Database, tmp_path: Path) -> None:
    with database.write() as tx:
        tx.execute(text("CREATE TABLE t(x)"))
        tx.execute(text("INSERT INTO t VALUES (zeroblob(1000000))"))
    log = tmp_path / "footnote.db-wal"
    size = log.stat().st_size
    database.truncate_log(larger_than_bytes=size)
    assert log.stat().st_size == size
    database.truncate_log(larger_than_bytes=size - 1)
    assert log.stat().st_size == 0
    with database.read() as tx:
        assert tx.scalar(text("SELECT length(x) FROM t")) == 1_000_000


@pytest.mark.parametrize("read", [lambda tx, statement: tx.execute(text(statement)).all(), fetch])
def test_text_that_is_none_any_more_is_damage_and_is_not_repeated(database: Database, read: Any) -> None:
    with pytest.raises(StorageFailed) as caught, database.read() as tx:
        read(tx, "SELECT CAST(x'536563726574d9' AS TEXT)")
    assert (caught.value.code, caught.value.__suppress_context__) == ("storage_failed", True)
    assert "damaged" in caught.value.detail
    assert "Secret" not in caught.value.detail


def test_so_is_what_the_driver_cannot_read_of_a_complaint(database: Database) -> None:
    with pytest.raises(StorageFailed, match="damaged"), database.read():
        b"\xd9".decode()
