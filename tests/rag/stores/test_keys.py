from __future__ import annotations

import stat
import threading
import time
from pathlib import Path

import pysqlite3
import pytest

from rag.errors import BadRequest, Conflict, NotFound, StorageFailed
from rag.stores import collections, keys, tenants
from rag.stores.access import LOCAL, of_tenant
from rag.stores.database import Database
from rag.stores.key_tokens import SECRET_NAME, KeyTokens
from rag.stores.keys import Key, KeyScope, KeysNow, NewKey


@pytest.fixture
def tokens(tmp_path: Path) -> KeyTokens:
    return KeyTokens(tmp_path)


def made(database: Database, tokens: KeyTokens, **wanted: object) -> tuple[Key, str]:
    values = {"tenant": 1, "name": "reader", "scope": KeyScope.READ, **wanted}
    with database.write() as tx:
        return tokens.create(tx, NewKey(**values))  # type: ignore[arg-type]  # values of the record's fields


def holder(database: Database, tokens: KeyTokens, token: str) -> Key | None:
    return tokens.holder(KeysNow(database), token)


def test_a_token_finds_its_key_and_no_other_does(database: Database, tokens: KeyTokens) -> None:
    (first, token), (second, other) = made(database, tokens), made(database, tokens)
    assert holder(database, tokens, token) == first
    assert holder(database, tokens, other) == second
    swapped = f"fn_{first.prefix}_{other.split('_', 2)[2]}"
    for wrong in (swapped, token[:-1], token + "A", token.upper(), "", "fn__", f"{token}\n", "ünïcode"):
        assert holder(database, tokens, wrong) is None


def test_of_a_token_nothing_is_stored_but_its_hmac(database: Database, tokens: KeyTokens) -> None:
    key, token = made(database, tokens)
    secret_part = token.split("_", 2)[2]
    assert len(key.hash) == 32
    for path in database.path.parent.rglob("*"):
        if path.is_file():
            assert secret_part.encode() not in path.read_bytes(), path
    assert made(database, tokens)[1] != token


def test_the_secret_is_the_owners_alone_and_made_once(tmp_path: Path, database: Database) -> None:
    tokens = KeyTokens(tmp_path)
    _, token = made(database, tokens)
    path = tmp_path / SECRET_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
    assert holder(database, KeyTokens(tmp_path), token) is not None


def test_many_that_make_the_first_key_share_one_secret(tmp_path: Path, database: Database) -> None:
    issued: list[str] = []
    threads = [
        threading.Thread(target=lambda: issued.append(made(database, KeyTokens(tmp_path))[1]))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(holder(database, KeyTokens(tmp_path), token) for token in issued)
    assert len(issued) == 6


@pytest.mark.parametrize("left", [None, b"", b"short"])
def test_without_the_secret_no_key_opens_and_none_is_made(
    tmp_path: Path, database: Database, tokens: KeyTokens, left: bytes | None
) -> None:
    _, token = made(database, tokens)
    path = tmp_path / SECRET_NAME
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    with pytest.raises(StorageFailed) as caught:
        holder(database, tokens, token)
    assert caught.value.code == "key_secret_missing"


def test_revoked_and_expired_keys_open_nothing(database: Database, tokens: KeyTokens) -> None:
    (revoked, one), (expired, two) = made(database, tokens), made(database, tokens)
    with database.write() as tx:
        assert keys.any_active(tx)
        at = keys.revoke(tx, LOCAL, revoked.public_id).revoked_at
        assert at is not None
        assert keys.revoke(tx, LOCAL, revoked.public_id).revoked_at == at
        tx.exec_driver_sql("UPDATE keys SET expires_at = 1 WHERE id = ?", (expired.id,))
        assert (keys.any_active(tx), keys.any_created(tx)) == (False, True)
    assert (holder(database, tokens, one), holder(database, tokens, two)) == (None, None)


def test_a_key_is_revoked_by_another_process_at_once(database: Database, tokens: KeyTokens) -> None:
    key, token = made(database, tokens)
    assert holder(database, tokens, token) == key
    with pysqlite3.connect(database.path, isolation_level=None) as elsewhere:
        elsewhere.execute("UPDATE keys SET revoked_at = 1 WHERE id = ?", (key.id,))
        assert holder(database, tokens, token) is None
    elsewhere.close()


def test_what_is_looked_up_at_once_is_what_a_transaction_reads(database: Database, tokens: KeyTokens) -> None:
    stored = KeysNow(database)
    assert not stored.any_created()
    expiring = time.time() + 100
    for wanted in ({}, {"collections": frozenset({3, 1})}, {"scope": KeyScope.ADMIN, "expires_at": expiring}):
        key, _ = made(database, tokens, **wanted)
        with database.read() as tx:
            assert keys.by_id(tx, key.id) == stored.by_id(key.id) == stored.by_prefix(key.prefix) == key
    assert stored.any_created()
    assert (stored.by_id(99), stored.by_prefix("nobody' OR '1")) == (None, None)


@pytest.mark.parametrize(
    "wanted",
    [{"expires_at": 1.0}, {"scope": KeyScope.ADMIN, "collections": frozenset({1})}],
)
def test_keys_that_make_no_sense_are_refused(
    database: Database, tokens: KeyTokens, wanted: dict[str, object]
) -> None:
    with pytest.raises(BadRequest) as caught:
        made(database, tokens, **wanted)
    assert caught.value.code == "bad_key"


def test_a_key_for_collections_is_good_for_those_and_answers_of_its_own(
    database: Database, tokens: KeyTokens
) -> None:
    key, _ = made(database, tokens, collections=frozenset({1}))
    assert key.access.collections == frozenset({1})
    assert key.access.owner.key == key.id
    whole, _ = made(database, tokens)
    assert whole.access == LOCAL


def test_keys_of_another_tenant_are_not_found(database: Database, tokens: KeyTokens) -> None:
    with database.write() as tx:
        acme = of_tenant(tenants.create(tx, "acme").id)
    key, _ = made(database, tokens, tenant=acme.tenant)
    with database.write() as tx:
        assert [one.id for one in keys.all_of(tx, acme)] == [key.id]
        assert keys.all_of(tx, LOCAL) == []
        for act in (keys.get, keys.revoke):
            with pytest.raises(NotFound) as caught:
                act(tx, LOCAL, key.public_id)
            assert caught.value.code == "key_not_found"


def test_tenants_have_names_of_their_own_and_collections_of_the_same_name(database: Database) -> None:
    with database.write() as tx:
        acme = tenants.create(tx, "acme")
        assert [one.name for one in tenants.all_of(tx)] == ["acme", "default"]
        assert [one.name for one in collections.all_of(tx, of_tenant(acme.id))] == ["default"]
        mine, theirs = (collections.get(tx, one, "default") for one in (LOCAL, of_tenant(acme.id)))
        assert mine.id != theirs.id
        with pytest.raises(NotFound):
            collections.get(tx, LOCAL, theirs.public_id)
        with pytest.raises(Conflict):
            tenants.create(tx, "acme")
        with pytest.raises(NotFound):
            tenants.get(tx, "nobody")
