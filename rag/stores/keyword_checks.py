"""The two full-text indexes held against what they index, and written anew where they differ."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import column, select, table, text

from rag.stores import chunk_store, document_names, keyword_index
from rag.stores.database import Tx
from rag.stores.findings import Report
from rag.stores.tables import chunks, documents, versions

_AT_ONCE = 500

_names = table("keyword_documents_docsize", column("id"))  # FTS5's shadow table, one row for each entry


@dataclass(frozen=True, slots=True)
class Differences:
    """Ids the index lacks, and ids it has too many."""

    missing: list[int]
    left_over: list[int]


def check(tx: Tx, report: Report) -> None:
    passages, names = of_passages(tx), of_names(tx)
    report.add("keywords_missing", "Passages that no word leads to", passages.missing)
    report.add("keywords_left_over", "Words of passages that are gone", passages.left_over)
    report.add("names_missing", "Documents that are not found by their names", names.missing)
    report.add("names_left_over", "Names of documents that are gone", names.left_over)


def mend(tx: Tx) -> None:
    """Enter what is missing and remove what is too much."""
    passages, names = of_passages(tx), of_names(tx)
    for chunk_id in passages.left_over:
        keyword_index.delete(tx, chunk_id, chunk_id)
    _enter_passages(tx, passages.missing)
    for document_id in names.left_over:
        document_names.remove(tx, document_id)
    _enter_names(tx, names.missing)


def rebuild(tx: Tx) -> None:
    """Empty both indexes and enter everything anew; they may be damaged."""
    for index in ("keywords", "keyword_documents"):
        tx.execute(text(f"INSERT INTO {index}({index}) VALUES ('delete-all')"))
    _enter_passages(tx, sorted(tx.scalars(select(chunks.c.id))))
    _enter_names(tx, sorted(_named(tx)))


def of_passages(tx: Tx) -> Differences:
    return _between(set(tx.scalars(select(chunks.c.id))), keyword_index.chunk_ids(tx))


def of_names(tx: Tx) -> Differences:
    return _between(set(_named(tx)), set(tx.scalars(select(_names.c.id))))


def _between(stored: set[int], indexed: set[int]) -> Differences:
    return Differences(sorted(stored - indexed), sorted(indexed - stored))


def _named(tx: Tx) -> dict[int, int]:
    """Documents that have passages, each with its live version: those that are entered by name."""
    rows = tx.execute(
        select(documents.c.id, versions.c.id)
        .join(versions, versions.c.id == documents.c.live_version_id)
        .where(versions.c.first_chunk.is_not(None))
    )
    return dict(rows.all())


def _enter_passages(tx: Tx, chunk_ids: list[int]) -> None:
    for at in range(0, len(chunk_ids), _AT_ONCE):
        keyword_index.insert(tx, chunk_store.said(tx, chunk_ids[at : at + _AT_ONCE]))


def _enter_names(tx: Tx, document_ids: list[int]) -> None:
    live = _named(tx)
    for document_id in document_ids:
        document_names.enter(tx, live[document_id])
