"""Chunks with their vectors and keywords: published and withdrawn whole, in the caller's transaction.

``publish`` is the only way a text becomes searchable and ``withdraw`` the only way it stops being so.
Both write one row into ``index_changes``, which is all a FAISS cache needs to catch up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select, text, update

from rag.errors import Unavailable
from rag.records import Chunk, DocumentRef, DocumentState, Notice, ParsedDocument, Passage
from rag.stores import texts
from rag.stores.database import Tx
from rag.stores.tables import chunks, documents, index_changes, spaces, vectors, versions

Vectors = NDArray[np.float32]

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the change log: chunks ``first..last`` (inclusive) came or went."""

    seq: int
    operation: str
    first: int
    last: int


def open_space(tx: Tx, key: str, dimension: int) -> int:
    """The id of the embedding space ``key``, entered on first use."""
    found = tx.scalar(select(spaces.c.id).where(spaces.c.key == key))
    if found is None:
        entered = tx.execute(
            insert(spaces).values(key=key, dimension=dimension, created_at=time.time())
        ).inserted_primary_key
        assert entered is not None
        found = entered[0]
    return int(found)


def publish(
    tx: Tx,
    *,
    document_id: int,
    version_id: int,
    parsed: ParsedDocument,
    pieces: Sequence[Chunk],
    embedded: Vectors,
    space_id: int,
    state: DocumentState = DocumentState.READY,
) -> bool:
    """Make a version searchable in place of its predecessor.

    Where a newer version is live already, only the text is kept, as it would be had this one come first.
    Returns whether the version is live now.

    Args:
        pieces: in text order; may be empty (``state`` then says why, for example ``NEEDS_OCR``).
        embedded: float32, shape ``(len(pieces), dimension)``, unit length, one row a piece.

    Raises:
        Unavailable: ``bad_embedding``, a vector is not finite or not of unit length.
    """
    _check(pieces, embedded)
    newest = not _newer_is_live(tx, document_id, version_id)
    if newest:
        withdraw(tx, document_id)
    else:
        pieces, embedded = (), embedded[:0]
    texts.write_text(tx, version_id, parsed.text)
    texts.write_pages(tx, version_id, parsed.pages)
    first = tx.scalar(select(func.coalesce(func.max(chunks.c.id), 0))) or 0
    sequence = tx.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'")) or 0
    first = max(first, sequence) + 1
    if pieces:
        collection_id = tx.scalar(select(documents.c.collection_id).where(documents.c.id == document_id))
        _insert_chunks(tx, first, version_id, collection_id, parsed.text, pieces, embedded, space_id)
    tx.execute(
        update(versions)
        .where(versions.c.id == version_id)
        .values(
            state=state,
            media_type=parsed.media_type,
            title=parsed.title,
            characters=len(parsed.text),
            page_count=parsed.page_count or None,
            pages_without_text=list(parsed.pages_without_text),
            notices=[notice_row(notice) for notice in parsed.warnings],
            first_chunk=first if pieces else None,
            last_chunk=first + len(pieces) - 1 if pieces else None,
            error_code=None,
            error_detail=None,
            ready_at=time.time(),
        )
    )
    if newest:
        tx.execute(
            update(documents)
            .where(documents.c.id == document_id)
            .values(live_version_id=version_id, updated_at=time.time())
        )
    return newest


def withdraw(tx: Tx, document_id: int) -> None:
    """Take the document's live version out of every search. Its text stays, so that citations resolve."""
    live = tx.execute(
        select(versions.c.id, versions.c.first_chunk, versions.c.last_chunk)
        .join(documents, documents.c.live_version_id == versions.c.id)
        .where(documents.c.id == document_id)
    ).first()
    if live is None:
        return
    if live.first_chunk is not None:
        bounds = {"first": live.first_chunk, "last": live.last_chunk}
        tx.execute(text("DELETE FROM keywords WHERE rowid BETWEEN :first AND :last"), bounds)
        for space_id in tx.scalars(select(spaces.c.id)).all():
            _log(tx, space_id, "remove", live.first_chunk, live.last_chunk)
        tx.execute(delete(chunks).where(chunks.c.id.between(live.first_chunk, live.last_chunk)))
    tx.execute(update(versions).where(versions.c.id == live.id).values(first_chunk=None, last_chunk=None))
    tx.execute(update(documents).where(documents.c.id == document_id).values(live_version_id=None))


