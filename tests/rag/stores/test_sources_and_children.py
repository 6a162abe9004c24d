from __future__ import annotations

import pytest

from rag.errors import Conflict, Gone, NotFound
from rag.records import JobState
from rag.stores import acceptance, collections, document_catalog, job_queue
from rag.stores.acceptance import Accepted
from rag.stores.access import LOCAL
from rag.stores.document_catalog import Document
from tests.rag.stores.library import Library


def _children(library: Library, parent: Document) -> dict[str, Document]:
    with library.database.read() as tx:
        found, _ = document_catalog.page_of(tx, LOCAL, limit=50, parent=parent)
    return {child.name: child for child in found}


def _contain(library: Library, parent: Document, **members: str) -> list[Accepted]:
    """Make the documents inside ``parent`` those, by name and content."""
    stored = [(name, library.blobs.put([content.encode()], 1000)) for name, content in members.items()]
    with library.database.write() as tx:
        fresh = document_catalog.get(tx, LOCAL, parent.public_id)
        return list(acceptance.replace_children(tx, fresh, stored, "somebody"))


def test_what_comes_from_a_known_source_is_a_new_version(library: Library) -> None:
    first = library.accept(b"one", "a.txt", source="notes/a.txt")
    library.publish(library.claim(), ["one"])
    second = library.accept(b"two", "a.txt", source="notes/a.txt", metadata={"author": "A. Weber"})
    assert (second.document.public_id, second.job.version_number) == (first.document.public_id, 2)
    assert second.document.metadata == {"author": "A. Weber"}
    same = library.accept(b"two", "a.txt", source="notes/a.txt")
    assert (same.duplicate, same.document.public_id) == (True, first.document.public_id)


def test_a_copy_elsewhere_in_the_folder_is_a_document_of_its_own(library: Library) -> None:
    one = library.accept(b"same", "a.txt", source="notes/a.txt")
    other = library.accept(b"same", "b.txt", source="notes/b.txt")
    assert not other.duplicate
    assert other.document.public_id != one.document.public_id


def test_a_document_sent_alone_is_the_file_of_the_folder_with_the_same_bytes(library: Library) -> None:
    alone = library.accept(b"same", "a.txt")
    synchronised = library.accept(b"same", "a.txt", source="notes/a.txt")
    assert synchronised.duplicate
    assert synchronised.document.public_id == alone.document.public_id
    assert library.document(alone.document.public_id).source == "notes/a.txt"
    assert library.accept(b"same", "again.txt").duplicate


def test_sources_belong_to_a_collection_and_are_found_by_their_beginning(library: Library) -> None:
    with library.database.write() as tx:
        collections.create(tx, LOCAL, "other")
    for number, source in enumerate(["notes/a", "notes/b", "notesx", "other"]):
        library.accept(str(number).encode(), source=source)
    elsewhere = library.accept(b"x", source="notes/a", collection="other")
    assert not elsewhere.duplicate
    with library.database.read() as tx:
        default = collections.get(tx, LOCAL, "default")
        found, _ = document_catalog.page_of(tx, LOCAL, limit=9, collection=default, source_prefix="notes/")
        assert [one.source for one in found] == ["notes/b", "notes/a"]
        by_hash, _ = document_catalog.page_of(tx, LOCAL, limit=9, sha256=elsewhere.document.newest.sha256)
    assert [one.public_id for one in by_hash] == [elsewhere.document.public_id]


def test_a_source_can_be_changed_but_not_to_one_that_is_taken(library: Library) -> None:
    one, two = library.accept(b"1", source="a").document, library.accept(b"2", source="b").document
    with library.database.write() as tx:
        document_catalog.set_source(tx, one, "moved")
        document_catalog.set_source(tx, one, "moved")
        with pytest.raises(Conflict) as caught:
            document_catalog.set_source(tx, two, "moved")
        assert caught.value.code == "source_taken"
        document_catalog.set_source(tx, one, None)
        document_catalog.set_source(tx, two, None)
    assert library.document(two.public_id).source is None


def test_documents_inside_a_document_are_read_on_their_own(library: Library) -> None:
    parent = library.add(["listing"], "files.zip", metadata={"project": "x"})
    accepted = _contain(library, parent, **{"a.txt": "one", "b/c.txt": "two"})
    assert [one.job.state for one in accepted] == [JobState.QUEUED] * 2
    assert [one.job.uploader for one in accepted] == ["somebody"] * 2
    child = _children(library, parent)["b/c.txt"]
    assert (child.parent, child.depth, child.metadata) == (parent.public_id, 1, {"project": "x"})
    assert library.document(parent.public_id).children == 2


def test_a_new_version_of_the_outer_document_renews_what_is_inside(library: Library) -> None:
    parent = library.add(["listing"], "files.zip")
    _contain(library, parent, kept="one", changed="two", gone="three")
    before = _children(library, parent)
    accepted = _contain(library, parent, kept="one", changed="TWO", new="four")
    after = _children(library, parent)
    assert set(after) == {"kept", "changed", "new"}
    assert after["changed"].public_id == before["changed"].public_id
    assert [after[name].newest.number for name in ("kept", "changed", "new")] == [1, 2, 1]
    assert [one.duplicate for one in accepted] == [True, False, False]
    with library.database.read() as tx, pytest.raises(Gone):
        document_catalog.get(tx, LOCAL, before["gone"].public_id)


def test_what_is_inside_counts_for_the_outermost_document(library: Library) -> None:
    outer = library.add(["outer"], "outer.zip")
    inner = _contain(library, outer, **{"inner.zip": "12345"})[0].document
    _contain(library, inner, deep="123")
    with library.database.read() as tx:
        of_outer, of_inner = (acceptance.descent(tx, one) for one in (outer, inner))
    assert of_outer == of_inner
    assert (of_outer.documents, of_outer.bytes) == (2, 8)


def test_deleting_takes_everything_inside_along(library: Library) -> None:
    outer = library.add(["outer"], "outer.zip")
    inner = _contain(library, outer, **{"inner.zip": "12345"})[0].document
    deep = _contain(library, inner, deep="123")[0].document
    library.publish(library.claim(), ["inner listing"])
    library.publish(library.claim(), ["deep text"])
    assert len(library.remove(outer)) == 3
    with library.database.read() as tx:
        for document in (outer, inner, deep):
            with pytest.raises(Gone) as caught:
                document_catalog.get(tx, LOCAL, document.public_id)
            assert caught.value.code == "document_deleted"
        with pytest.raises(NotFound) as never:
            document_catalog.get(tx, LOCAL, "doc_never")
        assert never.value.code == "document_not_found"
        assert job_queue.counts_by_state(tx) == {}


def test_versions_are_listed_newest_first(library: Library) -> None:
    document = library.add(["one"])
    library.accept(b"two", "b.txt", replacing=document)
    with library.database.read() as tx:
        listed = document_catalog.versions_of(tx, document)
    assert [(version.number, version.name) for version in listed] == [(2, "b.txt"), (1, "a.txt")]
