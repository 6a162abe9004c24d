"""Keys as callers see and make them. The token itself is in one answer only: that to its making."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from api.schemas import CollectionName, Request
from rag.stores import collections, keys
from rag.stores.access import Access, of_tenant
from rag.stores.database import Tx
from rag.stores.key_tokens import KeyTokens

KeyState = Literal["active", "expired", "revoked"]


class NewKey(Request):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "reading room", "scope": "read", "collections": ["minutes"]}]
        },
    )
    name: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"
        ),
    ]
    scope: Annotated[keys.KeyScope, Field(description="Each includes the ones before it.")]
    collections: Annotated[
        list[CollectionName] | None,
        Field(
            min_length=1,
            max_length=100,
            description="Names of those it is good for; all, also later ones, when left out.",
        ),
    ] = None
    expires_at: Annotated[AwareDatetime | None, Field(description="Never when left out.")] = None


class Key(BaseModel):
    id: str
    name: str
    tenant: str
    prefix: Annotated[str, Field(description="What its token begins with, to recognise it by.")]
    scope: keys.KeyScope
    collections: Annotated[list[str] | None, Field(description="Names; null: all of the tenant's.")]
    state: KeyState
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="To the minute or so.")]


class CreatedKey(BaseModel):
    key: Key
    token: Annotated[str, Field(description="What to send. Shown now and never again.")]


class KeyList(BaseModel):
    data: list[Key]
    next_cursor: None


def create(tx: Tx, tokens: KeyTokens, access: Access, new: NewKey) -> CreatedKey:
    """Make a key for the tenant of ``access``.

    Raises ``NotFound`` for a collection, ``BadRequest`` (``bad_key``) or ``StorageFailed``.
    """
    permitted = None
    if new.collections is not None:
        permitted = frozenset(collections.get(tx, access, name).id for name in new.collections)
    wanted = keys.NewKey(
        tenant=access.tenant,
        name=new.name,
        scope=new.scope,
        collections=permitted,
        expires_at=None if new.expires_at is None else new.expires_at.timestamp(),
    )
    made, token = tokens.create(tx, wanted)
    return CreatedKey(key=shown(tx, made), token=token)


def shown(tx: Tx, stored: keys.Key) -> Key:
    """A key for people: with the names of its collections, as far as they are still there."""
    names = None
    if stored.collections is not None:
        every = collections.all_of(tx, of_tenant(stored.tenant))
        names = [one.name for one in every if one.id in stored.collections]
    return Key(
        id=stored.public_id,
        name=stored.name,
        tenant=stored.tenant_name,
        prefix=f"fn_{stored.prefix}_",
        scope=stored.scope,
        collections=names,
        state=_state(stored),
        created_at=_time(stored.created_at),
        expires_at=_optional(stored.expires_at),
        revoked_at=_optional(stored.revoked_at),
        last_used_at=_optional(stored.last_used_at),
    )


def _state(stored: keys.Key) -> KeyState:
    if stored.revoked_at is not None:
        return "revoked"
    return "active" if stored.is_active() else "expired"


def _optional(seconds: float | None) -> datetime | None:
    return None if seconds is None else _time(seconds)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
