"""Reading across whole documents: every passage that holds some words, every passage of a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import column, func, select, table, text

from rag.records import DocumentRef, Passage
from rag.stores import chunk_store, keyword_index
from rag.stores.database import Tx
from rag.stores.scopes import ResolvedScope
from rag.stores.tables import chunks, documents, headings, vectors, versions

_keywords = table("keywords", column("rowid"))


@dataclass(frozen=True, slots=True)
class Holding:
    """The chunks that hold all of some words, in document order, and how many documents they belong to.

    ``all`` says whether these are all there are, or only the first ``limit``.
    """

    chunk_ids: Sequence[int]
    documents: int
    all: bool


@dataclass(frozen=True, slots=True)
class LiveDocument:
    """A searchable document; its chunks are ``first_chunk..last_chunk``, inclusive."""

    document: DocumentRef
    version_id: int
    title: str
    first_chunk: int
    last_chunk: int

    def __len__(self) -> int:
        return self.last_chunk - self.first_chunk + 1


def holding_all(tx: Tx, terms: Sequence[str], scope: ResolvedScope, limit: int) -> Holding:
    """The chunks in which every one of ``terms`` occurs in some inflection, up to ``limit``."""
    each = [expression for term in terms if (expression := keyword_index.match_expression([term]))]
    if not each:
        return Holding((), 0, True)
    matched = select(_keywords.c.rowid).where(
        text("keywords MATCH :expression").bindparams(expression=" AND ".join(each))
    )
    if scope.ranges is not None:
        matched = matched.where(_keywords.c.rowid.in_(scope.chunk_ids()))
    ids = list(tx.scalars(matched.order_by(_keywords.c.rowid).limit(limit + 1)))
    held = ids[:limit]
    owners = tx.scalar(select(func.count(chunks.c.version_id.distinct())).where(chunks.c.id.in_(held)))
    return Holding(held, owners or 0, len(ids) <= limit)


def read(tx: Tx, chunk_ids: Sequence[int]) -> list[Passage]:
    """The passages of live chunks, in document order, without scores."""
    found = chunk_store.passages(tx, dict.fromkeys(chunk_ids, (0.0, {})))
    return sorted(found, key=lambda passage: passage.chunk_id)


def live_documents(tx: Tx, scope: ResolvedScope, limit: int) -> list[LiveDocument]:
    """The searchable documents inside the scope, newest first."""
    rows = tx.execute(
        select(
            documents.c.public_id,
            documents.c.latest_version,
            versions.c.id,
            versions.c.name,
            versions.c.number,
            versions.c.title,
            versions.c.first_chunk,
            versions.c.last_chunk,
        )
        .join(documents, documents.c.live_version_id == versions.c.id)
        .where(versions.c.first_chunk.is_not(None), *scope.where)
        .order_by(versions.c.id.desc())
        .limit(limit)
    )
    return [
        LiveDocument(
            DocumentRef(
                row.public_id,
                row.name,
                row.number,
                chunk_store.status_of(row.number, row.latest_version),
            ),
            row.id,
            row.title or "",
            row.first_chunk,
            row.last_chunk,
        )
        for row in rows
    ]


def headings_within(tx: Tx, version_id: int) -> list[tuple[int, int, str]]:
    """Start, level and text of each heading of a version, in order."""
    rows = tx.execute(
        select(headings.c.start, headings.c.level, headings.c.text)
        .where(headings.c.version_id == version_id)
        .order_by(headings.c.start)
    )
    return [(row.start, row.level, row.text) for row in rows]


def headings_of(tx: Tx, chunk_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The headings above each chunk, outermost first."""
    rows = tx.execute(select(chunks.c.id, chunks.c.headings).where(chunks.c.id.in_(chunk_ids)))
    return {row.id: tuple(row.headings or ()) for row in rows}


def comparable_vectors(tx: Tx, chunk_ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    """The vectors of chunks by id, of the one space that most of them are in: no other two compare."""
    rows = tx.execute(
        select(vectors.c.space_id, vectors.c.chunk_id, vectors.c.vector).where(
            vectors.c.chunk_id.in_(chunk_ids)
        )
    ).all()
    by_space: dict[int, dict[int, NDArray[np.float32]]] = {}
    for row in rows:
        by_space.setdefault(row.space_id, {})[row.chunk_id] = np.frombuffer(row.vector, dtype="<f4")
    return max(by_space.values(), key=len, default={})
