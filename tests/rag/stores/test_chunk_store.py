from __future__ import annotations

import numpy as np
import pytest

from rag.errors import Unavailable
from rag.records import Chunk, ParsedDocument
from rag.stores import chunk_store, scopes, texts
from rag.stores.access import LOCAL
from rag.stores.scopes import Scope
from tests.rag.stores.library import DIMENSION, Library, unit_vectors


def _all_chunk_ids(library: Library) -> list[int]:
    with library.database.read() as tx:
        return [int(one) for ids, _ in chunk_store.all_vectors(tx, library.space_id) for one in ids]


def test_a_passage_is_the_stored_text(library: Library) -> None:
    document = library.add(["The first.", "Der zweite \N{SNOWMAN} Absatz."], "notes.txt")
    with library.database.read() as tx:
        found = chunk_store.passages(tx, {1: (0.5, {"dense": 0.1}), 2: (0.9, {}), 77: (1.0, {})})
    assert [(one.chunk_id, one.text, one.score) for one in found] == [
        (2, "Der zweite \N{SNOWMAN} Absatz.", 0.9),
        (1, "The first.", 0.5),
    ]
    first = found[1]
    assert (first.document.id, first.document.name, first.document.version) == (
        document.public_id,
        "notes.txt",
        1,
    )
    assert (first.start, first.end, first.page, first.scores) == (0, 10, 1, {"dense": 0.1})


def test_a_new_version_takes_the_place_of_the_old(library: Library) -> None:
    document = library.add(["old one", "old two"])
    library.accept(b"new", replacing=document)
    assert library.publish(library.claim(), ["new one"])
    assert _all_chunk_ids(library) == [3]
    with library.database.read() as tx:
        found = chunk_store.passages(tx, {one: (1.0, {}) for one in (1, 2, 3)})
        assert [passage.text for passage in found] == ["new one"]
        changes = chunk_store.changes_after(tx, library.space_id, 0)
        assert [(one.operation, one.first, one.last) for one in changes] == [
            ("add", 1, 2),
            ("remove", 1, 2),
            ("add", 3, 3),
        ]
        assert chunk_store.newest_change(tx, library.space_id) == changes[-1].seq
        old_text = texts.read_text(tx, document.newest.id, 0, 100)
    assert old_text == "old one\n\nold two", "old citations still resolve"


def test_a_version_overtaken_by_a_newer_one_does_not_go_live(library: Library) -> None:
    document = library.document(library.accept(b"first").document.public_id)
    slow = library.claim("slow")
    library.accept(b"second", replacing=document)
    assert library.publish(library.claim("fast"), ["second"])
    assert not library.publish(slow, ["first", "late"])
    after = library.document(document.public_id)
    assert after.live_version == 2
    assert len(_all_chunk_ids(library)) == 1
    with library.database.read() as tx:
        assert texts.read_text(tx, slow.version_id, 0, 100) == "first\n\nlate"


def test_chunk_ids_are_never_used_again(library: Library) -> None:
    library.remove(library.add(["one", "two", "three"]))
    library.add(["four"], "b.txt")
    assert _all_chunk_ids(library) == [4]


def test_a_withdrawn_document_is_in_no_search(library: Library) -> None:
    document = library.add(["text"])
    with library.database.write() as tx:
        chunk_store.withdraw(tx, document.id)
        chunk_store.withdraw(tx, document.id)
        assert chunk_store.passages(tx, {1: (1.0, {})}) == []
        assert scopes.live_documents(tx, scopes.resolve(tx, Scope(LOCAL))) == 0
    assert _all_chunk_ids(library) == []


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, 2.0])
def test_vectors_that_could_not_be_searched_are_refused(library: Library, wrong: float) -> None:
    library.accept(b"footnote")
    job = library.claim()
    rows = unit_vectors(2)
    rows[1] = wrong
    with pytest.raises(Unavailable) as caught, library.database.write() as tx:
        chunk_store.publish(
            tx,
            version_id=job.version_id,
            parsed=ParsedDocument("one two", "text/plain"),
            pieces=[Chunk(0, 3, "", 3), Chunk(4, 7, "", 3)],
            embedded=rows,
            space_id=library.space_id,
        )
    assert caught.value.code == "bad_embedding"
    assert _all_chunk_ids(library) == []


def test_as_many_vectors_as_chunks_are_wanted(library: Library) -> None:
    library.accept(b"footnote")
    job = library.claim()
    with pytest.raises(ValueError, match="1 chunks but 2 vectors"), library.database.write() as tx:
        chunk_store.publish(
            tx,
            version_id=job.version_id,
            parsed=ParsedDocument("one", "text/plain"),
            pieces=[Chunk(0, 3, "", 3)],
            embedded=unit_vectors(2),
            space_id=library.space_id,
        )


def test_vectors_come_back_as_they_were_stored_in_batches(library: Library) -> None:
    library.add([f"text {number}" for number in range(10)])
    library.remove(library.add(["gone"], "b.txt"))
    with library.database.read() as tx:
        batches = list(chunk_store.all_vectors(tx, library.space_id, batch=4))
        none, empty = chunk_store.vectors_between(tx, library.space_id, 100, 200)
    assert [len(ids) for ids, _ in batches] == [4, 4, 2]
    joined = np.concatenate([rows for _, rows in batches])
    assert joined.shape == (10, DIMENSION)
    assert np.array_equal(joined, unit_vectors(10, seed=1))
    assert len(none) == len(empty) == 0


def test_a_space_is_entered_once(library: Library) -> None:
    with library.database.write() as tx:
        first = chunk_store.open_space(tx, "minilm", 384)
        assert chunk_store.open_space(tx, "minilm", 384) == first
        assert chunk_store.open_space(tx, "student", 256) != first
