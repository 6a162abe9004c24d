"""The commands that settle which embedder serves a library, and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import Json, Key, Url

embedder = typer.Typer(
    help="Look at which embedding model serves the library, and go over to another.", no_args_is_help=True
)


@embedder.command("status")
def show_embedder(as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Which model serves, which one the settings name, and how far a migration is."""
    from api.cli import embedder as settling
    from api.cli.connection import connected

    with connected(url, key) as service:
        settling.status(service, as_json)


@embedder.command("migrate")
def migrate_embedder(
    force: Annotated[
        bool, typer.Option("--force", help="Go over even if the new model finds clearly less.")
    ] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait until it serves.")] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Go over to the model that the service was started with. Exits with 1 when that was refused."""
    from api.cli import embedder as settling
    from api.cli.connection import connected

    with connected(url, key) as service:
        code = settling.migrate(service, force=force, wait=not no_wait, as_json=as_json)
    raise typer.Exit(code)


@embedder.command("back")
def go_back(
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait until it serves.")] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Give up a migration, or go back to the model that served before."""
    from api.cli import embedder as settling
    from api.cli.connection import connected

    with connected(url, key) as service:
        code = settling.back(service, wait=not no_wait, as_json=as_json)
    raise typer.Exit(code)


@embedder.command("finish")
def finish_embedder(as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Delete the vectors of the model that served before: there is no way back then."""
    from api.cli import embedder as settling
    from api.cli.connection import connected

    with connected(url, key) as service:
        settling.finish(service, as_json)
