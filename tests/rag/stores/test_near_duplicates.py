from __future__ import annotations

from rag.stores import collections, near_duplicates
from rag.stores.access import LOCAL
from rag.stores.document_catalog import Document
from rag.stores.near_duplicates import NearDuplicate
from tests.rag.stores.library import Library


def _similarity(one: bytes, other: bytes) -> float:
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def _link(library: Library, document: Document, signature: bytes) -> list[NearDuplicate]:
    bands = [signature[0], 1000 + signature[1]]
    with library.database.write() as tx:
        return list(near_duplicates.link(tx, document.newest.id, signature, bands, _similarity))


def _of(library: Library, document: Document) -> list[tuple[str, float]]:
    with library.database.read() as tx:
        found = near_duplicates.of_version(tx, document.newest.id)
    return [(one.name, round(one.similarity, 2)) for one in found]


def test_texts_that_are_alike_are_linked_in_both_directions_and_others_are_not(library: Library) -> None:
    one, two, three = (library.add([name], f"{name}.txt") for name in ("one", "two", "three"))
    assert _link(library, one, b"aaaaaaaaaa") == []
    assert [found.name for found in _link(library, two, b"aaaaaaaaab")] == ["one.txt"]
    assert _link(library, three, b"axxxxxxxxx") == [], "one band in common is not enough"
    assert _of(library, one) == [("two.txt", 0.9)]
    assert _of(library, two) == [("one.txt", 0.9)]
    assert _of(library, three) == []


def test_a_deleted_or_replaced_document_leaves_no_link(library: Library) -> None:
    one, two, three = (library.add([name], f"{name}.txt") for name in ("one", "two", "three"))
    for document in (one, two, three):
        _link(library, document, b"aaaaaaaaaa")
    library.remove(one)
    assert _of(library, two) == [("three.txt", 1.0)]
    library.accept(b"new", replacing=three)
    library.publish(library.claim(), ["something else"])
    assert _of(library, two) == []


def test_collections_do_not_see_each_other(library: Library) -> None:
    with library.database.write() as tx:
        collections.create(tx, LOCAL, "other")
    one, two = library.add(["one"], "one.txt"), library.add(["two"], "two.txt", collection="other")
    _link(library, one, b"aaaaaaaaaa")
    assert _link(library, two, b"aaaaaaaaaa") == []


def test_a_hundred_copies_do_not_make_the_next_one_slow(library: Library) -> None:
    documents = [library.add([str(number)], f"{number}.txt") for number in range(80)]
    for document in documents:
        found = _link(library, document, b"aaaaaaaaaa")
    assert len(found) == 64
    assert len(_of(library, documents[-1])) == 20
