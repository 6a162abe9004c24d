from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rag.errors import BadRequest, NotFound
from rag.stores import collections, scopes
from rag.stores.access import LOCAL
from rag.stores.scopes import Scope
from tests.rag.stores.library import Library


@pytest.fixture
def years(library: Library) -> Library:
    """Three documents of two chunks each: chunks 1-2, 3-4, 5-6; the last in another collection."""
    with library.database.write() as tx:
        collections.create(tx, LOCAL, "papers")
    library.add(["a", "b"], "alpha.txt", metadata={"year": 2019, "kind": "report", "open": True})
    library.add(["c", "d"], "beta.txt", metadata={"year": 2021, "kind": "paper", "a b.c-d:e": 1})
    library.add(["e", "f"], "gamma.txt", metadata={"year": 2023}, collection="papers")
    return library


def _ranges(library: Library, scope: Scope) -> list[tuple[int, int]] | None:
    with library.database.read() as tx:
        resolved = scopes.resolve(tx, scope)
        found = None if resolved.ranges is None else list(resolved.ranges)
        ids = {int(row.id) for row in tx.execute(resolved.chunk_ids())}
        expected = set(range(1, 7)) if found is None else {i for a, b in found for i in range(a, b + 1)}
        assert ids == expected, "both ways of saying which chunks must agree"
        assert scopes.live_documents(tx, resolved) == len(ids) // 2
        return found


def test_everything_is_not_a_list_of_everything(years: Library) -> None:
    assert _ranges(years, Scope(LOCAL)) is None
    assert _ranges(years, Scope(LOCAL, filter={})) is None


def test_collections_are_resolved_to_ranges(years: Library) -> None:
    assert _ranges(years, Scope(LOCAL, ("papers",))) == [(5, 6)]
    assert _ranges(years, Scope(LOCAL, ("default",))) == [(1, 4)], "neighbouring ranges are joined"
    assert _ranges(years, Scope(LOCAL, ("papers", "default"))) == [(1, 6)]
    assert _ranges(years, Scope(LOCAL, ())) == [], "no collection holds nothing"


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"name": "alpha.txt"}, [(1, 2)]),
        ({"name": ["alpha.txt", "gamma.txt"]}, [(1, 2), (5, 6)]),
        ({"media_type": "text/plain"}, [(1, 6)]),
        ({"metadata.year": 2021}, [(3, 4)]),
        ({"metadata.year": {"$gte": 2021}}, [(3, 6)]),
        ({"metadata.year": {"$gt": 2021}}, [(5, 6)]),
        ({"metadata.year": {"$lte": 2021}}, [(1, 4)]),
        ({"metadata.year": {"$lt": 2021, "$gt": 2000}}, [(1, 2)]),
        ({"metadata.year": {"$in": [2019, 2023, 9]}}, [(1, 2), (5, 6)]),
        ({"metadata.year": {"$nin": [2019]}}, [(3, 6)]),
        ({"metadata.kind": {"$ne": "paper"}}, [(1, 2), (5, 6)]),
        ({"metadata.kind": {"$eq": "paper"}, "metadata.year": 2019}, []),
        ({"metadata.open": True}, [(1, 2)]),
        ({"metadata.a b.c-d:e": 1}, [(3, 4)]),
        ({"metadata.missing": 1}, []),
        ({"metadata.year": "2021"}, []),
        ({"metadata.year": []}, []),
        ({"metadata.kind": "' OR 1=1 --"}, []),
    ],
)
def test_filters(years: Library, filter_: Mapping[str, Any], expected: list[tuple[int, int]]) -> None:
    assert _ranges(years, Scope(LOCAL, filter=filter_)) == expected


@pytest.mark.parametrize(
    "filter_",
    [
        {"owner": "me"},
        {"metadata": 1},
        {"metadata.": 1},
        {'metadata."]': 1},
        {"metadata." + "x" * 65: 1},
        {"name": None},
        {"name": {"$regex": ".*"}},
        {"name": {"$eq": ["a"]}},
        {"name": {"$in": "a"}},
        {"name": {"$in": [None]}},
        {"name": {"$eq": {"$eq": "a"}}},
        {"metadata.year": {"$gt": True}},
        {"name": {"$lte": False}},
        {"metadata.year": 2**63},
        {"metadata.year": {"$in": [-(2**63) - 1]}},
    ],
)
def test_a_bad_filter_is_refused(years: Library, filter_: Mapping[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught, years.database.read() as tx:
        scopes.resolve(tx, Scope(LOCAL, filter=filter_))
    assert caught.value.code == "bad_filter"


def test_an_unknown_collection_is_named(years: Library) -> None:
    with pytest.raises(NotFound) as caught, years.database.read() as tx:
        scopes.resolve(tx, Scope(LOCAL, ("default", "nowhere")))
    assert caught.value.code == "collection_not_found"
    assert "nowhere" in caught.value.detail


def test_a_document_is_asked_for_by_id(years: Library) -> None:
    beta = years.named("beta").public_id
    assert _ranges(years, Scope(LOCAL, filter={"document_id": beta})) == [(3, 4)]
    assert _ranges(years, Scope(LOCAL, filter={"document_id": {"$nin": [beta]}})) == [(1, 2), (5, 6)]


@pytest.mark.parametrize("form", ["plain", "list", "$eq", "$in"])
def test_a_document_outside_the_collections_is_as_unknown_as_none(years: Library, form: str) -> None:
    gamma = years.named("gamma").public_id
    with years.database.read() as tx:
        for wanted in (gamma, "doc_nonsense"):
            forms = {"plain": wanted, "list": [wanted], "$eq": {"$eq": wanted}, "$in": {"$in": [wanted]}}
            with pytest.raises(NotFound) as caught:
                scopes.resolve(tx, Scope(LOCAL, ("default",), {"document_id": forms[form]}))
            assert caught.value.code == "document_not_found"


def test_a_replaced_version_is_outside_every_scope(years: Library) -> None:
    years.accept(b"new alpha", "alpha.txt", replacing=years.named("alpha"))
    years.publish(years.claim(), ["g", "h"])
    with years.database.read() as tx:
        assert scopes.resolve(tx, Scope(LOCAL, ("default",))).ranges == [(3, 4), (7, 8)]
