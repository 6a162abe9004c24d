"""Chunks with their vectors and keywords: published and withdrawn whole, in the caller's transaction.

``publish`` is the only way a text becomes searchable and ``withdraw`` the only way it stops being so.
Both write one row into ``index_changes``, which is all a FAISS cache needs to catch up.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, select, text, update

from rag.errors import Conflict
from rag.records import (
    Chunk,
    DocumentRef,
    DocumentState,
    Notice,
    ParsedDocument,
    Passage,
    Span,
    VersionStatus,
)
from rag.stores import document_names, keyword_index, texts
from rag.stores.database import Tx, fetch
from rag.stores.tables import (
    chunks,
    documents,
    index_changes,
    near_duplicates,
    signature_bands,
    signatures,
    spaces,
    vectors,
    versions,
)
from rag.stores.vector_checks import require_usable
from rag.text.forms import spoken, without
from rag.text.locators import locator

Vectors = NDArray[np.float32]

# Built once: for a small document, building its statements takes longer than running them.
_SET_VERSION = update(versions).where(versions.c.id == bindparam("wanted"))
_SET_DOCUMENT = update(documents).where(documents.c.id == bindparam("wanted"))
_DIMENSION = select(spaces.c.dimension).where(spaces.c.id == bindparam("wanted"))
_PASSAGES = (
    select(chunks, documents.c.public_id, documents.c.latest_version, versions.c.name, versions.c.number)
    .join(versions, versions.c.id == chunks.c.version_id)
    .join(documents, documents.c.live_version_id == versions.c.id)
    .where(chunks.c.id.in_(bindparam("ids", expanding=True)))
)
_VECTORS_AT = (
    "SELECT chunk_id, vector FROM vectors WHERE space_id = ? "
    "AND chunk_id IN (SELECT value FROM json_each(?)) ORDER BY chunk_id"
)
_VECTORS_BETWEEN = (
    "SELECT chunk_id, vector FROM vectors WHERE space_id = ? AND chunk_id BETWEEN ? AND ? ORDER BY chunk_id"
)
_NEWEST = "SELECT max(seq) FROM index_changes WHERE space_id = ?"
_live = versions.alias("live")
_STANDING = (
    select(
        versions.c.document_id,
        versions.c.number,
        versions.c.characters,
        documents.c.collection_id,
        _live.c.number.label("live_number"),
    )
    .join(documents, documents.c.id == versions.c.document_id)
    .outerjoin(_live, _live.c.id == documents.c.live_version_id)
    .where(versions.c.id == bindparam("wanted"))
)


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the change log: chunks ``first..last`` (inclusive) came or went."""

    seq: int
    operation: str
    first: int
    last: int


def open_space(tx: Tx, key: str, dimension: int) -> int:
    """The id of the embedding space ``key``, entered on first use.

    Raises ``Conflict`` (``embedding_model_changed``) for a space that has other dimensions.
    """
    found = tx.execute(select(spaces.c.id, spaces.c.dimension).where(spaces.c.key == key)).first()
    if found is None:
        entered = tx.execute(
            insert(spaces).values(key=key, dimension=dimension, created_at=time.time())
        ).inserted_primary_key
        assert entered is not None
        return int(entered[0])
    if found.dimension != dimension:
        raise Conflict(
            "embedding_model_changed",
            f"The embedding model gives {dimension} numbers where the library has {found.dimension}; "
            "use the model it was made with.",
        )
    return int(found.id)


