"""Receipts are stored before their answers are delivered, whoever else is writing."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from rag.errors import Busy, StorageFailed
from rag.stores import answers, conversations
from rag.stores.access import LOCAL
from rag.stores.conversations import Turn
from rag.stores.database import Database
from rag.stores.receipt_journal import ReceiptJournal
from rag.stores.receipt_writer import JOURNAL_NAME, ReceiptWriter
from tests.rag.stores.library import Library
from tests.rag.stores.receipts import receipt, span

PATIENCE = 0.05


@contextmanager
def occupied(database: Database) -> Iterator[None]:
    """Another process, as far as SQLite can tell, holds the write lock, as for a very large document."""
    other = Database(database.path)
    with other.write():
        yield
    other.close()


@pytest.fixture
def writer(database: Database) -> ReceiptWriter:
    return ReceiptWriter(database, PATIENCE)


def ids(database: Database) -> list[str]:
    with database.read() as tx:
        return [one.id for one in answers.page_of(tx, LOCAL, limit=99)[0]]


def journal_files(database: Database) -> list[Path]:
    return sorted(database.path.parent.glob(f"{JOURNAL_NAME}*"))


def test_what_is_written_is_there_at_once(database: Database, writer: ReceiptWriter) -> None:
    kept = receipt(conversation="c", standalone="How high is the tower?")
    writer.write(kept)
    with database.read() as tx:
        assert answers.get(tx, LOCAL, kept.id) == kept
        expected = Turn(kept.question, kept.understood, kept.answer)
        assert conversations.recent_turns(tx, LOCAL.owner, "c", 9) == [expected]
    assert journal_files(database) == []


def test_an_answer_does_not_wait_for_a_long_write(database: Database, writer: ReceiptWriter) -> None:
    with occupied(database):
        for number in range(3):
            writer.write(receipt(f"ans_{number}", conversation="c"))
    assert ids(database) == []
    assert len(journal_files(database)) == 1
    again = ReceiptWriter(database, PATIENCE)  # as after a restart
    again.settle()
    assert ids(database) == ["ans_2", "ans_1", "ans_0"]
    assert journal_files(database) == []
    with database.read() as tx:
        assert answers.get(tx, LOCAL, "ans_1") == receipt("ans_1", conversation="c")
        assert len(conversations.recent_turns(tx, LOCAL.owner, "c", 9)) == 3


def test_nor_for_a_writer_of_its_own_process(database: Database, writer: ReceiptWriter) -> None:
    with database.write():
        writer.write(receipt())
    writer.settle()
    assert ids(database) == ["ans_a"]


def test_a_crash_between_entering_and_clearing_enters_nothing_twice(
    database: Database, writer: ReceiptWriter
) -> None:
    with occupied(database):
        for number in range(3):
            writer.write(receipt(f"ans_{number}", conversation="c"))
    journal = database.path.with_name(JOURNAL_NAME)
    before = journal.read_bytes()
    writer.settle()
    with database.write() as tx:
        answers.remove(tx, LOCAL, "ans_0")
    journal.write_bytes(before + b'\n{"answer": {"public_id": "ans_cut')
    writer.settle()
    assert ids(database) == ["ans_2", "ans_1"]
    with database.read() as tx:
        assert len(conversations.recent_turns(tx, LOCAL.owner, "c", 9)) == 2


def test_a_document_deleted_meanwhile_is_not_entered(library: Library) -> None:
    document = library.add(["one"])
    writer = ReceiptWriter(library.database, PATIENCE)
    with occupied(library.database):
        quoting = receipt(
            parts=[("Quicksilver.", (1,))], spans=[span(document.public_id, 1)], conversation="c"
        )
        writer.write(quoting)
    library.remove(document)
    writer.settle()
    with library.database.read() as tx:
        for table in ("answers", "conversation_turns"):
            rows = tx.execute(text(f"SELECT * FROM {table}")).all()
            assert len(rows) == 1
            assert "Quicksilver" not in str(rows)
    assert journal_files(library.database) == []


def test_what_waits_is_kept_while_the_database_stays_busy(database: Database, writer: ReceiptWriter) -> None:
    with occupied(database):
        writer.write(receipt("ans_0"))
        with pytest.raises(Busy), database.write_soon(PATIENCE):
            pass
    with database.write_soon(PATIENCE):
        pass
    with occupied(database):
        writer.write(receipt("ans_1"))
    writer.settle()
    assert ids(database) == ["ans_1", "ans_0"]


def test_a_line_that_does_not_fit_on_the_disk_is_as_if_it_had_never_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = ReceiptJournal(tmp_path / "a.journal")
    journal.append({"n": 1})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageFailed) as caught:
            journal.append({"n": 2})
    assert caught.value.code == "disk_full"
    journal.append({"n": 3})
    assert journal.take() == journal.take() == [{"n": 1}, {"n": 3}]
    journal.append({"n": 4})
    journal.done()
    assert journal.take() == [{"n": 4}]
    journal.done()
    assert journal.empty
    assert journal.take() == ()
