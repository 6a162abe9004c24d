"""The commands and their options. What they do is imported when they run: ``--help`` loads nothing heavy.

Exit status: 0 done, 1 something failed, 2 wrong usage, 3 the answer is not in the documents, 4 an
evaluation is worse than the one before it (with ``--fail-on-worse``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import key_commands

app = typer.Typer(
    help="Ask your own documents and get answers in which every sentence is cited.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
docs = typer.Typer(help="List, show and delete documents.", no_args_is_help=True)
app.add_typer(docs, name="docs")
jobs = typer.Typer(help="Look at the queue of documents to be read, and change it.", no_args_is_help=True)
app.add_typer(jobs, name="jobs")
answers = typer.Typer(help="Look at answers that were given, and ask again.", no_args_is_help=True)
app.add_typer(answers, name="answers")
app.add_typer(key_commands.keys, name="keys")
app.add_typer(key_commands.tenants, name="tenants")

Url = Annotated[
    str | None, typer.Option(help="Address of the service; by default the configured host and port.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", "-c", help="Look only here; may be repeated.")
]
Into = Annotated[str, typer.Option("--collection", "-c", help="Where to put them.")]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", help="Leave out what matches, as in `drafts/` or `*.log`; may be repeated."),
]
Name = Annotated[
    str | None,
    typer.Option("--as", help="The name its documents have it under; the folder's own by default."),
]


@app.command()
def serve(
    data: Annotated[Path | None, typer.Option(help="The data folder.")] = None,
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
) -> None:
    """Upload files, and bring the service into step with folders: only what changed is sent."""
    from api.cli import adding
    from api.cli.connection import connected

    options = adding.Options(collection, tuple(ignore or ()), name, delete, not no_wait, as_json)
    with connected(url) as service:
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
    url: Url = None,
) -> None:
    """Keep the service in step with a folder until interrupted: added, changed, moved and deleted files."""
    from api.cli import watching
    from api.cli.connection import connected

    with connected(url) as service:
        status = watching.watch(
            service, folder, watching.Options(collection, tuple(ignore or ()), name, poll)
        )
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
) -> None:
    """Measure search, citations, refusals and times on questions made from your own documents."""
    from api.cli import evaluating
    from api.cli.connection import connected

    with connected(url) as service:
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
    data: Annotated[Path | None, typer.Option(help="The data folder.")] = None,
    as_json: Json = False,
) -> None:
    """Hold what is stored against itself. Exits with 1 when something does not fit."""
    from api.cli import checking

    raise typer.Exit(checking.fsck({"data": data}, repair, read_files, as_json))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; it must not exist.")],
    data: Annotated[Path | None, typer.Option(help="The data folder.")] = None,
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
    data: Annotated[Path | None, typer.Option(help="The data folder.")] = None,
    as_json: Json = False,
) -> None:
    """Examine this machine and a data folder, and say what to mend. Exits with 1 when something fails."""
    from api.cli import examining

    raise typer.Exit(examining.doctor({"data": data}, as_json))


@app.command()
def purge(
    data: Annotated[Path | None, typer.Option(help="The data folder.")] = None,
    as_json: Json = False,
) -> None:
    """Erase what is left of deleted documents and answers in every file. The service may run meanwhile."""
    from api.cli import purging

    raise typer.Exit(purging.purge({"data": data}, as_json))


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


@docs.command("versions")
def list_versions(document_id: str, as_json: Json = False, url: Url = None) -> None:
    """Every version of a document, newest first."""
    from api.cli import documents
    from api.cli.connection import connected

    with connected(url) as service:
        documents.versions(service, document_id, as_json)


@jobs.command("list")
def list_jobs(
    state: Annotated[
        str | None, typer.Option(help="queued, running, succeeded, failed, dead or cancelled.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: Json = False,
    url: Url = None,
) -> None:
    """The newest jobs, and how the queue stands."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url) as service:
        work.list_all(service, state, limit, as_json)


@jobs.command("show")
def show_job(job_id: str, as_json: Json = False, url: Url = None) -> None:
    """How far a job is: stage, done and total, rate, time left."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url) as service:
        work.show(service, job_id, as_json)


@jobs.command("retry")
def retry_jobs(
    job_ids: Annotated[
        list[str] | None, typer.Argument(help="Jobs that failed, died or were cancelled.")
    ] = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="All that were given up.")] = False,
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Queue jobs once more, with all their attempts."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    if not job_ids and not all_dead:
        raise typer.BadParameter("name jobs, or say --all-dead")
    with connected(url) as service:
        status = work.retry(service, job_ids or [], all_dead, as_json)
    raise typer.Exit(status)


@jobs.command("cancel")
def cancel_jobs(job_ids: list[str], as_json: Json = False, url: Url = None) -> None:
    """Stop jobs. Their documents stay, as failed."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url) as service:
        status = work.cancel(service, job_ids, as_json)
    raise typer.Exit(status)


@jobs.command("pause")
def pause_jobs(as_json: Json = False, url: Url = None) -> None:
    """Begin no further job. Uploads are still taken, and what is ready is still searched."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url) as service:
        work.pause(service, as_json)


@jobs.command("resume")
def resume_jobs(as_json: Json = False, url: Url = None) -> None:
    """Begin jobs again."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url) as service:
        work.resume(service, as_json)


@answers.command("list")
def list_answers(
    conversation: Annotated[str | None, typer.Option(help="Only those of this conversation.")] = None,
    document: Annotated[
        str | None, typer.Option(help="Only those that cite the document of this id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: Json = False,
    url: Url = None,
) -> None:
    """Answers, newest first, and whether what they cite is still current."""
    from api.cli import answers as given
    from api.cli.connection import connected

    with connected(url) as service:
        given.list_all(service, conversation, document, limit, as_json)


@answers.command("show")
def show_answer(answer_id: str, as_json: Json = False, url: Url = None) -> None:
    """An answer as it was given, with what made it."""
    from api.cli import answers as given
    from api.cli.connection import connected

    with connected(url) as service:
        given.show(service, answer_id, as_json)


@answers.command("replay")
def replay_answer(answer_id: str, as_json: Json = False, url: Url = None) -> None:
    """Ask the same question again, and tell what has changed."""
    from api.cli import answers as given
    from api.cli.connection import connected

    with connected(url) as service:
        given.replay(service, answer_id, as_json)


@answers.command("delete")
def delete_answer(answer_id: str, as_json: Json = False, url: Url = None) -> None:
    """Delete an answer for good."""
    from api.cli import answers as given
    from api.cli.connection import connected

    with connected(url) as service:
        given.delete(service, answer_id, as_json)
