from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from sqlalchemy import Executable, delete, text, update

from rag.stores import answers, consistency
from rag.stores.acceptance import IdempotencyKey
from rag.stores.access import DEFAULT_TENANT
from rag.stores.consistency import Report
from rag.stores.index_follower import IndexFollower
from rag.stores.tables import vectors, versions
from tests.rag.stores.library import DIMENSION, SPACE, Library
from tests.rag.stores.receipts import receipt, span


@pytest.fixture
def indexes(tmp_path: Path) -> Path:
    return tmp_path / "indexes"


def _check(library: Library, indexes: Path) -> Report:
    return consistency.check(library.database, library.blobs, indexes, read_files=True)


def _repair(library: Library, indexes: Path) -> Report:
    return consistency.repair(library.database, library.blobs, indexes)


def _codes(report: Report) -> dict[str, int]:
    return {finding.code: finding.count for finding in report.findings}


def _save_index(library: Library, indexes: Path) -> None:
    follower = IndexFollower(indexes / "space", library.space_id, SPACE, DIMENSION)
    with library.database.read() as tx:
        follower.current(tx)
    follower.save()


def test_a_library_in_use_is_sound(library: Library, indexes: Path) -> None:
    kept, gone = library.add(["one", "two"], "a.txt"), library.add(["three"], "b.txt")
    library.accept(b"new", replacing=kept)
    library.publish(library.claim(), ["new one"])
    library.remove(gone)
    with library.database.write() as tx:
        tx.execute(delete(versions).where(versions.c.number == 1))
    _save_index(library, indexes)
    library.add(["after the snapshot"], "c.txt")
    report = _check(library, indexes)
    assert (report.findings, report.documents, report.chunks) == ([], 2, 2)


MENDED: dict[str, Executable] = {
    "keywords_missing": text("DELETE FROM keywords WHERE rowid = 1"),
    "keywords_left_over": text("INSERT INTO keywords(rowid, context, body) VALUES (99, 'a', 'b')"),
    "vectors_missing": delete(vectors).where(vectors.c.chunk_id == 2),
    "versions_without_job": update(versions).values(state="queued"),
    "names_missing": text("DELETE FROM keyword_documents"),
    "names_left_over": text("INSERT INTO keyword_documents(rowid, names, beginning) VALUES (99, 'a', 'b')"),
}


@pytest.mark.parametrize("code", MENDED)
def test_what_does_not_fit_is_found_and_mended(library: Library, indexes: Path, code: str) -> None:
    library.add(["one", "two"])
    with library.database.write() as tx:
        tx.execute(MENDED[code])
    assert _codes(_check(library, indexes)) == {code: 1}
    assert _repair(library, indexes).clean


def test_a_damaged_full_text_index_is_written_anew(library: Library, indexes: Path) -> None:
    library.add(["uncommon words", "two"], "Ledger_2023.txt")
    for index in ("keywords", "keyword_documents"):
        with library.database.write() as tx:
            torn = f"UPDATE {index}_data SET block = zeroblob(length(block)) WHERE id > 10"
            assert tx.execute(text(torn)).rowcount
    assert _codes(_check(library, indexes)) == {"keywords_damaged": 2}
    assert _repair(library, indexes).clean
    with library.database.read() as tx:
        assert tx.scalars(text("SELECT rowid FROM keywords WHERE keywords MATCH 'uncommon'")).all() == [1]
        named = text("SELECT rowid FROM keyword_documents WHERE keyword_documents MATCH 'ledger'")
        assert tx.scalars(named).all() == [1]


def test_requests_remembered_for_another_document_are_forgotten(library: Library, indexes: Path) -> None:
    for name in ("a.txt", "b.txt"):
        library.add(["one"], name, idempotency=IdempotencyKey(DEFAULT_TENANT, name, "hash"))
    with library.database.write() as tx:
        tx.execute(text("UPDATE idempotency_keys SET job_id = 1"))
    assert _codes(_check(library, indexes)) == {"requests_mixed_up": 1}
    assert _repair(library, indexes).clean
    with library.database.read() as tx:
        assert tx.scalars(text("SELECT key FROM idempotency_keys")).all() == ["a.txt"]


