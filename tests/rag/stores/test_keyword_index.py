from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from rag.stores import keyword_index, scopes
from rag.stores.access import LOCAL
from rag.stores.keyword_index import count_matching, match_expression, search
from rag.stores.scopes import EVERYWHERE, Scope
from tests.rag.stores.library import Library


def _search(library: Library, *terms: str, scope: Scope | None = None, k: int = 10) -> list[int]:
    with library.database.read() as tx:
        found = search(tx, match_expression(terms), k, scopes.resolve(tx, scope or Scope(LOCAL)))
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    return [chunk for chunk, _ in found]


@pytest.fixture
def zoo(library: Library) -> Library:
    library.add(["The ducks swim.", "A duck is a bird, a duck.", "Geese fly south."], "birds.txt")
    library.add(["Der Fluß ist tief, Citroën fährt.", "Ducks again."], "other.txt")
    return library


def test_the_better_match_comes_first(zoo: Library) -> None:
    assert _search(zoo, "duck", "bird")[0] == 2
    assert set(_search(zoo, "duck")) == {1, 2, 5}
    assert _search(zoo, "duck", k=1) == _search(zoo, "duck")[:1]


def test_words_match_by_their_stem_and_without_accents(zoo: Library) -> None:
    assert _search(zoo, "swimming") == [1]
    assert _search(zoo, "citroen") == [4]


def test_the_context_is_searched_too(zoo: Library) -> None:
    assert _search(zoo, "context") != []


def test_a_scope_limits_search_and_count(zoo: Library) -> None:
    birds = Scope(LOCAL, filter={"name": "birds.txt"})
    assert set(_search(zoo, "duck", scope=birds)) == {1, 2}
    with zoo.database.read() as tx:
        everywhere, inside = scopes.resolve(tx, Scope(LOCAL)), scopes.resolve(tx, birds)
        assert count_matching(tx, match_expression(["duck"]), everywhere, 100) == 3
        assert count_matching(tx, match_expression(["duck"]), inside, 100) == 2
        assert count_matching(tx, match_expression(["duck"]), everywhere, 2) == 2
        assert count_matching(tx, match_expression([]), everywhere, 100) == 0


def test_a_removed_document_is_not_found(zoo: Library) -> None:
    zoo.remove(zoo.named("birds"))
    assert _search(zoo, "duck", "geese") == [5]
    with zoo.database.write() as tx:
        tx.execute(text("INSERT INTO keywords(keywords) VALUES ('integrity-check')"))


def test_no_terms_find_nothing(zoo: Library) -> None:
    assert _search(zoo) == _search(zoo, "") == _search(zoo, "\0", "\ud800") == []


@pytest.mark.parametrize(
    "syntax",
    ["NOT", "duck OR geese", "duck*", '"', 'a" OR "b', "body:duck", "^duck", "NEAR(a b)", "(", "-", "{a}"],
)
def test_query_syntax_is_only_words(zoo: Library, syntax: str) -> None:
    as_words = set(re.findall(r"\w+", syntax.lower()))
    with zoo.database.read() as tx:
        found = search(tx, match_expression([syntax]), 10, scopes.resolve(tx, Scope(LOCAL)))
    assert not found or as_words <= {"duck", "a"}, "a phrase, so all of it has to be there"


def test_naughty_strings_are_words_as_well(zoo: Library, shared: Path) -> None:
    strings = json.loads((shared / "hostile" / "naughty_strings.json").read_text("utf-8"))
    assert len(strings) > 400
    zoo.add([one.replace("\0", "") or "." for one in strings], "naughty.txt")
    with zoo.database.read() as tx:
        everywhere = scopes.resolve(tx, Scope(LOCAL))
        for string in strings:
            search(tx, match_expression([string]), 5, everywhere)
            search(tx, match_expression(string.split(), [string]), 5, everywhere)
            count_matching(tx, match_expression(string.split()), everywhere, 10)
    assert _search(zoo, "undefined") != [], "and those that are words are found"


def test_a_beginning_is_matched_as_it_is_after_stemming(zoo: Library) -> None:
    with zoo.database.read() as tx:
        everywhere = scopes.resolve(tx, Scope(LOCAL))
        found = search(tx, match_expression([], ["gees", ""]), 5, everywhere)
    assert [chunk for chunk, _ in found] == _search(zoo, "geese")


def test_what_sqlite_cannot_take_is_left_out() -> None:
    assert match_expression(["a\0b", "\udcff", 'say "no"', ""]) == '"ab" OR "say ""no"""'


def test_frequencies_count_chunks_by_stem(zoo: Library) -> None:
    with zoo.database.read() as tx:
        assert keyword_index.document_frequencies(tx, ["duck", "bird", "absent"], EVERYWHERE) == {
            "duck": 3,
            "bird": 1,
        }
        assert keyword_index.document_frequencies(tx, [], EVERYWHERE) == {}
