# Made by scripts/make_client.py from api/client/aio/library.py; change that one.
"""Collections, conversations and keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from api.client.blocking.wire import Wire, given, parsed
from api.client.records import Collection, Conversation, ConversationTurn, CreatedKey, Key, KeyScopeName


class Collections:
    """``client.collections``: named sets of documents."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(self) -> Iterator[Collection]:
        """All that the caller may read, by name."""
        return self._wire.pages(Collection, "/v1/collections")

    def get(self, name: str) -> Collection:
        """One, by name or id."""
        return self._wire.get(Collection, f"/v1/collections/{name}")

    def create(self, name: str) -> Collection:
        return self._wire.post(Collection, "/v1/collections", json={"name": name})

    def delete(self, name: str) -> None:
        """Remove an empty collection."""
        self._wire.call("DELETE", f"/v1/collections/{name}")


class Conversations:
    """``client.conversations``: names under which questions follow up each other."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(self, *, containing: str | None = None) -> Iterator[Conversation]:
        """The one asked in last first."""
        return self._wire.pages(Conversation, "/v1/conversations", q=containing)

    def turns(self, name: str) -> Sequence[ConversationTurn]:
        """What was asked and answered, oldest first."""
        page = self._wire.call("GET", f"/v1/conversations/{name}")
        return [parsed(ConversationTurn, turn) for turn in page["data"]]

    def delete(self, name: str, *, answers: bool = False) -> None:
        """Forget what was asked under a name, with ``answers`` also the receipts of its answers."""
        self._wire.call("DELETE", f"/v1/conversations/{name}", params={"answers": answers})


class Keys:
    """``client.keys``: needs a key with the scope ``admin`` where there are keys."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(self) -> Iterator[Key]:
        """All of the tenant, newest first, with those that are revoked or have expired."""
        return self._wire.pages(Key, "/v1/keys")

    def create(
        self,
        name: str,
        scope: KeyScopeName,
        *,
        collections: Sequence[str] | None = None,
        expires_at: datetime | None = None,
    ) -> CreatedKey:
        """Make a key. Its token is in this answer and never again."""
        until = None if expires_at is None else expires_at.isoformat()
        wanted = given({"name": name, "scope": scope, "collections": collections, "expires_at": until})
        return self._wire.post(CreatedKey, "/v1/keys", json=wanted)

    def revoke(self, key_id: str) -> Key:
        """Revoke a key for good."""
        return parsed(Key, self._wire.call("DELETE", f"/v1/keys/{key_id}"))
