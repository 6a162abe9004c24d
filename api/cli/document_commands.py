"""``footnote docs``: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import Json, Key, Url

docs = typer.Typer(help="List, show and delete documents.", no_args_is_help=True)


@docs.command("list")
def list_documents(
    collection: Annotated[str | None, typer.Option("--collection", "-c")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """All documents, newest first."""
    from api.cli import documents
    from api.cli.connection import connected

    with connected(url, key) as service:
        documents.list_all(service, collection, as_json)


@docs.command("show")
def show_document(document_id: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Everything known about a document."""
    from api.cli import documents
    from api.cli.connection import connected

    with connected(url, key) as service:
        documents.show(service, document_id, as_json)


@docs.command("delete")
def delete_document(document_id: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Remove a document for good."""
    from api.cli import documents
    from api.cli.connection import connected

    with connected(url, key) as service:
        documents.delete(service, document_id, as_json)


@docs.command("versions")
def list_versions(document_id: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Every version of a document, newest first."""
    from api.cli import documents
    from api.cli.connection import connected

    with connected(url, key) as service:
        documents.versions(service, document_id, as_json)
