"""Documents that change their collection keep everything but what tied them to the old one."""

from __future__ import annotations

import pytest

from rag.records import DocumentState
from rag.stores import collections, document_catalog, moving, near_duplicates, scopes
from rag.stores.access import LOCAL
from rag.stores.collections import Collection
from rag.stores.scopes import Scope
from tests.rag.stores.library import Library


@pytest.fixture
def other(library: Library) -> Collection:
    with library.database.write() as tx:
        return collections.create(tx, LOCAL, "other")


def _chunks_of(library: Library, name: str) -> int:
    with library.database.read() as tx:
        return scopes.resolve(tx, Scope(LOCAL, (name,))).chunks(0)


def test_a_moved_document_is_searched_where_it_is(library: Library, other: Collection) -> None:
    document = library.add(["one", "two"], "one.txt")
    with library.database.write() as tx:
        document_catalog.set_source(tx, document, "folder/one.txt")
        moving.move(tx, document, other)
        moved = document_catalog.get(tx, LOCAL, document.public_id)
    assert (moved.collection, moved.source) == ("other", None)
    assert (_chunks_of(library, "other"), _chunks_of(library, collections.DEFAULT)) == (2, 0)


def test_what_it_resembles_is_looked_for_in_its_new_collection(library: Library, other: Collection) -> None:
    def alike(one: bytes, two: bytes) -> float:
        return float(one == two)

    def link(document_id: str) -> list[str]:
        with library.database.write() as tx:
            version = document_catalog.version(tx, document_catalog.get(tx, LOCAL, document_id))
            near_duplicates.link(tx, version.id, b"same", [1, 2, 3], alike)
            return [one.document_id for one in near_duplicates.of_version(tx, version.id)]

    stays, goes = library.add(["one"], "one.txt"), library.add(["two"], "two.txt")
    link(stays.public_id)
    assert link(goes.public_id) == [stays.public_id]
    with library.database.write() as tx:
        moving.move(tx, document_catalog.get(tx, LOCAL, goes.public_id), other)
        version = document_catalog.version(tx, document_catalog.get(tx, LOCAL, stays.public_id))
        assert not near_duplicates.of_version(tx, version.id)
    there = library.add(["three"], "three.txt", collection="other")
    assert link(there.public_id) == [goes.public_id]
    here = library.add(["four"], "four.txt")
    assert link(here.public_id) == [stays.public_id]


def test_an_emptied_collection_can_be_removed(library: Library, other: Collection) -> None:
    for name in ("one", "two"):
        library.add([name], f"{name}.txt", collection="other")
    with library.database.write() as tx:
        assert moving.held_by(tx, other)[DocumentState.READY].documents == 2
        moving.move_all(tx, other, collections.get(tx, LOCAL, collections.DEFAULT))
        assert not moving.held_by(tx, other)
        collections.remove(tx, other)
    assert _chunks_of(library, collections.DEFAULT) == 2
