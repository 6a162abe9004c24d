"""``footnote jobs``: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import Json, Key, Url

jobs = typer.Typer(help="Look at the queue of documents to be read, and change it.", no_args_is_help=True)


@jobs.command("list")
def list_jobs(
    state: Annotated[
        str | None, typer.Option(help="queued, running, succeeded, failed, dead or cancelled.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """The newest jobs, and how the queue stands."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url, key) as service:
        work.list_all(service, state, limit, as_json)


@jobs.command("show")
def show_job(job_id: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """How far a job is: stage, done and total, rate, time left."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url, key) as service:
        work.show(service, job_id, as_json)


@jobs.command("retry")
def retry_jobs(
    job_ids: Annotated[
        list[str] | None, typer.Argument(help="Jobs that failed, died or were cancelled.")
    ] = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="All that were given up.")] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Queue jobs once more, with all their attempts."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    if not job_ids and not all_dead:
        raise typer.BadParameter("name jobs, or say --all-dead")
    with connected(url, key) as service:
        status = work.retry(service, job_ids or [], all_dead, as_json)
    raise typer.Exit(status)


@jobs.command("cancel")
def cancel_jobs(job_ids: list[str], as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Stop jobs. Their documents stay, as failed."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url, key) as service:
        status = work.cancel(service, job_ids, as_json)
    raise typer.Exit(status)


@jobs.command("pause")
def pause_jobs(as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Begin no further job. Uploads are still taken, and what is ready is still searched."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url, key) as service:
        work.pause(service, as_json)


@jobs.command("resume")
def resume_jobs(as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Begin jobs again."""
    from api.cli import jobs as work
    from api.cli.connection import connected

    with connected(url, key) as service:
        work.resume(service, as_json)
