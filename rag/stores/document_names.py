"""What documents are called, as an FTS5 table of its own: name, title, metadata and how a long one begins.

A passage from the middle of a long document says neither whose report it is nor of which year. A question
that does is matched against this table, which is written in the same transactions as the chunks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Integer, Select, column, func, select, table, text

from rag.stores import texts
from rag.stores.database import Tx, fetch
from rag.stores.keyword_index import match_expression
from rag.stores.scopes import Range, ResolvedScope
from rag.stores.tables import documents, pages, versions
from rag.text.forms import search_form

LONG = 20_000
"""Code points from which on a document's beginning is entered: of a shorter one, the passages hold it."""
_BEGINNING = 1_500
_MOST_METADATA = 2_000

_entered = table("keyword_documents_docsize", column("id"))  # FTS5's shadow table
_COUNT = "SELECT count(*) FROM keyword_documents_docsize"
_FREQUENCIES = "SELECT term, doc FROM keyword_document_terms WHERE term IN (SELECT value FROM json_each(?))"
_RANGES = (
    "SELECT documents.id, versions.first_chunk, versions.last_chunk FROM documents "
    "JOIN versions ON versions.id = documents.live_version_id "
    "WHERE documents.id IN (SELECT value FROM json_each(?)) AND versions.first_chunk IS NOT NULL"
)
_places = table("keyword_document_places", column("term"), column("doc"))
# The places are a list of every word of every document; asked for one, FTS5 goes to its documents at once.
_HOLDING = (
    "SELECT wanted.key AS place, keyword_documents.rowid AS document FROM json_each(?) AS wanted "
    "CROSS JOIN keyword_documents ON keyword_documents MATCH wanted.value"
)
_holding = (
    text(_HOLDING.replace("?", ":expressions"))
    .columns(column("place", Integer), column("document", Integer))
    .subquery("holding")
)
_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PART = re.compile(r"(?:19|20)\d\d(?!\d)|[^\W\d_]{3,}")
_SHORT_YEAR = re.compile(r"\bFY[ '’]?(\d\d)(?!\d)", re.IGNORECASE)


def naming_text(name: str) -> str:
    """A file name as words: without its suffix, with the parts of words that are written together.

    ``BestBuy_FY23.pdf`` is found as ``bestbuy``, ``best``, ``buy``, ``fy23`` and ``2023``.
    """
    return _with_parts(PurePosixPath(name).stem.replace("_", " "))


def metadata_text(metadata: Mapping[str, Any]) -> str:
    """The words and numbers among the values, whatever they are nested in."""
    found: list[str] = []
    waiting: list[Any] = [dict(metadata)]
    while waiting and sum(map(len, found)) < _MOST_METADATA:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            found.append(str(value))
    return _with_parts(" ".join(found)[:_MOST_METADATA])


def enter(tx: Tx, version_id: int) -> None:
    """Enter the document whose live version this is, in place of what was entered for it before."""
    row = tx.execute(
        select(
            documents.c.id,
            documents.c.metadata.label("said"),
            versions.c.name,
            versions.c.title,
            versions.c.characters,
        )
        .join(documents, documents.c.id == versions.c.document_id)
        .where(versions.c.id == version_id)
    ).one()
    remove(tx, row.id)
    called = [naming_text(row.name), _with_parts(row.title or ""), metadata_text(row.said)]
    tx.execute(
        text("INSERT INTO keyword_documents(rowid, names, beginning) VALUES (:id, :names, :beginning)"),
        {
            "id": row.id,
            "names": "\n".join(called),
            "beginning": search_form(_beginning(tx, version_id, row.characters or 0)),
        },
    )


def remove(tx: Tx, document_id: int) -> None:
    """Take a document out; for one that is not in, there is nothing to do."""
    tx.execute(text("DELETE FROM keyword_documents WHERE rowid = :id"), {"id": document_id})


