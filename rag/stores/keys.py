"""API keys as stored: what each is good for, and the HMAC of its token. ``key_tokens`` makes and checks."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, insert, or_, select, update
from sqlalchemy.dialects import sqlite

from rag.errors import BadRequest, NotFound
from rag.stores.access import Access, Owner
from rag.stores.database import Database, Tx
from rag.stores.identifiers import new_id
from rag.stores.tables import keys, tenants


class KeyScope(StrEnum):
    """What a key is good for; each includes the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """``collections`` are SQL ids, None for all of the tenant's; ``prefix`` finds it and is no secret.

    Times are seconds since the epoch.
    """

    id: int
    public_id: str
    tenant: int
    tenant_name: str
    name: str
    prefix: str
    hash: bytes
    scope: KeyScope
    collections: frozenset[int] | None
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    last_used_at: float | None

    def is_active(self) -> bool:
        """Whether it opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or time.time() < self.expires_at)

    @property
    def access(self) -> Access:
        own = None if self.collections is None else self.id
        return Access(Owner(self.tenant, own), self.collections)


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is to be good for; as in :class:`Key`."""

    tenant: int
    name: str
    scope: KeyScope
    collections: frozenset[int] | None = None
    expires_at: float | None = None


def insert_key(tx: Tx, new: NewKey, prefix: str, hashed: bytes) -> Key:
    """Raises ``BadRequest`` (``bad_key``): it has expired already, or is to administer a part of a tenant."""
    if new.expires_at is not None and new.expires_at <= time.time():
        raise BadRequest("bad_key", "The key would have expired already; choose a later time.")
    if new.scope is KeyScope.ADMIN and new.collections is not None:
        raise BadRequest(
            "bad_key",
            "An admin key could make itself one for every collection; "
            "leave the collections out or choose the scope write.",
        )
    public_id = new_id("key")
    tx.execute(
        insert(keys).values(
            public_id=public_id,
            tenant_id=new.tenant,
            name=new.name,
            prefix=prefix,
            hash=hashed,
            scope=new.scope,
            collections=None if new.collections is None else sorted(new.collections),
            created_at=time.time(),
            expires_at=new.expires_at,
        )
    )
    return _only(tx, keys.c.public_id == public_id)


class KeysNow:
    """Keys as they are stored at this moment, looked up without waiting, on the event loop as well.

    Nothing is remembered from one request to the next, so that a key that anybody revokes, the command line
    in another process too, opens nothing from then on. All methods raise as ``Database.glance``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def any_created(self) -> bool:
        """As the function of this name."""
        return bool(self._database.glance("SELECT 1 FROM keys LIMIT 1"))

    def by_prefix(self, prefix: str) -> Key | None:
        """The key whose token begins so, whether or not it is still good for anything."""
        return self._by(keys.c.prefix.name, prefix)

    def by_id(self, key_id: int) -> Key | None:
        return self._by(keys.c.id.name, key_id)

    def _by(self, column: str, value: str | int) -> Key | None:
        found = self._database.glance(_statement(column), value)
        return (
            _key({**found[0], "collections": json.loads(found[0]["collections"] or "null")})
            if found
            else None
        )


def by_id(tx: Tx, key_id: int) -> Key:
    return _only(tx, keys.c.id == key_id)


def get(tx: Tx, access: Access, public_id: str) -> Key:
    """Raises ``NotFound`` (``key_not_found``)."""
    return _only(tx, keys.c.public_id == public_id, keys.c.tenant_id == access.tenant)


def all_of(tx: Tx, access: Access) -> Sequence[Key]:
    """The keys of the caller's tenant, newest first, with those that are revoked or have expired."""
    return _select(tx, keys.c.tenant_id == access.tenant)


def revoke(tx: Tx, access: Access, public_id: str) -> Key:
    """Close a key for good; one that is revoked keeps its date. Raises ``NotFound`` as ``get`` does."""
    found = get(tx, access, public_id)
    tx.execute(
        update(keys).where(keys.c.id == found.id, keys.c.revoked_at.is_(None)).values(revoked_at=time.time())
    )
    return get(tx, access, public_id)


def any_created(tx: Tx) -> bool:
    """Whether there ever was a key: from then on the service asks for one, even if the last has expired."""
    return tx.scalar(select(keys.c.id).limit(1)) is not None


def any_active(tx: Tx) -> bool:
    """Whether somebody can use the service with a key now."""
    lasting = or_(keys.c.expires_at.is_(None), keys.c.expires_at > time.time())
    return tx.scalar(select(keys.c.id).where(keys.c.revoked_at.is_(None), lasting).limit(1)) is not None


def note_use(tx: Tx, last_used: Mapping[int, float]) -> None:
    """Enter when keys were last used, by SQL id."""
    for key_id, at in last_used.items():
        tx.execute(update(keys).where(keys.c.id == key_id).values(last_used_at=at))


def _only(tx: Tx, *where: ColumnElement[bool]) -> Key:
    found = _select(tx, *where)
    if not found:
        raise NotFound("key_not_found", "There is no key with this id; list them with GET /v1/keys.")
    return found[0]


def _select(tx: Tx, *where: ColumnElement[bool]) -> list[Key]:
    found = tx.execute(_query().where(*where).order_by(keys.c.id.desc()))
    return [_key(row._mapping) for row in found]


def _query() -> Select[Any]:
    return select(keys, tenants.c.name.label("tenant_name")).join(tenants, tenants.c.id == keys.c.tenant_id)


@cache
def _statement(column: str) -> str:
    """The same in SQLite's words, of one key."""
    return str(_query().where(keys.c[column] == 0).compile(dialect=sqlite.dialect()))


def _key(row: Mapping[Any, Any]) -> Key:
    permitted = row["collections"]
    return Key(
        id=row["id"],
        public_id=row["public_id"],
        tenant=row["tenant_id"],
        tenant_name=row["tenant_name"],
        name=row["name"],
        prefix=row["prefix"],
        hash=row["hash"],
        scope=KeyScope(row["scope"]),
        collections=None if permitted is None else frozenset(permitted),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
