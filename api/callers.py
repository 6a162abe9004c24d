"""Who calls: told from the key that came with the request, or from its absence on this machine."""

from __future__ import annotations

import ipaddress
import threading
import time
from dataclasses import dataclass

from api.rights import Need, Right
from rag.errors import Conflict, Unauthenticated
from rag.stores import keys
from rag.stores.access import DEFAULT_TENANT, LOCAL, Access
from rag.stores.database import Database
from rag.stores.key_tokens import KeyTokens

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """``key`` is its public id, ``local`` for the one person without keys; ``key_id`` its SQL id."""

    key: str
    right: Right
    access: Access
    key_id: int | None = None

    def may(self, need: Need) -> bool:
        runs_it = self.access.tenant == DEFAULT_TENANT and self.access.collections is None
        return self.right.includes(need.right) and (runs_it or not need.operator)


LOCAL_CALLER = Caller("local", Right.ADMIN, LOCAL)


class Callers:
    """Looks callers up. Safe to use from many threads; every method reads the database, ``identify`` and
    ``still_valid`` in a few dozen microseconds and without waiting, on the event loop.

    Args:
        alone: whether only programs of this machine reach the service. They need no key until one is made.
    """

    def __init__(self, database: Database, tokens: KeyTokens, *, alone: bool) -> None:
        self._database = database
        self._stored = keys.KeysNow(database)
        self._tokens = tokens
        self._alone = alone
        self._last_used: dict[int, float] = {}
        self._lock = threading.Lock()

    def require_a_key(self) -> None:
        """What must hold at the start.

        Raises ``Conflict`` (``key_required``) where others reach the service and none is active,
        ``StorageFailed`` (``key_secret_missing``) where keys cannot be checked."""
        with self._database.read() as tx:
            if keys.any_created(tx):
                self._tokens.secret()
            if not self._alone and not keys.any_active(tx):
                raise Conflict(
                    "key_required",
                    "Others can reach this address and no key is active; "
                    "make one with footnote keys create, or set FOOTNOTE_HOST to 127.0.0.1.",
                )

    def identify(self, authorization: list[str]) -> Caller:
        """Who sent these ``Authorization`` headers.

        Raises ``Unauthenticated``: ``key_missing``, or ``key_invalid`` for whatever opens nothing (never said
        is whether it is unknown, revoked or expired); ``Busy`` where it would have to wait.
        """
        if self._alone and not self._stored.any_created():
            return LOCAL_CALLER  # whatever was sent along: OpenAI's clients cannot go without a key
        if not authorization:
            raise Unauthenticated("key_missing", "Send a key: Authorization: Bearer fn_… .")
        token = authorization[0][len(_SCHEME) :].strip()
        is_bearer = len(authorization) == 1 and authorization[0].lower().startswith(_SCHEME)
        key = self._tokens.holder(self._stored, token) if is_bearer else None
        if key is None:
            raise invalid_key()
        with self._lock:
            self._last_used[key.id] = time.time()
        return Caller(key.public_id, Right(key.scope.value), key.access, key.id)

    def still_valid(self, caller: Caller) -> bool:
        """Whether a caller who was let in would still be. Raises ``Busy`` where it would have to wait."""
        if caller.key_id is None:
            return True
        key = self._stored.by_id(caller.key_id)
        return key is not None and key.is_active()

    def enter_uses(self) -> None:
        """Write down when keys were last used: now and then, since every request uses one."""
        with self._lock:
            used, self._last_used = self._last_used, {}
        if used:
            with self._database.write() as tx:
                keys.note_use(tx, used)


def invalid_key() -> Unauthenticated:
    return Unauthenticated(
        "key_invalid", "This key opens nothing: it is unknown, revoked or expired. Ask for another."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
