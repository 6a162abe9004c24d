"""``footnote keys`` and ``footnote tenants``: who may use the service, settled on the data folder itself.

Whoever can write the data folder runs the service, so nothing else is asked of them; a service that runs on
the folder sees what was changed at its next request. With ``--url``, keys are settled over REST instead, with
the admin key in ``FOOTNOTE_KEY`` and for its own tenant.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from api import keys
from api.cli.connection import connected, fail
from api.cli.output import print_fields, print_json
from api.folder_lock import FolderLock
from api.settings import load
from rag.errors import Conflict, FootnoteError, NotFound
from rag.stores import keys as stored
from rag.stores import log_damage, schema, tenants
from rag.stores.access import Access, of_tenant
from rag.stores.database import Database, Tx
from rag.stores.key_tokens import KeyTokens

_ONCE = "Keep the token now: it is not shown again."


@dataclass(frozen=True, slots=True)
class Place:
    """Where keys are settled: over REST at ``url``, or in a data folder for a tenant."""

    data: Path | None
    tenant: str
    url: str | None


def create(
    place: Place, name: str, scope: str, collections: Sequence[str] | None, days: int | None, as_json: bool
) -> None:
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    asked = {"name": name, "scope": scope, "collections": collections, "expires_at": expires}
    try:
        new = keys.NewKey.model_validate(asked)
    except ValidationError as error:
        problem = error.errors()[0]
        fail(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}")
    if place.url is not None:
        with connected(place.url) as service:
            made = service.call("POST", "/v1/keys", json=new.model_dump(mode="json"))
    else:
        with _folder(place) as (tx, access, tokens):
            made = keys.create(tx, tokens, access, new).model_dump(mode="json")
    if as_json:
        print_json(made)
        return
    _print(made["key"])
    print_fields({"token": made["token"]})
    print(_ONCE)


def list_all(place: Place, as_json: bool) -> None:
    if place.url is not None:
        with connected(place.url) as service:
            found = service.call("GET", "/v1/keys")["data"]
    else:
        with _folder(place) as (tx, access, _):
            every = stored.all_of(tx, access)
            found = [keys.shown(tx, one).model_dump(mode="json") for one in every]
    if as_json:
        print_json(found)
        return
    for key in found:
        where = "all collections" if key["collections"] is None else ", ".join(key["collections"]) or "none"
        print(f"{key['id']}  {key['state']:<8}{key['scope']:<7}{key['prefix']}  {key['name']} ({where})")


def revoke(place: Place, key_id: str, as_json: bool) -> None:
    if place.url is not None:
        with connected(place.url) as service:
            gone = service.call("DELETE", f"/v1/keys/{key_id}")
    else:
        with _folder(place) as (tx, access, _):
            gone = keys.shown(tx, stored.revoke(tx, access, key_id)).model_dump(mode="json")
    if as_json:
        print_json(gone)
    else:
        _print(gone)


def create_tenant(data: Path | None, name: str, as_json: bool = False) -> None:
    if not name.strip() or len(name) > 100 or not name.isprintable():
        fail("A tenant's name has 1 to 100 printable characters.")
    with _folder(Place(data, tenants.DEFAULT, None)) as (tx, _, _):
        tenants.create(tx, name.strip())
    if as_json:
        print_json({"name": name.strip()})
        return
    print(f"Made. Its first key: footnote keys create NAME --scope admin --tenant {name.strip()!r}")


def list_tenants(data: Path | None, as_json: bool) -> None:
    with _folder(Place(data, tenants.DEFAULT, None)) as (tx, _, _):
        found = [one.name for one in tenants.all_of(tx)]
    if as_json:
        print_json(found)
    else:
        print("\n".join(found))


@contextmanager
def _folder(place: Place) -> Iterator[tuple[Tx, Access, KeyTokens]]:
    """A transaction on the data folder, which is made when missing, and the access of the tenant.

    What goes wrong is printed in one line and ends the program with status 1.
    """
    try:
        settings = load(os.environ, {"data": place.data})
        settings.data.mkdir(parents=True, exist_ok=True)
        database = Database(settings.database_path)
        try:
            _bring_up_to_date(settings.data, database)
            with database.write() as tx:
                yield tx, of_tenant(tenants.get(tx, place.tenant).id), KeyTokens(settings.data)
        finally:
            database.close()
    except FootnoteError as error:
        fail(_for_the_command_line(error))


def _bring_up_to_date(data: Path, database: Database) -> None:
    """Unless a service has the folder: then it has done so itself."""
    lock = FolderLock(data)
    try:
        lock.acquire()
    except Conflict:
        return
    try:
        log_damage.look(database.path)
        schema.upgrade(database)
    finally:
        lock.release()


def _for_the_command_line(error: FootnoteError) -> str:
    if isinstance(error, NotFound) and error.code == "key_not_found":
        return "There is no key with this id in this tenant; list them with footnote keys list."
    return error.detail


def _print(key: Mapping[str, Any]) -> None:
    print_fields({name: value for name, value in key.items() if name != "prefix"})
