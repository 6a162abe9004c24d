from __future__ import annotations

import os

import pytest
from sqlalchemy import func, select

from rag.errors import Conflict, NotFound
from rag.records import DocumentState, JobState, Notice
from rag.stores import acceptance, collections, document_catalog, job_queue
from rag.stores.acceptance import IdempotencyKey
from rag.stores.access import LOCAL
from rag.stores.tables import metadata
from tests.rag.stores.library import Library


def test_an_accepted_document_waits_with_its_job(library: Library) -> None:
    accepted = library.accept(b"footnote", "notes.txt", metadata={"year": 2020})
    document = library.document(accepted.document.public_id)
    assert (document.name, document.metadata, document.collection) == ("notes.txt", {"year": 2020}, "default")
    assert (document.newest.number, document.newest.state, document.newest.size) == (
        1,
        DocumentState.QUEUED,
        8,
    )
    assert document.live_version is None
    assert accepted.job.state is JobState.QUEUED
    assert accepted.job.version_id == document.newest.id


def test_the_same_bytes_in_the_same_collection_are_a_duplicate(library: Library) -> None:
    first = library.accept(b"footnote", "a.txt")
    again = library.accept(b"footnote", "b.txt")
    assert again.duplicate
    assert (again.document, again.job) == (first.document, first.job)
    with library.database.write() as tx:
        collections.create(tx, LOCAL, "other")
    assert not library.accept(b"footnote", collection="other").duplicate


def test_bytes_that_could_not_be_read_may_be_sent_again(library: Library) -> None:
    first = library.accept(b"footnote")
    with library.database.write() as tx:
        document_catalog.fail(tx, first.document.newest.id, "corrupt", "Damaged.")
    assert not library.accept(b"footnote").duplicate


def test_an_idempotency_key_stands_for_one_request(library: Library) -> None:
    blob = library.blobs.put([b"footnote"], limit=100)
    key = IdempotencyKey(1, "key", "hash of the request")

    def accept(idempotency: IdempotencyKey) -> acceptance.Accepted:
        with library.database.write() as tx:
            place = collections.get(tx, LOCAL, collections.DEFAULT)
            return acceptance.accept(tx, blob, "a.txt", place, {}, idempotency)

    first, again = accept(key), accept(key)
    assert (again.document.public_id, again.job.public_id) == (first.document.public_id, first.job.public_id)
    assert not again.duplicate, "a replay answers what was answered first"
    with pytest.raises(Conflict) as caught:
        accept(IdempotencyKey(1, "key", "hash of another request"))
    assert caught.value.code == "idempotency_key_reused"


def test_a_new_version_is_searched_only_once_it_is_ready(library: Library) -> None:
    document = library.add(["old text"], "a.txt")
    library.accept(b"new", "b.txt", replacing=document)
    waiting = library.document(document.public_id)
    assert (waiting.live_version, waiting.newest.number, waiting.name) == (1, 2, "b.txt")
    with library.database.read() as tx:
        assert document_catalog.version(tx, waiting).number == 1
    library.publish(library.claim(), ["new text"])
    assert library.document(document.public_id).live_version == 2


def test_an_unchanged_version_is_a_duplicate(library: Library) -> None:
    document = library.document(library.accept(b"same", "a.txt").document.public_id)
    assert library.accept(b"same", "a.txt", replacing=document).duplicate
    assert not library.accept(b"same", "renamed.txt", replacing=document).duplicate


def test_a_failed_version_leaves_the_live_one_alone(library: Library) -> None:
    document = library.add(["old text"])
    accepted = library.accept(b"new", replacing=document)
    with library.database.write() as tx:
        document_catalog.fail(tx, accepted.document.newest.id, "corrupt", "Damaged; save it again.")
    after = library.document(document.public_id)
    assert after.live_version == 1
    assert (after.newest.state, after.newest.error_code) == (DocumentState.FAILED, "corrupt")


def test_what_was_read_is_told(library: Library) -> None:
    accepted = library.accept(b"scan")
    library.publish(
        library.claim(),
        [],
        title="A scan",
        page_count=2,
        pages_without_text=(1, 2),
        warnings=(Notice("needs_ocr", "Pictures only."),),
    )
    version = library.document(accepted.document.public_id).newest
    assert version.state is DocumentState.NEEDS_OCR
    assert (version.title, version.page_count, version.chunks) == ("A scan", 2, 0)
    assert version.pages_without_text == [1, 2]
    assert version.notices == [Notice("needs_ocr", "Pictures only.")]


