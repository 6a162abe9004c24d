from __future__ import annotations

import pytest

from rag.errors import Conflict, NotFound
from rag.stores import collections
from rag.stores.access import LOCAL
from rag.stores.database import Database
from tests.rag.stores.library import Library


def test_a_collection_is_found_by_name_and_by_id(database: Database) -> None:
    with database.write() as tx:
        made = collections.create(tx, LOCAL, "papers")
        assert collections.get(tx, LOCAL, "papers") == collections.get(tx, LOCAL, made.public_id) == made
        assert [one.name for one in collections.all_of(tx, LOCAL)] == ["default", "papers"]


def test_a_name_is_taken_once(database: Database) -> None:
    with database.write() as tx, pytest.raises(Conflict) as caught:
        collections.create(tx, LOCAL, collections.DEFAULT)
    assert caught.value.code == "collection_exists"


def test_only_an_empty_collection_can_be_removed(library: Library) -> None:
    with library.database.write() as tx:
        collections.create(tx, LOCAL, "papers")
    document = library.add(["text"], collection="papers")
    with library.database.write() as tx, pytest.raises(Conflict) as caught:
        collections.remove(tx, collections.get(tx, LOCAL, "papers"))
    assert caught.value.code == "collection_not_empty"
    library.remove(document)
    with library.database.write() as tx:
        collections.remove(tx, collections.get(tx, LOCAL, "papers"))
        with pytest.raises(NotFound):
            collections.get(tx, LOCAL, "papers")


def test_the_default_collection_stays(database: Database) -> None:
    with database.write() as tx, pytest.raises(Conflict) as caught:
        collections.remove(tx, collections.get(tx, LOCAL, collections.DEFAULT))
    assert caught.value.code == "collection_is_default"
