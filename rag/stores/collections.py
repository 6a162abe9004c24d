"""Collections: named sets of documents, the unit of asking and (later) of rights."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, insert, select

from rag.errors import Conflict, NotFound
from rag.stores.database import Tx
from rag.stores.identifiers import new_id
from rag.stores.tables import collections, documents

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Collection:
    id: int
    public_id: str
    name: str
    created_at: float


def ensure_default(tx: Tx) -> None:
    """Make sure the collection everything goes to without another name exists."""
    if tx.scalar(select(collections.c.id).where(collections.c.name == DEFAULT)) is None:
        _insert(tx, DEFAULT)


def create(tx: Tx, name: str) -> Collection:
    """Raises ``Conflict`` (``collection_exists``)."""
    if tx.scalar(select(collections.c.id).where(collections.c.name == name)) is not None:
        raise Conflict(
            "collection_exists", f"There is a collection {name!r} already; use it or choose another name."
        )
    _insert(tx, name)
    return get(tx, name)


def get(tx: Tx, name: str) -> Collection:
    """The collection with this name or public id. Raises ``NotFound`` (``collection_not_found``)."""
    found = _select(tx, (collections.c.name == name) | (collections.c.public_id == name))
    if not found:
        raise NotFound(
            "collection_not_found",
            f"There is no collection {name!r}; create it with POST /v1/collections or choose another.",
        )
    return found[0]


def all_of(tx: Tx) -> Sequence[Collection]:
    """Every collection, by name."""
    return _select(tx)


def remove(tx: Tx, collection: Collection) -> None:
    """Raises ``Conflict`` (``collection_not_empty``, ``collection_is_default``)."""
    if collection.name == DEFAULT:
        raise Conflict("collection_is_default", "The default collection cannot be deleted; empty it instead.")
    held = count_documents(tx, collection)
    if held:
        raise Conflict(
            "collection_not_empty", f"{collection.name!r} still holds {held} documents; delete them first."
        )
    tx.execute(delete(collections).where(collections.c.id == collection.id))


def _insert(tx: Tx, name: str) -> None:
    tx.execute(insert(collections).values(public_id=new_id("col"), name=name, created_at=time.time()))


def count_documents(tx: Tx, collection: Collection) -> int:
    """How many documents a collection holds. Counts them: not for every upload."""
    query = select(func.count()).select_from(documents).where(documents.c.collection_id == collection.id)
    return tx.scalar(query) or 0


def _select(tx: Tx, *where: ColumnElement[bool]) -> list[Collection]:
    query = select(collections.c.id, collections.c.public_id, collections.c.name, collections.c.created_at)
    rows = tx.execute(query.where(*where).order_by(collections.c.name))
    return [Collection(*row) for row in rows]
