"""``footnote collections``: the commands and their options."""

from __future__ import annotations

import typer

from api.cli.options import Json, Key, Url

collections = typer.Typer(help="Named sets of documents, the unit of asking.", no_args_is_help=True)


@collections.command("list")
def list_collections(as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """All collections, with the number of their documents."""
    from api.cli.connection import connected
    from api.cli.output import print_json

    with connected(url, key) as service:
        found = list(service.collections.list())
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    for one in found:
        print(f"{one.documents:>8,}  {one.name}")


@collections.command("create")
def create_collection(name: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Make an empty collection."""
    from api.cli.connection import connected
    from api.cli.output import print_json

    with connected(url, key) as service:
        made = service.collections.create(name)
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        print(f"Made {made.name}.")


@collections.command("delete")
def delete_collection(name: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Remove an empty collection."""
    from api.cli.connection import connected
    from api.cli.output import print_json

    with connected(url, key) as service:
        service.collections.delete(name)
    if as_json:
        print_json({"deleted": name})
    else:
        print(f"Deleted {name}.")