def test_versions_are_found_by_number(library: Library) -> None:
    document = library.add(["text"])
    with library.database.read() as tx:
        assert document_catalog.version(tx, document, 1).id == document.newest.id
        with pytest.raises(NotFound) as caught:
            document_catalog.version(tx, document, 2)
    assert caught.value.code == "version_not_found"


def test_pages_of_the_list_hold_every_document_once(library: Library) -> None:
    expected = [library.add([f"text {number}"], f"{number}.txt").public_id for number in range(7)]
    found: list[str] = []
    after = None
    with library.database.read() as tx:
        while True:
            page, after = document_catalog.page_of(tx, LOCAL, limit=3, after=after)
            found += [document.public_id for document in page]
            if after is None:
                break
    assert found == expected[::-1]


def test_the_list_can_be_narrowed(library: Library) -> None:
    library.add(["text"], "100%_done.txt")
    library.accept(b"waiting", "plain.txt")
    with library.database.read() as tx:
        by_name, _ = document_catalog.page_of(tx, LOCAL, limit=9, name_contains="100%_D")
        by_state, _ = document_catalog.page_of(tx, LOCAL, limit=9, state=DocumentState.QUEUED)
        default = collections.get(tx, LOCAL, collections.DEFAULT)
        everything, _ = document_catalog.page_of(tx, LOCAL, limit=9, collection=default)
        assert document_catalog.counts_by_state(tx) == {"ready": 1, "queued": 1}
        by_exact_name = document_catalog.by_name(tx, default, ["plain.txt", "100%_done"])
    assert [one.name for one in by_name] == ["100%_done.txt"]
    assert [one.name for one in by_state] == ["plain.txt"]
    assert len(everything) == 2
    assert [one.name for one in by_exact_name] == ["plain.txt"]


def test_a_removed_document_leaves_no_row(library: Library) -> None:
    document = library.add(["one", "two"])
    library.accept(b"second version", replacing=document)
    assert len(library.remove(document)) == 2
    kept = {"tenants", "collections", "spaces", "index_changes", "queue_state", "deleted_documents"}
    kept |= {"embedding_state"}  # one row, like the queue's
    with library.database.read() as tx:
        rows = {
            table.name: tx.scalar(select(func.count()).select_from(table))
            for table in metadata.sorted_tables
            if table.name not in kept
        }
        assert rows == dict.fromkeys(rows, 0)
        with pytest.raises(NotFound) as caught:
            document_catalog.get(tx, LOCAL, document.public_id)
    assert caught.value.code == "document_deleted"


def test_metadata_is_replaced(library: Library) -> None:
    document = library.add(["text"], metadata={"year": 2020})
    with library.database.write() as tx:
        document_catalog.set_metadata(tx, document, {"language": "de"})
    assert library.document(document.public_id).metadata == {"language": "de"}


def test_only_files_that_nothing_refers_to_are_collected(library: Library) -> None:
    with library.database.write() as tx:
        collections.create(tx, LOCAL, "other")
    document = library.add(["text"])
    twin = library.accept(library.blobs.open_path(document.newest.sha256).read_bytes(), collection="other")
    orphan = library.blobs.put([b"never committed"], limit=100).sha256
    shared_blob = document.newest.sha256
    for sha256 in (orphan, shared_blob):
        os.utime(library.blobs.path(sha256), (0, 0))
    library.remove(document)
    with library.database.read() as tx:
        assert document_catalog.unreferenced(tx, library.blobs) == [orphan]
    with library.database.write() as tx:
        document_catalog.collect_blobs(tx, library.blobs, [orphan, shared_blob])
    assert list(library.blobs) == [shared_blob]
    library.remove(twin.document)
    with library.database.write() as tx:
        document_catalog.collect_blobs(tx, library.blobs, [shared_blob])
    assert list(library.blobs) == []


def test_the_newest_job_of_a_version_is_found(library: Library) -> None:
    accepted = library.accept(b"footnote")
    with library.database.write() as tx:
        second = job_queue.enqueue(tx, accepted.document.id, accepted.document.newest.id)
        assert job_queue.newest_of(tx, accepted.document.newest.id) == second
