"""Better vectors for what can be searched already: the transformer's in place of the student's.

Nothing is queued for it. What is left to do is what a version says of itself (``READY`` rather than
``REFINED``, and how many of its chunks are done), so there is nothing to lose when a worker dies.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, update

from rag.records import DocumentState
from rag.stores import chunk_store, embedders
from rag.stores.database import Tx
from rag.stores.tables import documents, versions

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Unrefined:
    """The next chunks of a version, whose ids are ``first`` and following; context and text of each."""

    version_id: int
    first: int
    done: int
    texts: Sequence[tuple[str, str]]

    @property
    def chunk_ids(self) -> range:
        return range(self.first, self.first + len(self.texts))


def next_unrefined(tx: Tx, limit: int) -> Unrefined | None:
    """Up to ``limit`` chunks that wait for their better vectors, of the version that has waited longest."""
    version = tx.execute(
        select(versions.c.id, versions.c.first_chunk, versions.c.last_chunk, versions.c.refined_chunks)
        .join(documents, documents.c.live_version_id == versions.c.id)
        .where(versions.c.state == DocumentState.READY, versions.c.first_chunk.is_not(None))
        .order_by(versions.c.id)
        .limit(1)
    ).first()
    if version is None:
        return None
    first = version.first_chunk + version.refined_chunks
    last = min(version.last_chunk, first + limit - 1)
    said = chunk_store.said(tx, range(first, last + 1))
    return Unrefined(
        version.id, first, version.refined_chunks, [(context, body) for _, context, body in said]
    )


def refine(
    tx: Tx, batch: Unrefined, refined: Vectors, *, student_space: int, teacher_space: int
) -> DocumentState | None:
    """Exchange the vectors of a batch; returns the version's state afterwards.

    None if somebody else was faster or the version is no longer searched: then nothing was changed.
    Raises ``Unavailable`` (``bad_embedding``).
    """
    done = batch.done + len(batch.texts)
    last_chunk = tx.scalar(
        update(versions)
        .where(
            versions.c.id == batch.version_id,
            versions.c.state == DocumentState.READY,
            versions.c.refined_chunks == batch.done,
            versions.c.first_chunk == batch.first - batch.done,
        )
        .values(refined_chunks=done)
        .returning(versions.c.last_chunk)
    )
    if last_chunk is None:
        return None
    # Also those of a student that was distilled anew since.
    for student in sorted({student_space, *embedders.family(tx, teacher_space)} - {teacher_space}):
        chunk_store.remove_vectors(tx, student, batch.chunk_ids)
    chunk_store.insert_vectors(tx, teacher_space, batch.chunk_ids, refined)
    if batch.chunk_ids[-1] < last_chunk:
        return DocumentState.READY
    tx.execute(
        update(versions)
        .where(versions.c.id == batch.version_id)
        .values(state=DocumentState.REFINED, refined_at=time.time())
    )
    return DocumentState.REFINED