def count(tx: Tx, scope: ResolvedScope) -> int:
    """How many documents inside ``scope`` are entered."""
    if scope.ranges is None:
        return int(fetch(tx, _COUNT)[0][0])
    return tx.scalar(select(func.count()).where(_entered.c.id.in_(_document_ids(scope)))) or 0


def frequencies(tx: Tx, stemmed: Sequence[str], scope: ResolvedScope) -> dict[str, int]:
    """In how many documents' names or beginnings each of the stems is, of those inside ``scope``; those in
    none are left out."""
    if not stemmed:
        return {}
    if scope.ranges is None:
        return dict(fetch(tx, _FREQUENCIES, json.dumps(list(stemmed))))
    inside = (
        select(_places.c.term, func.count(_places.c.doc.distinct()))
        .where(_places.c.term.in_(list(stemmed)), _places.c.doc.in_(_document_ids(scope)))
        .group_by(_places.c.term)
    )
    return dict(tx.execute(inside).all())


def postings(
    tx: Tx, terms: Mapping[str, str], scope: ResolvedScope, *, anywhere: Collection[str]
) -> list[tuple[str, int, bool]]:
    """Triples of stem, SQL id of a document inside ``scope``, and whether it is in the document's names (or
    else in its beginning, which is looked into only for the stems in ``anywhere``).

    ``terms`` has a word for each stem, as FTS5 stems what it is asked for.
    """
    looked_for = [(one, word, "names") for one, word in terms.items()]
    looked_for += [(one, word, "beginning") for one, word in terms.items() if one in anywhere]
    expressions = [f"{place} : {match_expression([word])}" for _, word, place in looked_for]
    if scope.ranges is None:
        rows = fetch(tx, _HOLDING, json.dumps(expressions))
    else:
        # A bare rowid would have FTS5 run the search once for each document of the scope.
        inside = (_holding.c.document + 0).in_(_document_ids(scope))
        rows = [*tx.execute(select(_holding).where(inside), {"expressions": json.dumps(expressions)})]
    found = [(looked_for[at], document) for at, document in rows]
    return [(stemmed, document, place == "names") for (stemmed, _, place), document in found]


def chunk_ranges(tx: Tx, document_ids: Iterable[int], scope: ResolvedScope) -> dict[int, Range]:
    """The chunks of those documents that are live and inside ``scope``, by SQL id."""
    rows = fetch(tx, _RANGES, json.dumps(list(document_ids)))
    found = {key: (first, last) for key, first, last in rows}
    if found and scope.where:
        kept = set(tx.scalars(_document_ids(scope).where(documents.c.id.in_(list(found)))))
        return {key: chunks for key, chunks in found.items() if key in kept}
    return found


def within(scope: ResolvedScope, found: Mapping[int, Range]) -> ResolvedScope:
    """``scope`` narrowed to documents that :func:`chunk_ranges` gave for it."""
    return ResolvedScope(sorted(found.values()), (*scope.where, documents.c.id.in_(list(found))))


def _document_ids(scope: ResolvedScope) -> Select[tuple[int]]:
    """A sub-select of the searchable documents inside a scope."""
    return (
        select(documents.c.id)
        .join(versions, versions.c.id == documents.c.live_version_id)
        .where(*scope.where)
    )


def _beginning(tx: Tx, version_id: int, characters: int) -> str:
    """The first page of a long document, or as much of its text; empty for a short one."""
    if characters < LONG:
        return ""
    first_page = tx.scalar(select(pages.c.end).where(pages.c.version_id == version_id, pages.c.number == 1))
    return texts.read_text(tx, version_id, 0, min(first_page or _BEGINNING, _BEGINNING))


def _with_parts(said: str) -> str:
    """In search form, followed by the parts of its words and by the years that are written short."""
    plain = search_form(said)
    words = re.findall(r"[^\W_]+", plain)
    parts = [part for word in words for part in _PART.findall(_CASE.sub(" ", word)) if part != word]
    years = [f"20{short}" for short in _SHORT_YEAR.findall(plain)]
    return " ".join([plain, *dict.fromkeys([*parts, *years])])
