"""Whatever is searched for, SQLite reads the tables that it reads for an ordinary word, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.errors import FootnoteError
from rag.stores import document_catalog, keyword_index, scopes
from rag.stores.access import LOCAL
from rag.stores.database import Tx
from rag.stores.scopes import Scope
from tests.rag.stores.library import Library

_PRAGMA, _READ, _SELECT, _FUNCTION, _RECURSIVE = 19, 20, 21, 31, 33
_HARMLESS = {_PRAGMA, _READ, _SELECT, _FUNCTION, _RECURSIVE}
"""Action codes of SQLite's authorizer that change nothing (sqlite.org/c3ref/c_alter_table.html); the pragma
is FTS5's own, which asks whether its data have changed."""
_OK = 0

_SQL = [
    "' OR '1'='1",
    "'; DROP TABLE documents; --",
    '"; DELETE FROM keywords; --',
    "x') UNION SELECT sql FROM sqlite_master --",
    "1; ATTACH DATABASE '/tmp/x' AS y",
    "load_extension('x')",
    "keywords(keywords, rank) VALUES('rebuild', 1)",
    "$.a') OR json_extract(metadata, '$.b",
    '"]; SELECT 1 --',
    "%",
    "\\%_",
]

_Place = Callable[[Tx, str], object]


def _keywords(tx: Tx, text: str) -> object:
    everywhere = scopes.resolve(tx, Scope(LOCAL))
    expression = keyword_index.match_expression(text.split(), [text])
    return keyword_index.search(tx, expression, 5, everywhere)


_PLACES: dict[str, _Place] = {
    "keywords": _keywords,
    "filter value": lambda tx, text: scopes.resolve(
        tx, Scope(LOCAL, filter={"name": text, "metadata.a": [text]})
    ),
    "filter key": lambda tx, text: scopes.resolve(tx, Scope(LOCAL, filter={f"metadata.{text}": text})),
    "name contains": lambda tx, text: document_catalog.page_of(tx, LOCAL, limit=5, name_contains=text),
    "source begins": lambda tx, text: document_catalog.page_of(tx, LOCAL, limit=5, source_prefix=text),
}


def _seen(library: Library, place: _Place, texts: Sequence[str]) -> set[tuple[int, str]]:
    """What the statements do, as SQLite's own compiler tells it: action, and table or pragma."""
    seen: set[tuple[int, str]] = set()

    def authorize(action: int, first: str | None, second: str | None, *_: Any) -> int:
        seen.add((action, str(first if action in (_READ, _PRAGMA) else "")))
        return _OK

    with library.database.read() as tx:
        raw: Any = tx.connection.driver_connection
        raw.set_authorizer(authorize)
        try:
            for text in texts:
                try:
                    place(tx, text)
                except FootnoteError:
                    continue  # refused before it came to SQL
        finally:
            raw.set_authorizer(None)
    return seen


@pytest.mark.parametrize("place", _PLACES)
def test_hostile_words_are_words_to_sqlite(library: Library, place: str, shared: Path) -> None:
    library.add(["The ducks swim."], "birds.txt")
    naughty = json.loads((shared / "hostile" / "naughty_strings.json").read_text("utf-8"))
    ordinary = _seen(library, _PLACES[place], ["duck", "two words"])
    assert {action for action, _ in ordinary} <= _HARMLESS
    assert any(table for _, table in ordinary), "something was looked at"
    assert _seen(library, _PLACES[place], [*_SQL, *naughty]) <= ordinary
