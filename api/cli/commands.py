"""The commands and their options. What they do is imported when they run: ``--help`` loads nothing heavy.

Exit status: 0 done, 1 something failed, 2 wrong usage, 3 the answer is not in the documents.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Ask your own documents and get answers in which every sentence is cited.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
docs = typer.Typer(help="List, show and delete documents.", no_args_is_help=True)
app.add_typer(docs, name="docs")

Url = Annotated[
    str | None, typer.Option(help="Address of the service; by default the configured host and port.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", "-c", help="Look only here; may be repeated.")
]


@app.command()
def serve(
    data: Annotated[Path | None, typer.Option(help="The data folder.")] = None,
    host: Annotated[str | None, typer.Option(help="A loopback address.")] = None,
    port: Annotated[int | None, typer.Option(help="0 takes a free port.")] = None,
) -> None:
    """Run the service until it is interrupted."""
    from api.cli import serving

    raise typer.Exit(serving.serve({"data": data, "host": host, "port": port}))


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files, or folders with files.")],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Where to put them.")] = "default",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Upload documents and wait until they can be searched."""
    from api.cli import adding
    from api.cli.connection import connected

    with connected(url) as service:
        status = adding.add(service, paths, collection, as_json)
    raise typer.Exit(status)


@app.command()
def ask(
    question: str,
    collection: Collections = None,
    mode: Annotated[str, typer.Option(help="auto, answer or quote.")] = "auto",
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Answer a question, with footnotes. Exits with 3 when the documents do not hold the answer."""
    from api.cli import asking
    from api.cli.connection import connected

    with connected(url) as service:
        status = asking.ask(service, question, collection, mode, as_json)
    raise typer.Exit(status)


@app.command()
def search(
    query: str,
    collection: Collections = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Find passages."""
    from api.cli import asking
    from api.cli.connection import connected

    with connected(url) as service:
        asking.search(service, query, collection, k, as_json)


@docs.command("list")
def list_documents(
    collection: Annotated[str | None, typer.Option("--collection", "-c")] = None,
    as_json: Json = False,
    url: Url = None,
) -> None:
    """All documents, newest first."""
    from api.cli import documents
    from api.cli.connection import connected

    with connected(url) as service:
        documents.list_all(service, collection, as_json)


@docs.command("show")
def show_document(document_id: str, as_json: Json = False, url: Url = None) -> None:
    """Everything known about a document."""
    from api.cli import documents
    from api.cli.connection import connected

    with connected(url) as service:
        documents.show(service, document_id, as_json)


@docs.command("delete")
def delete_document(document_id: str, as_json: Json = False, url: Url = None) -> None:
    """Remove a document for good."""
    from api.cli import documents
    from api.cli.connection import connected

    with connected(url) as service:
        documents.delete(service, document_id, as_json)
