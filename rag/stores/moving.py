"""Documents that change their collection, with what was found in them. What is searched stays searched."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, update

from rag.records import DocumentState
from rag.stores import near_duplicates
from rag.stores.collections import Collection
from rag.stores.database import Tx
from rag.stores.document_catalog import Document
from rag.stores.tables import chunks, documents, versions


@dataclass(frozen=True, slots=True)
class Held:
    """How many documents are in a state, and the bytes of their newest files."""

    documents: int
    size: int


def held_by(tx: Tx, collection: Collection) -> Mapping[DocumentState, Held]:
    """What is in a collection, by the state of the newest versions."""
    rows = tx.execute(
        select(versions.c.state, func.count(), func.sum(versions.c.size))
        .join(documents, documents.c.id == versions.c.document_id)
        .where(versions.c.number == documents.c.latest_version, documents.c.collection_id == collection.id)
        .group_by(versions.c.state)
    )
    return {DocumentState(state): Held(count, size) for state, count, size in rows}


def move(tx: Tx, document: Document, to: Collection) -> None:
    """Move a document and what was found in it, at any depth.

    Its ``source`` is forgotten: that is a path in the folder which the old collection stands for.
    """
    _move(tx, [document.id], to)


def move_all(tx: Tx, collection: Collection, to: Collection) -> None:
    """Move everything out of a collection."""
    outermost = select(documents.c.id).where(
        documents.c.collection_id == collection.id, documents.c.parent_id.is_(None)
    )
    _move(tx, tx.scalars(outermost).all(), to)


def _move(tx: Tx, roots: Iterable[int], to: Collection) -> None:
    for root in roots:
        inside = select(documents.c.id).where(documents.c.id == root).cte(recursive=True)
        below = select(documents.c.id).join(inside, documents.c.parent_id == inside.c.id)
        family = select(inside.union_all(below).c.id)
        near_duplicates.move(tx, family, to)
        read = select(versions.c.id).where(versions.c.document_id.in_(family))
        tx.execute(update(chunks).where(chunks.c.version_id.in_(read)).values(collection_id=to.id))
        tx.execute(
            update(documents)
            .where(documents.c.id.in_(family))
            .values(collection_id=to.id, source=None, updated_at=time.time())
        )
