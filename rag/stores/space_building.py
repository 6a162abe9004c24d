"""Filling the space of another embedder beside the one that is searched, and emptying one that is done with.

Nothing is queued for either. What is left to do is what has no vector there, or has one and should not, so
that there is nothing to lose when a worker dies. Chunk ids only grow: what comes in meanwhile lies ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, exists, select

from rag.stores import chunk_store, embedders
from rag.stores.database import Tx
from rag.stores.tables import chunks, embedding_state, vectors

Vectors = NDArray[np.float32]
Said = tuple[int, str, str]
"""Id, context and text of a chunk, as ``chunk_store.said`` gives them."""


def all_chunks(tx: Tx) -> Sequence[int]:
    """The ids of every searched chunk, ascending."""
    return tx.scalars(select(chunks.c.id).order_by(chunks.c.id)).all()


def next_missing(tx: Tx, space_id: int, after: int, limit: int) -> list[Said]:
    """Up to ``limit`` searched chunks, with ids above ``after``, that have no vector in a space; by id."""
    there = exists().where(vectors.c.chunk_id == chunks.c.id, vectors.c.space_id == space_id)
    missing = select(chunks.c.id).where(chunks.c.id > after, ~there).order_by(chunks.c.id).limit(limit)
    ids = tx.scalars(missing).all()
    return chunk_store.said(tx, ids) if ids else []


def fill(tx: Tx, target: int, chunk_ids: Sequence[int], embedded: Vectors) -> int:
    """Store the target's vectors of chunks, a row each; returns how many were stored. Chunks that were
    deleted or got one meanwhile are left out, and so are all where it is not the target any more.

    Raises ``Unavailable`` (``bad_embedding``).
    """
    if tx.scalar(select(embedding_state.c.target_id)) != target:
        return 0
    there = exists().where(vectors.c.chunk_id == chunks.c.id, vectors.c.space_id == target)
    wanted = set(tx.scalars(select(chunks.c.id).where(chunks.c.id.in_(chunk_ids), ~there)))
    rows = {chunk_id: row for chunk_id, row in zip(chunk_ids, embedded, strict=True) if chunk_id in wanted}
    for run in _runs(sorted(rows)):
        chunk_store.insert_vectors(tx, target, run, np.stack([rows[chunk_id] for chunk_id in run]))
    return len(rows)


def drop_some(tx: Tx, limit: int) -> tuple[bool, list[str]]:
    """Delete up to ``limit`` vectors that no model needs any more. Returns whether there was anything to do,
    and the keys of the spaces that are gone for good."""
    gone = []
    unused = embedders.unused(tx)
    for space_id in unused:
        some = (  # by chunk, which the unique index leads to without reading a vector
            select(vectors.c.chunk_id)
            .where(vectors.c.space_id == space_id)
            .order_by(vectors.c.chunk_id)
            .limit(limit)
        )
        in_space = vectors.c.space_id == space_id
        deleted = tx.execute(delete(vectors).where(in_space, vectors.c.chunk_id.in_(some))).rowcount
        if deleted == limit:
            break
        limit -= deleted
        gone.append(embedders.forget_space(tx, space_id))
    return bool(unused), gone


def _runs(ids: Sequence[int]) -> Iterator[range]:
    """Ids in order as ranges without gaps."""
    for _, run in groupby(enumerate(ids), key=lambda at: at[1] - at[0]):
        found = [one for _, one in run]
        yield range(found[0], found[-1] + 1)
