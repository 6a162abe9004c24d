"""The commands and their options. What they do is imported when they run: ``--help`` loads nothing heavy.

Exit status: 0 done, 1 something failed, 2 wrong usage, 3 the answer is not in the documents, 4 an
evaluation is worse than the one before it (with ``--fail-on-worse``), 130 interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import (
    answer_commands,
    collection_commands,
    document_commands,
    embedder_commands,
    job_commands,
    key_commands,
    model_commands,
)
from api.cli.options import Collections, Data, Into, Json, Key, Mode, Url

app = typer.Typer(
    help="Ask your own documents and get answers in which every sentence is cited.",
    epilog="Exit status: 0 done, 1 something failed, 2 wrong usage, 3 the answer is not in the documents, "
    "4 an evaluation is worse than the one before it, 130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(document_commands.docs, name="docs")
app.add_typer(collection_commands.collections, name="collections")
app.add_typer(job_commands.jobs, name="jobs")
app.add_typer(answer_commands.answers, name="answers")
app.add_typer(key_commands.keys, name="keys")
app.add_typer(key_commands.tenants, name="tenants")
app.add_typer(embedder_commands.embedder, name="embedder")
app.add_typer(model_commands.models, name="models")

Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", help="Leave out what matches, as in `drafts/` or `*.log`; may be repeated."),
]
Name = Annotated[
    str | None,
    typer.Option("--as", help="The name its documents have it under; the folder's own by default."),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"footnote {version('footnote')}")
        raise typer.Exit


@app.callback()
def footnote(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show which release this is, and exit."
        ),
    ] = False,
) -> None:
    """What holds for every command."""


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Any but a loopback address needs a key.")] = None,
    port: Annotated[int | None, typer.Option(help="0 takes a free port.")] = None,
) -> None:
    """Run the service until it is interrupted."""
    from api.cli import serving

    raise typer.Exit(serving.serve({"data": data, "host": host, "port": port}))


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files, or folders to keep in step with.")],
    collection: Into = "default",
    ignore: Ignore = None,
    name: Name = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove the documents whose files are gone from the folder.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait until what was sent can be searched.")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Upload files, and bring the service into step with folders: only what changed is sent."""
    from api.cli import adding
    from api.cli.connection import connected

    options = adding.Options(collection, tuple(ignore or ()), name, delete, not no_wait, as_json)
    with connected(url, key) as service:
        status = adding.add(service, paths, options)
    raise typer.Exit(status)


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder to follow.")],
    collection: Into = "default",
    ignore: Ignore = None,
    name: Name = None,
    poll: Annotated[
        bool, typer.Option("--poll", help="Look every two seconds instead of being told; for network drives.")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Keep the service in step with a folder until interrupted: added, changed, moved and deleted files."""
    from api.cli import watching
    from api.cli.connection import connected

    with connected(url, key) as service:
        status = watching.watch(
            service, folder, watching.Options(collection, tuple(ignore or ()), name, poll, as_json)
        )
    raise typer.Exit(status)


@app.command()
def ask(
    question: str,
    collection: Collections = None,
    mode: Mode = "auto",
    conversation: Annotated[
        str | None, typer.Option(help="A name; questions under the same name may follow up each other.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Not the answer that the same question got before.")
    ] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Answer a question, with footnotes. Exits with 3 when the documents do not hold the answer."""
    from api.cli import asking
    from api.cli.connection import connected

    options = asking.Options(tuple(collection or ()), mode, conversation, anew)
    with connected(url, key) as service:
        status = asking.ask(service, question, options, as_json)
    raise typer.Exit(status)


@app.command()
def chat(
    collection: Collections = None,
    mode: Mode = "auto",
    conversation: Annotated[
        str | None, typer.Option(help="Go on with the conversation of this name; a new one by default.")
    ] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Ask one question after another. Ctrl-C stops an answer, /help lists what else there is."""
    from api.cli import chatting
    from api.cli.asking import Options
    from api.cli.connection import connected

    with connected(url, key) as service:
        chatting.chat(service, Options(tuple(collection or ()), mode, conversation))


@app.command()
def search(
    query: str,
    collection: Collections = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Find passages."""
    from api.cli import asking
    from api.cli.connection import connected

    with connected(url, key) as service:
        asking.search(service, query, collection, k, as_json)


@app.command()
def show(
    citation: Annotated[
        str,
        typer.Argument(
            help="2 (of the newest answer), ans_…:2, or doc_…:120-180 (characters of a document).",
        ),
    ],
    context: Annotated[
        int, typer.Option("--context", "-C", min=0, max=20_000, help="Characters around it.")
    ] = 600,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Show a citation in its context: the text around it as it stands in the document."""
    from api.cli import showing
    from api.cli.connection import connected

    with connected(url, key) as service:
        showing.show(service, citation, context, as_json)


@app.command()
def bench(
    collection: Collections = None,
    searches: Annotated[int, typer.Option(min=1, max=10_000, help="How many searches.")] = 50,
    questions: Annotated[int, typer.Option(min=0, max=1000, help="How many questions.")] = 5,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Measure how fast the running service is, with words of your own documents."""
    from api.cli import benchmarking
    from api.cli.connection import connected

    with connected(url, key) as service:
        benchmarking.bench(service, tuple(collection or ()), searches, questions, as_json)


@app.command()
def mcp(
    http: Annotated[
        bool, typer.Option("--http", help="Serve streamable HTTP instead of standard input and output.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="With --http; 0 takes a free one.")] = 8322,
    write: Annotated[bool, typer.Option("--write", help="Offer the tool that adds documents.")] = False,
    root: Annotated[
        list[Path] | None,
        typer.Option(
            "--root", exists=True, file_okay=False, help="Files below it may be added by path; repeatable."
        ),
    ] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Serve the Model Context Protocol, for assistants: search, ask, read and list; read-only by default."""
    from api.cli import mcp_serving

    raise typer.Exit(mcp_serving.serve(mcp_serving.Options(http, port, write, tuple(root or ()), url, key)))


@app.command("eval")
def evaluate(
    collection: Collections = None,
    questions: Annotated[int, typer.Option(min=4, max=2000, help="How many questions to make.")] = 60,
    drafts: Annotated[
        int, typer.Option(min=0, max=2000, help="How many of them the model answers too; it takes its time.")
    ] = 20,
    new: Annotated[
        bool, typer.Option("--new/--again", help="Make new questions, or ask those of the last run again.")
    ] = False,
    no_model: Annotated[
        bool,
        typer.Option("--no-model", help="Make the questions without a language model: faster, and easier."),
    ] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Repeats the choice of passages.")] = None,
    fail_on_worse: Annotated[
        bool, typer.Option("--fail-on-worse", help="Exit with 4 when a guarded figure is worse than before.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="The data folder; runs are kept in `evals` in it.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Measure search, citations, refusals and times on questions made from your own documents."""
    from api.cli import evaluating
    from api.cli.connection import connected

    with connected(url, key) as service:
        options = evaluating.Options(
            folder=evaluating.runs_folder(data),
            collections=tuple(collection or ()),
            questions=questions,
            drafts=drafts,
            new=new,
            model=not no_model,
            seed=seed,
            fail_on_worse=fail_on_worse,
            as_json=as_json,
        )
        status = evaluating.evaluate(service, options)
    raise typer.Exit(status)


@app.command()
def fsck(
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended; the service must be stopped.")
    ] = False,
    read_files: Annotated[
        bool, typer.Option("--read-files", help="Also compare every original file with its SHA-256.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Hold what is stored against itself. Exits with 1 when something does not fit."""
    from api.cli import checking

    raise typer.Exit(checking.fsck({"data": data}, repair, read_files, as_json))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write the whole library into one file. The service may run meanwhile."""
    from api.cli import backing_up

    raise typer.Exit(backing_up.backup({"data": data}, file, as_json))


@app.command()
def verify(file: Annotated[Path, typer.Argument(help="A backup.")], as_json: Json = False) -> None:
    """Read a backup and check everything in it. Exits with 1 when it is not whole."""
    from api.cli import backing_up

    raise typer.Exit(backing_up.verify(file, as_json))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    data: Annotated[Path, typer.Option(help="The data folder to make: new, or empty.")],
    as_json: Json = False,
) -> None:
    """Make a data folder from a backup: whole and checked, or not at all."""
    from api.cli import backing_up

    raise typer.Exit(backing_up.restore(file, data, as_json))


@app.command()
def doctor(
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Examine this machine and a data folder, and say what to mend. Exits with 1 when something fails."""
    from api.cli import examining

    raise typer.Exit(examining.doctor({"data": data}, as_json))


@app.command()
def purge(
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Erase what is left of deleted documents and answers in every file. The service may run meanwhile."""
    from api.cli import purging

    raise typer.Exit(purging.purge({"data": data}, as_json))
