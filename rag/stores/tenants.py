"""Tenants: groups of people who see nothing of each other. Entered by whoever has the data folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, insert, select

from rag.errors import Conflict, NotFound
from rag.stores import collections
from rag.stores.database import Tx
from rag.stores.tables import tenants

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Tenant:
    id: int
    name: str
    created_at: float


def create(tx: Tx, name: str) -> Tenant:
    """A tenant with an empty default collection. Raises ``Conflict`` (``tenant_exists``)."""
    if _select(tx, tenants.c.name == name):
        raise Conflict("tenant_exists", f"There is a tenant {name!r} already; choose another name.")
    tx.execute(insert(tenants).values(name=name, created_at=time.time()))
    tenant = get(tx, name)
    collections.ensure_default(tx, tenant.id)
    return tenant


def get(tx: Tx, name: str) -> Tenant:
    """Raises ``NotFound`` (``tenant_not_found``)."""
    found = _select(tx, tenants.c.name == name)
    if not found:
        raise NotFound(
            "tenant_not_found", f"There is no tenant {name!r}; create it with footnote tenants create."
        )
    return found[0]


def all_of(tx: Tx) -> Sequence[Tenant]:
    """Every tenant, by name: for the operator, who has the data folder anyhow."""
    return _select(tx)


def _select(tx: Tx, *where: ColumnElement[bool]) -> list[Tenant]:
    query = select(tenants.c.id, tenants.c.name, tenants.c.created_at)
    return [Tenant(*row) for row in tx.execute(query.where(*where).order_by(tenants.c.name))]
