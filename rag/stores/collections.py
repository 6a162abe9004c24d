"""Collections: named sets of documents, the unit of asking and of rights."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, insert, select

from rag.errors import Conflict, Forbidden, NotFound
from rag.stores.access import Access
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
    tenant: int


def ensure_default(tx: Tx, tenant: int) -> None:
    """Make sure the collection everything of a tenant goes to without another name exists."""
    if not _select(tx, collections.c.tenant_id == tenant, collections.c.name == DEFAULT):
        _insert(tx, tenant, DEFAULT)


def create(tx: Tx, access: Access, name: str) -> Collection:
    """Raises ``Conflict`` (``collection_exists``), or ``Forbidden`` (``right_missing``) for whoever may see
    some collections only: the new one would not be among them."""
    if access.collections is not None:
        raise Forbidden(
            "right_missing",
            "This key is good for some collections only; use one that is good for all of them.",
        )
    if _select(tx, collections.c.tenant_id == access.tenant, collections.c.name == name):
        raise Conflict(
            "collection_exists", f"There is a collection {name!r} already; use it or choose another name."
        )
    _insert(tx, access.tenant, name)
    return get(tx, access, name)


def get(tx: Tx, access: Access, name: str) -> Collection:
    """The collection with this name or public id. Raises ``NotFound`` (``collection_not_found``)."""
    found = _select(
        tx, access.to_collection(), (collections.c.name == name) | (collections.c.public_id == name)
    )
    if not found:
        raise NotFound(
            "collection_not_found",
            f"There is no collection {name!r}; create it with POST /v1/collections or choose another.",
        )
    return found[0]


def all_of(tx: Tx, access: Access) -> Sequence[Collection]:
    """Every collection that may be seen, by name."""
    return _select(tx, access.to_collection())


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


def _insert(tx: Tx, tenant: int, name: str) -> None:
    values = {"public_id": new_id("col"), "tenant_id": tenant, "name": name, "created_at": time.time()}
    tx.execute(insert(collections).values(values))


def count_documents(tx: Tx, collection: Collection) -> int:
    """How many documents a collection holds. Counts them: not for every upload."""
    query = select(func.count()).select_from(documents).where(documents.c.collection_id == collection.id)
    return tx.scalar(query) or 0


def _select(tx: Tx, *where: ColumnElement[bool]) -> list[Collection]:
    query = select(
        collections.c.id,
        collections.c.public_id,
        collections.c.name,
        collections.c.created_at,
        collections.c.tenant_id,
    )
    rows = tx.execute(query.where(*where).order_by(collections.c.name))
    return [Collection(*row) for row in rows]