def passages(tx: Tx, scores: Mapping[int, tuple[float, Mapping[str, float]]]) -> list[Passage]:
    """The passages of live chunks among ``scores`` (chunk id to fused and single scores), best first.

    This is the last gate of a search: a chunk that SQL no longer has does not come out.
    """
    rows = tx.execute(
        select(chunks, documents.c.public_id, versions.c.name, versions.c.number)
        .join(versions, versions.c.id == chunks.c.version_id)
        .join(documents, documents.c.live_version_id == versions.c.id)
        .where(chunks.c.id.in_(list(scores)))
    ).all()
    bodies = texts.read_chunks(tx, [row.id for row in rows])
    found = [
        Passage(
            chunk_id=row.id,
            document=DocumentRef(row.public_id, row.name, row.number),
            version_id=row.version_id,
            page=row.page,
            start=row.start,
            end=row.end,
            text=bodies[row.id],
            context=row.context,
            score=scores[row.id][0],
            scores=scores[row.id][1],
        )
        for row in rows
    ]
    return sorted(found, key=lambda passage: (-passage.score, passage.chunk_id))


def newest_change(tx: Tx, space_id: int) -> int:
    """The sequence number of the last change of a space, 0 before the first."""
    return tx.scalar(select(func.max(index_changes.c.seq)).where(index_changes.c.space_id == space_id)) or 0


def changes_after(tx: Tx, space_id: int, seq: int) -> list[Change]:
    rows = tx.execute(
        select(
            index_changes.c.seq,
            index_changes.c.operation,
            index_changes.c.first_chunk,
            index_changes.c.last_chunk,
        )
        .where(index_changes.c.space_id == space_id, index_changes.c.seq > seq)
        .order_by(index_changes.c.seq)
    )
    return [Change(*row) for row in rows]


def vectors_between(tx: Tx, space_id: int, first: int, last: int) -> tuple[NDArray[np.int64], Vectors]:
    """Ids ``(n,)`` and vectors ``(n, dimension)`` of the stored chunks ``first..last``, in id order."""
    rows = tx.execute(
        select(vectors.c.chunk_id, vectors.c.vector)
        .where(vectors.c.space_id == space_id, vectors.c.chunk_id.between(first, last))
        .order_by(vectors.c.chunk_id)
    ).all()
    ids = np.array([row.chunk_id for row in rows], dtype=np.int64)
    joined = np.frombuffer(b"".join(row.vector for row in rows), dtype="<f4")
    return ids, joined.reshape(len(rows), -1) if rows else np.empty((0, 0), dtype=np.float32)


def all_vectors(tx: Tx, space_id: int, batch: int = 4096) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    """Every vector of a space, in batches, in id order."""
    last = tx.scalar(select(func.max(vectors.c.chunk_id)).where(vectors.c.space_id == space_id)) or 0
    for first in range(1, last + 1, batch):
        ids, rows = vectors_between(tx, space_id, first, first + batch - 1)
        if len(ids):
            yield ids, rows


def notice_row(notice: Notice) -> dict[str, str]:
    return {"code": notice.code, "detail": notice.detail}


def _newer_is_live(tx: Tx, document_id: int, version_id: int) -> bool:
    number = select(versions.c.number).where(versions.c.id == version_id).scalar_subquery()
    live = tx.scalar(
        select(versions.c.number)
        .join(documents, documents.c.live_version_id == versions.c.id)
        .where(documents.c.id == document_id, versions.c.number > number)
    )
    return live is not None


def _insert_chunks(
    tx: Tx,
    first: int,
    version_id: int,
    collection_id: int | None,
    body: str,
    pieces: Sequence[Chunk],
    embedded: Vectors,
    space_id: int,
) -> None:
    numbered = list(enumerate(pieces, start=first))
    tx.execute(
        insert(chunks),
        [
            {
                "id": chunk_id,
                "version_id": version_id,
                "collection_id": collection_id,
                "start": piece.start,
                "end": piece.end,
                "page": piece.page,
                "context": piece.context,
                "tokens": piece.tokens,
            }
            for chunk_id, piece in numbered
        ],
    )
    tx.execute(
        text("INSERT INTO keywords(rowid, context, body) VALUES (:id, :context, :body)"),
        [
            {"id": chunk_id, "context": piece.context, "body": body[piece.start : piece.end]}
            for chunk_id, piece in numbered
        ],
    )
    rows: list[dict[str, Any]] = [
        {"space_id": space_id, "chunk_id": chunk_id, "vector": vector.astype("<f4").tobytes()}
        for (chunk_id, _), vector in zip(numbered, embedded, strict=True)
    ]
    tx.execute(insert(vectors), rows)
    _log(tx, space_id, "add", first, first + len(pieces) - 1)


def _log(tx: Tx, space_id: int, operation: str, first: int, last: int) -> None:
    tx.execute(
        insert(index_changes).values(
            space_id=space_id, operation=operation, first_chunk=first, last_chunk=last
        )
    )


def _check(pieces: Sequence[Chunk], embedded: Vectors) -> None:
    if len(pieces) != len(embedded):
        raise ValueError(f"{len(pieces)} chunks but {len(embedded)} vectors")
    if len(pieces) and not (np.abs(np.linalg.norm(embedded, axis=1) - 1.0) < _UNIT_TOLERANCE).all():
        raise Unavailable(
            "bad_embedding", "The embedder returned vectors that cannot be searched; see the log."
        )
