"""``footnote ask`` and ``footnote search``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from api.cli.connection import Connection
from api.cli.output import print_json
from api.cli.paper import one_line, paper, print_end, print_hits, sentence_line
from api.client.blocking.answers import AnswerStream
from api.client.records import Answer, AskMode, SentenceDelivered, TokenWritten

NOT_IN_DOCUMENTS = 3


@dataclass(frozen=True, slots=True)
class Options:
    """How to ask; without ``collections``, in all."""

    collections: tuple[str, ...] = ()
    mode: AskMode = "auto"
    conversation: str | None = None
    anew: bool = False


def ask(service: Connection, question: str, options: Options, as_json: bool) -> int:
    """Print the answer, sentence by sentence as it is checked; returns the exit status."""
    if as_json:
        answer = service.ask(question, **_asked(options))
        print_json(answer.model_dump(mode="json"))
    else:
        answer = tell(service, paper(), question, options)
    return NOT_IN_DOCUMENTS if answer.status == "not_in_documents" else 0


def search(service: Connection, query: str, collections: list[str] | None, k: int, as_json: bool) -> None:
    found = service.search(query, k=k, collections=collections or None)
    if as_json:
        print_json(found.model_dump(mode="json"))
    elif found.hits:
        print_hits(paper(), found.hits)
    else:
        print("Nothing found.")


def tell(
    service: Connection,
    console: Console,
    question: str,
    options: Options,
    show: str = "footnote show",
) -> Answer:
    """Ask, and print the answer as it comes. On a terminal the draft is shown, dim, until it is checked."""
    with service.stream(question, **_asked(options)) as events:
        _tell_sentences(console, events)
    assert events.answer is not None  # a stream without its end is an error of the client
    print_end(console, events.answer, show)
    return events.answer


def _tell_sentences(console: Console, events: AnswerStream) -> None:
    draft, group = "", ""
    with ExitStack() as stack:
        live = None
        if console.is_terminal:
            live = stack.enter_context(Live(_draft(draft), console=console, transient=True))
        for event in events:
            if isinstance(event, TokenWritten):
                draft += event.text
            elif isinstance(event, SentenceDelivered):
                draft = ""
                if event.sentence.group != group:
                    group = event.sentence.group
                    if group:
                        console.print(Text(f"{one_line(group)}:", style="bold"), soft_wrap=True)
                console.print(sentence_line(event.sentence), soft_wrap=not console.is_terminal)
            if live is not None:
                live.update(_draft(draft))


def _draft(text: str) -> Text:
    return Text(one_line(text) or "…", style="dim italic")


def _asked(options: Options) -> dict[str, Any]:
    return {
        "collections": options.collections or None,
        "mode": options.mode,
        "conversation": options.conversation,
        "anew": options.anew,
    }
