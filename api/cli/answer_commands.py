"""``footnote answers``: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import Json, Key, Url

answers = typer.Typer(help="Look at answers that were given, and ask again.", no_args_is_help=True)


@answers.command("list")
def list_answers(
    conversation: Annotated[str | None, typer.Option(help="Only those of this conversation.")] = None,
    document: Annotated[
        str | None, typer.Option(help="Only those that cite the document of this id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Answers, newest first, and whether what they cite is still current."""
    from api.cli import answers as given
    from api.cli.connection import connected

    with connected(url, key) as service:
        given.list_all(service, conversation, document, limit, as_json)


@answers.command("show")
def show_answer(answer_id: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """An answer as it was given, with what made it."""
    from api.cli import answers as given
    from api.cli.connection import connected

    with connected(url, key) as service:
        given.show(service, answer_id, as_json)


@answers.command("replay")
def replay_answer(answer_id: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Ask the same question again, and tell what has changed."""
    from api.cli import answers as given
    from api.cli.connection import connected

    with connected(url, key) as service:
        given.replay(service, answer_id, as_json)


@answers.command("delete")
def delete_answer(answer_id: str, as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Delete an answer for good."""
    from api.cli import answers as given
    from api.cli.connection import connected

    with connected(url, key) as service:
        given.delete(service, answer_id, as_json)
