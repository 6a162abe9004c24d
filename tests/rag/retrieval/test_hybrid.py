from __future__ import annotations

import pytest

from rag.errors import BadRequest, NotFound
from rag.retrieval.hybrid import SearchMode
from rag.stores.access import LOCAL
from rag.stores.scopes import Scope
from tests.rag.library import Library

LIGHTHOUSE = "The Skerry lighthouse was completed in 1876.\n\nIts lamp burns 340 litres of oil a month."
BAKERY = "Bread is baked from flour, water, salt and yeast.\n\nThe oven is heated with beech wood."


@pytest.fixture
def stocked(library: Library) -> Library:
    library.add("lighthouse.txt", LIGHTHOUSE, metadata={"year": 1876, "kind": "building"})
    library.add("bakery.txt", BAKERY, collection="food", metadata={"year": 1990})
    return library


def names(
    library: Library, query: str, scope: Scope | None = None, mode: SearchMode = SearchMode.HYBRID
) -> list[str]:
    found = library.retriever.search(query, scope or Scope(LOCAL), 10, mode).passages
    return [one.document.name for one in found]


@pytest.mark.parametrize("mode", list(SearchMode))
def test_finds_the_passage_in_every_mode(stocked: Library, mode: SearchMode) -> None:
    found = stocked.retriever.search("When was the lighthouse completed?", Scope(LOCAL), 1, mode).passages
    assert [one.text for one in found] == ["The Skerry lighthouse was completed in 1876."]


def test_a_passage_is_the_stored_text_at_its_offsets(stocked: Library) -> None:
    for passage in stocked.retriever.search("oil lamp oven", Scope(LOCAL), 10).passages:
        source = LIGHTHOUSE if passage.document.name == "lighthouse.txt" else BAKERY
        assert passage.text == source[passage.start : passage.end]


def test_collections_are_searched_apart(stocked: Library) -> None:
    assert set(names(stocked, "lighthouse", Scope(LOCAL, ("food",)))) == {"bakery.txt"}
    assert set(names(stocked, "lighthouse bread")) == {"lighthouse.txt", "bakery.txt"}


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"metadata.year": 1876}, {"lighthouse.txt"}),
        ({"metadata.year": {"$gt": 1900}}, {"bakery.txt"}),
        ({"metadata.kind": {"$ne": "building"}}, {"bakery.txt"}),
        ({"name": ["bakery.txt", "other.txt"]}, {"bakery.txt"}),
        ({"metadata.year": 1876, "name": "bakery.txt"}, set()),
    ],
)
def test_filters_are_applied_inside_the_search(
    stocked: Library, filter_: dict[str, object], expected: set[str]
) -> None:
    assert set(names(stocked, "lighthouse bread oven", Scope(LOCAL, filter=filter_))) == expected


@pytest.mark.parametrize("filter_", [{"color": 1}, {"name": {"$like": "x"}}, {"metadata.year": {"$gt": [1]}}])
def test_a_filter_that_cannot_be_is_refused(stocked: Library, filter_: dict[str, object]) -> None:
    with pytest.raises(BadRequest) as refused:
        names(stocked, "bread", Scope(LOCAL, filter=filter_))
    assert refused.value.code == "bad_filter"


def test_unknown_collections_and_documents_are_named(stocked: Library) -> None:
    with pytest.raises(NotFound) as missing:
        names(stocked, "bread", Scope(LOCAL, ("nowhere",)))
    assert missing.value.code == "collection_not_found"
    bakery = stocked.retriever.search("bread", Scope(LOCAL, ("food",)), 1).passages[0].document.id
    with pytest.raises(NotFound) as outside:
        names(stocked, "bread", Scope(LOCAL, ("default",), {"document_id": bakery}))
    assert outside.value.code == "document_not_found"


def test_a_deleted_document_is_gone_at_once(stocked: Library) -> None:
    passage = stocked.retriever.search("lighthouse", Scope(LOCAL), 1).passages[0]
    stocked.remove(passage.document.id)
    assert set(names(stocked, "When was the lighthouse completed?")) == {"bakery.txt"}


def test_an_empty_library_has_no_passages(library: Library) -> None:
    result = library.retriever.search("anything", Scope(LOCAL), 5)
    assert list(result.passages) == []
    assert result.coverage.passages_matching == 0


def test_coverage_counts_what_matched_beyond_what_is_shown(stocked: Library) -> None:
    result = stocked.retriever.search("lamp oven lighthouse flour", Scope(LOCAL), 1)
    assert result.coverage.passages_seen == 1
    assert result.coverage.passages_matching >= 3


@pytest.mark.parametrize("query", ["lighthose", "skery lighthuose"])
def test_a_slip_of_the_keyboard_still_finds_the_word(stocked: Library, query: str) -> None:
    assert names(stocked, query, mode=SearchMode.LEXICAL)[:1] == ["lighthouse.txt"]
