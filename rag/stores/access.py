"""Who may see what: the one argument that every function takes which resolves an id or lists things.

There is no way to ask the stores for a thing by its public id without saying for whom. What is another's is
not found, exactly as what never was: neither the error nor its wording tells the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, select

from rag.stores.database import Tx, fetch
from rag.stores.tables import collections, documents

_OTHERS = "SELECT 1 FROM collections WHERE tenant_id != ? LIMIT 1"

DEFAULT_TENANT = 1
"""Its id; the migration that brought tenants gave it everything that was there."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an answer or a conversation is: a tenant's, and a single key's where that key is good for some
    collections only. What such a key asked may be read by the whole tenant, but not the other way round:
    the tenant's other answers may quote what the key may not see."""

    tenant: int
    key: int | None = None

    def owns(self, table: Table) -> ColumnElement[bool]:
        """Whether a row of ``answers``, ``conversation_turns`` or ``deleted_answers`` is for these eyes."""
        mine = table.c.tenant_id == self.tenant
        return mine if self.key is None else and_(mine, table.c.key_id == self.key)

    def columns(self) -> dict[str, int | None]:
        """For a row that is to be theirs."""
        return {"tenant_id": self.tenant, "key_id": self.key}


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may look at: their tenant's collections, or only those of the given SQL ids."""

    owner: Owner
    collections: frozenset[int] | None = None

    @property
    def tenant(self) -> int:
        return self.owner.tenant

    def to_collection(self) -> ColumnElement[bool]:
        """Whether a row of ``collections`` is among them."""
        mine = collections.c.tenant_id == self.tenant
        return (
            mine if self.collections is None else and_(mine, collections.c.id.in_(sorted(self.collections)))
        )

    def covers(self, collection_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a column with the SQL id of a collection names one of them."""
        return collection_id.in_(self.collection_ids())

    def collection_ids(self) -> Select[tuple[int]]:
        """A sub-select of the SQL ids of the collections."""
        return select(collections.c.id).where(self.to_collection())


LOCAL = Access(Owner(DEFAULT_TENANT))
"""Everything of the default tenant: the one person on this machine, and programs that use the library."""


def of_tenant(tenant: int) -> Access:
    """Everything of a tenant."""
    return Access(Owner(tenant))


def tenant_of(tx: Tx, document_id: int) -> Access:
    """Everything of the tenant that a document belongs to."""
    tenant = tx.scalar(
        select(collections.c.tenant_id)
        .join(documents, documents.c.collection_id == collections.c.id)
        .where(documents.c.id == document_id)
    )
    assert tenant is not None
    return of_tenant(tenant)


def is_everything(tx: Tx, access: Access) -> bool:
    """Whether there is nothing that ``access`` leaves out, so that nothing needs to be filtered."""
    if access.collections is not None:
        return False
    return not fetch(tx, _OTHERS, access.tenant)