def publish(
    tx: Tx,
    *,
    version_id: int,
    parsed: ParsedDocument,
    pieces: Sequence[Chunk],
    embedded: Vectors,
    space_id: int,
    state: DocumentState = DocumentState.READY,
) -> int | None:
    """Make a version searchable in place of its predecessor.

    Where a newer version is live already, only the text is kept, as it would be had this one come first.
    Returns the id of the first chunk that can be searched now, None if there is none.

    Args:
        pieces: in text order; may be empty (``state`` then says why, for example ``NEEDS_OCR``).
        embedded: float32, shape ``(len(pieces), dimension)``, unit length, one row a piece.
        state: ``REFINED`` if the vectors are final, ``READY`` if better ones are to follow.

    Raises:
        Unavailable: ``bad_embedding``, see ``vector_checks``.
    """
    if len(pieces) != len(embedded):
        raise ValueError(f"{len(pieces)} chunks but {len(embedded)} vectors")
    now = time.time()
    standing = _standing(tx, version_id)
    newest = standing.live_number is None or standing.live_number <= standing.number
    if newest and standing.live_number is not None:
        withdraw(tx, standing.document_id)
    if not newest:
        pieces, embedded = (), embedded[:0]
    if standing.characters is not None:  # read before, when nothing could recognise its pages perhaps
        texts.forget(tx, version_id)
    texts.write_text(tx, version_id, parsed.text)
    texts.write_pages(tx, version_id, parsed.pages)
    texts.write_headings(tx, version_id, parsed)
    first = 0
    if pieces:
        # Grows with every chunk and never shrinks, so that no id is ever used for another chunk.
        first = 1 + (tx.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'")) or 0)
        rows = [
            _chunk_row(chunk_id, version_id, standing.collection_id, piece, parsed)
            for chunk_id, piece in enumerate(pieces, start=first)
        ]
        _insert_chunks(tx, rows, [spoken(parsed.text, piece) for piece in pieces])
        insert_vectors(tx, space_id, range(first, first + len(pieces)), embedded)
    tx.execute(
        _SET_VERSION,
        {
            "wanted": version_id,
            "state": state,
            "media_type": parsed.media_type,
            "title": parsed.title,
            "characters": len(parsed.text),
            "page_count": parsed.page_count or None,
            "page_kind": parsed.page_kind if parsed.pages else None,
            "pages_without_text": list(parsed.pages_without_text),
            "notices": [notice_row(notice) for notice in parsed.warnings],
            "first_chunk": first if pieces else None,
            "last_chunk": first + len(pieces) - 1 if pieces else None,
            "refined_chunks": len(pieces) if state is DocumentState.REFINED else 0,
            "error_code": None,
            "error_detail": None,
            "ready_at": now,
            "refined_at": now if state is DocumentState.REFINED else None,
        },
    )
    if newest:
        live = {"wanted": standing.document_id, "live_version_id": version_id, "updated_at": now}
        tx.execute(_SET_DOCUMENT, live)
    if pieces:
        document_names.enter(tx, version_id)
    return first if pieces else None


def annotate(tx: Tx, version_id: int, quality: Mapping[str, Any], notices: Sequence[Notice]) -> None:
    """Keep with a version what was found out about it when it was published."""
    kept = {"quality": dict(quality), "notices": [notice_row(notice) for notice in notices]}
    tx.execute(_SET_VERSION, {"wanted": version_id, **kept})


def withdraw(tx: Tx, document_id: int) -> None:
    """Take the document's live version out of every search. Its text stays, so that citations resolve.

    The work is proportional to the document, not to the library.
    """
    live = tx.execute(
        select(versions.c.id, versions.c.first_chunk, versions.c.last_chunk)
        .join(documents, documents.c.live_version_id == versions.c.id)
        .where(documents.c.id == document_id)
    ).first()
    if live is None:
        return
    if live.first_chunk is not None:
        keyword_index.delete(tx, live.first_chunk, live.last_chunk)
        document_names.remove(tx, document_id)
        for space_id in tx.scalars(select(spaces.c.id)).all():
            _log(tx, space_id, "remove", live.first_chunk, live.last_chunk)
        tx.execute(delete(chunks).where(chunks.c.id.between(live.first_chunk, live.last_chunk)))
    tx.execute(
        update(versions)
        .where(versions.c.id == live.id)
        .values(first_chunk=None, last_chunk=None, refined_chunks=0)
    )
    tx.execute(delete(signatures).where(signatures.c.version_id == live.id))
    tx.execute(delete(signature_bands).where(signature_bands.c.version_id == live.id))
    similar = (near_duplicates.c.version_id == live.id) | (near_duplicates.c.other_id == live.id)
    tx.execute(delete(near_duplicates).where(similar))
    tx.execute(update(documents).where(documents.c.id == document_id).values(live_version_id=None))


def passages(
    tx: Tx, scores: Mapping[int, tuple[float, Mapping[str, float]]], *inside: ColumnElement[bool]
) -> list[Passage]:
    """The passages of live chunks among ``scores`` (chunk id to fused and single scores), best first.

    This is the last gate of a search: a chunk that SQL no longer has does not come out, nor one whose
    document is not ``inside`` what was searched (the ``where`` of its scope), whatever an index said.
    """
    rows = tx.execute(_PASSAGES.where(*inside) if inside else _PASSAGES, {"ids": list(scores)}).all()
    bodies = texts.read_chunks(tx, [row.id for row in rows])
    found = [
        Passage(
            chunk_id=row.id,
            document=DocumentRef(
                row.public_id, row.name, row.number, status_of(row.number, row.latest_version)
            ),
            version_id=row.version_id,
            page=row.page,
            start=row.start,
            end=row.end,
            text=bodies[row.id],
            context=row.context,
            score=scores[row.id][0],
            scores=scores[row.id][1],
            omitted=tuple(Span(start, end) for start, end in row.omitted or ()),
            headings=tuple(row.headings or ()),
            locator=row.locator,
        )
        for row in rows
    ]
    return sorted(found, key=lambda passage: (-passage.score, passage.chunk_id))


def said(tx: Tx, chunk_ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """Id, context and what it says (its text without what is omitted) of each chunk, in id order."""
    rows = tx.execute(
        select(chunks.c.id, chunks.c.start, chunks.c.context, chunks.c.omitted)
        .where(chunks.c.id.in_(chunk_ids))
        .order_by(chunks.c.id)
    ).all()
    bodies = texts.read_chunks(tx, chunk_ids)
    return [
        (
            row.id,
            row.context,
            without(bodies[row.id], [Span(a - row.start, b - row.start) for a, b in row.omitted or ()]),
        )
        for row in rows
    ]


def status_of(number: int, latest: int) -> VersionStatus:
    return VersionStatus.CURRENT if number == latest else VersionStatus.SUPERSEDED


def newest_change(tx: Tx, space_id: int) -> int:
    """The sequence number of the last change of a space, 0 before the first."""
    return fetch(tx, _NEWEST, space_id)[0][0] or 0


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
    return _joined(fetch(tx, _VECTORS_BETWEEN, space_id, first, last))


def vectors_at(tx: Tx, space_id: int, chunk_ids: Sequence[int]) -> tuple[NDArray[np.int64], Vectors]:
    """As ``vectors_between``, of those of the chunks that have one. One statement, however many they are."""
    return _joined(fetch(tx, _VECTORS_AT, space_id, json.dumps(list(chunk_ids))))


def all_vectors(tx: Tx, space_id: int, batch: int = 4096) -> Iterator[tuple[NDArray[np.int64], Vectors]]:
    """Every vector of a space, in batches, in id order."""
    last = tx.scalar(select(func.max(vectors.c.chunk_id)).where(vectors.c.space_id == space_id)) or 0
    for first in range(1, last + 1, batch):
        ids, rows = vectors_between(tx, space_id, first, first + batch - 1)
        if len(ids):
            yield ids, rows


def _joined(rows: Iterable[tuple[int, bytes]]) -> tuple[NDArray[np.int64], Vectors]:
    found = list(rows)
    ids = np.array([chunk_id for chunk_id, _ in found], dtype=np.int64)
    joined = np.frombuffer(b"".join([vector for _, vector in found]), dtype="<f4")
    return ids, joined.reshape(len(found), -1) if found else np.empty((0, 0), dtype=np.float32)


def notice_row(notice: Notice) -> dict[str, str]:
    return {"code": notice.code, "detail": notice.detail}


def _standing(tx: Tx, version_id: int) -> Row[*tuple[Any, ...]]:
    """Where a version stands: its document and collection, whether it was read, which version is live."""
    return tx.execute(_STANDING, {"wanted": version_id}).one()


def _chunk_row(
    chunk_id: int, version_id: int, collection_id: int | None, piece: Chunk, parsed: ParsedDocument
) -> dict[str, Any]:
    touched = parsed.pages_touching(piece.start, piece.end)
    return {
        "id": chunk_id,
        "version_id": version_id,
        "collection_id": collection_id,
        "start": piece.start,
        "end": piece.end,
        "page": piece.page,
        "context": piece.context,
        "tokens": piece.tokens,
        "omitted": [(span.start, span.end) for span in piece.omitted] or None,
        "headings": list(piece.headings) or None,
        "locator": locator(parsed.page_kind, touched, piece.headings, piece.start, piece.end),
    }


def _insert_chunks(tx: Tx, rows: Sequence[Mapping[str, Any]], bodies: Sequence[str]) -> None:
    tx.execute(insert(chunks), rows)
    keyword_index.insert(
        tx, [(row["id"], row["context"], body) for row, body in zip(rows, bodies, strict=True)]
    )


def insert_vectors(tx: Tx, space_id: int, chunk_ids: range, embedded: Vectors) -> None:
    """Give the chunks of a contiguous range their vectors in a space, one row an id: the only way in.

    Raises ``Unavailable`` (``bad_embedding``).
    """
    dimension = tx.scalar(_DIMENSION, {"wanted": space_id})
    require_usable(embedded, len(chunk_ids), dimension or 0)
    rows: list[dict[str, Any]] = [
        {"space_id": space_id, "chunk_id": chunk_id, "vector": vector.tobytes()}
        for chunk_id, vector in zip(chunk_ids, np.ascontiguousarray(embedded, dtype="<f4"), strict=True)
    ]
    tx.execute(insert(vectors), rows)
    _log(tx, space_id, "add", chunk_ids[0], chunk_ids[-1])


def remove_vectors(tx: Tx, space_id: int, chunk_ids: range) -> None:
    """Take the vectors of a contiguous range of chunks out of a space; the chunks stay."""
    first, last = chunk_ids[0], chunk_ids[-1]
    tx.execute(delete(vectors).where(vectors.c.space_id == space_id, vectors.c.chunk_id.between(first, last)))
    _log(tx, space_id, "remove", first, last)


def _log(tx: Tx, space_id: int, operation: str, first: int, last: int) -> None:
    tx.execute(
        insert(index_changes).values(
            space_id=space_id, operation=operation, first_chunk=first, last_chunk=last
        )
    )