WRONG_ANSWERS = {
    "citations_missing": "UPDATE answer_spans SET citation = NULL",
    "answers_of_strangers": "UPDATE answer_spans SET document = 'doc_of_nobody'",
    "quotations_changed": "UPDATE answer_spans SET start = 1",
    "documents_resurrected": "INSERT INTO deleted_documents(public_id, deleted_at) "
    "SELECT public_id, 1 FROM documents",
}


@pytest.mark.parametrize("code", WRONG_ANSWERS)
def test_answers_that_do_not_fit_their_documents_are_found(
    library: Library, indexes: Path, code: str
) -> None:
    document = library.add(["words that are quoted"])
    quoted = hashlib.sha256(b"words").hexdigest()
    with library.database.write() as tx:
        answers.keep(tx, receipt(spans=[span(document.public_id, 1, sha256=quoted)]))
    assert _check(library, indexes).clean
    with library.database.write() as tx:
        tx.execute(text(WRONG_ANSWERS[code]))
    (found,) = _check(library, indexes).findings
    assert (found.code, found.count, found.repairable) == (code, 1, False)
    assert "delete" in found.repair


def test_answers_of_deleted_documents_are_no_fault(library: Library, indexes: Path) -> None:
    document = library.add(["words that are quoted"])
    with library.database.write() as tx:
        answers.keep(tx, receipt(spans=[span(document.public_id, 1)]))
    library.remove(document)
    os.utime(library.blobs.path(next(iter(library.blobs))))
    assert _check(library, indexes).clean


def test_mended_keywords_lead_to_the_passage_again(library: Library, indexes: Path) -> None:
    library.add(["uncommon words", "two"])
    with library.database.write() as tx:
        tx.execute(text("DELETE FROM keywords"))
    _repair(library, indexes)
    with library.database.read() as tx:
        assert tx.scalars(text("SELECT rowid FROM keywords WHERE keywords MATCH 'uncommon'")).all() == [1]


def test_a_version_that_lost_a_vector_is_read_again(library: Library, indexes: Path) -> None:
    document = library.add(["one", "two"])
    with library.database.write() as tx:
        tx.execute(delete(vectors))
    _repair(library, indexes)
    job = library.claim()
    assert job.document_public_id == document.public_id
    library.publish(job, ["one", "two"])
    assert _check(library, indexes).clean


LEFT_ALONE = {
    "chunks_missing": "DELETE FROM chunks WHERE id = 2",
    "texts_incomplete": "UPDATE text_pieces SET text = 'shorter'",
    "chunks_not_live": "UPDATE documents SET live_version_id = NULL",
    "orphans": "UPDATE versions SET document_id = 77",
}


@pytest.mark.parametrize("code", LEFT_ALONE)
def test_what_only_a_person_can_decide_is_found_and_left_alone(
    library: Library, indexes: Path, code: str
) -> None:
    library.add(["one", "two"])
    with library.database.migrating() as connection:  # outside of a transaction, to switch the guard off
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute(LEFT_ALONE[code])
        driver.execute("PRAGMA foreign_keys=ON")
    before = _codes(_check(library, indexes))
    assert code in before
    assert code in _codes(_repair(library, indexes))


def test_files_that_are_gone_changed_or_too_many_are_found(library: Library, indexes: Path) -> None:
    library.add(["one"], "a.txt")
    library.add(["two"], "b.txt")
    first, second = sorted(library.blobs)
    library.blobs.path(first).unlink()
    library.blobs.path(second).write_bytes(b"rotten")
    stray = library.blobs.put([b"of an upload that never was"], 100)
    report = _check(library, indexes)
    assert _codes(report) == {"files_missing": 1, "files_changed": 1}, "a young stray is not reported"
    long_ago = time.time() - 3600
    os.utime(library.blobs.path(stray.sha256), (long_ago, long_ago))
    assert _codes(_check(library, indexes))["files_unreferenced"] == 1
    assert "files_unreferenced" not in _codes(_repair(library, indexes))


def test_an_index_of_another_history_is_found_and_removed(library: Library, indexes: Path) -> None:
    library.add(["one", "two"])
    _save_index(library, indexes)
    with library.database.write() as tx:
        tx.execute(delete(vectors).where(vectors.c.chunk_id == 1))
    assert _codes(_check(library, indexes)) == {"vectors_missing": 1, "index_unfit": 1}
    assert _repair(library, indexes).clean
