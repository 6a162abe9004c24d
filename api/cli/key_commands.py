"""The commands that settle who may use the service, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

keys = typer.Typer(help="Make, list and revoke keys.", no_args_is_help=True)
tenants = typer.Typer(help="Groups of people who see nothing of each other.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Data = Annotated[Path | None, typer.Option(help="The data folder.")]
Tenant = Annotated[str, typer.Option(help="Whose keys. With --url, those of the key in FOOTNOTE_KEY.")]
RestUrl = Annotated[
    str | None, typer.Option("--url", help="Go through the service at this address, not to the data folder.")
]


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Who or what it is for.")],
    scope: Annotated[str, typer.Option(help="read, write or admin; each includes the ones before it.")],
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", "-c", help="Good for this one only; may be repeated."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Expires after so many days.")] = None,
    tenant: Tenant = "default",
    data: Data = None,
    as_json: Json = False,
    url: RestUrl = None,
) -> None:
    """Make a key and show its token, once. With the first one, everybody needs one."""
    from api.cli import keys as settling

    settling.create(settling.Place(data, tenant, url), name, scope, collection or None, days, as_json)


@keys.command("list")
def list_keys(
    tenant: Tenant = "default", data: Data = None, as_json: Json = False, url: RestUrl = None
) -> None:
    """All keys of a tenant, newest first, with those that are revoked or have expired."""
    from api.cli import keys as settling

    settling.list_all(settling.Place(data, tenant, url), as_json)


@keys.command("revoke")
def revoke_key(
    key_id: str, tenant: Tenant = "default", data: Data = None, as_json: Json = False, url: RestUrl = None
) -> None:
    """Revoke a key for good: its next request is refused, and its running answers end in seconds."""
    from api.cli import keys as settling

    settling.revoke(settling.Place(data, tenant, url), key_id, as_json)


@tenants.command("create")
def create_tenant(name: str, data: Data = None, as_json: Json = False) -> None:
    """Make a tenant, with an empty collection called default."""
    from api.cli import keys as settling

    settling.create_tenant(data, name, as_json)


@tenants.command("list")
def list_tenants(data: Data = None, as_json: Json = False) -> None:
    """The names of all tenants."""
    from api.cli import keys as settling

    settling.list_tenants(data, as_json)
