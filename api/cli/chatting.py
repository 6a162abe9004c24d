"""``footnote chat``: a conversation in the terminal."""

from __future__ import annotations

import atexit
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from api.cli import showing
from api.cli.asking import Options, tell
from api.cli.connection import Connection, explained
from api.cli.paper import one_line, paper, print_sources
from api.cli.user_cache import user_cache
from api.client.errors import Refused
from api.client.records import Answer, AskMode
from rag.errors import FootnoteError

_CONTEXT = 600
_MODES: tuple[AskMode, ...] = ("auto", "answer", "quote")
_KEPT_LINES = 1000
_PROMPT = "› "


@dataclass(slots=True)
class _Chat:
    """What lasts from one question to the next."""

    service: Connection
    console: Console
    options: Options
    last: Answer | None = None
    ended: bool = False


def chat(service: Connection, options: Options) -> None:
    """Until /quit or the end of input. Raises ``Unreachable`` at its beginning, later only says it."""
    console = paper()
    named = options.conversation or f"chat-{secrets.token_hex(6)}"
    talk = _Chat(service, console, replace(options, conversation=named))
    collections = {one.name: one.documents for one in service.collections.list()}
    console.print(Text(_greeting(talk, collections), style="dim"), soft_wrap=True)
    interactive = sys.stdin.isatty()
    if interactive:
        _keep_history(user_cache() / "chat-history")
    while not talk.ended:
        try:
            line = input(_PROMPT if interactive else "").strip()
        except EOFError:
            break
        except KeyboardInterrupt:  # a line that is given up, not the conversation
            console.print()
            continue
        if line:
            _answer(talk, line)
    if interactive:
        console.print(Text(f"footnote chat --conversation {named} goes on with this.", style="dim"))


def _answer(talk: _Chat, line: str) -> None:
    """A question or a command. What goes wrong is said; the conversation goes on."""
    try:
        if line.startswith("/"):
            name, _, rest = line[1:].partition(" ")
            _COMMANDS.get(name, _unknown)(talk, rest.strip())
        else:
            talk.last = tell(talk.service, talk.console, line, talk.options, show="/show")
    except KeyboardInterrupt:
        talk.console.print(Text("Stopped.", style="yellow"))
    except Refused as error:
        talk.console.print(Text(explained(error), style="yellow"), soft_wrap=True)
    except FootnoteError as error:
        talk.console.print(Text(error.detail, style="yellow"), soft_wrap=True)
    talk.console.print()


def _greeting(talk: _Chat, collections: Mapping[str, int]) -> str:
    chosen = talk.options.collections or tuple(collections)
    documents = sum(collections.get(name, 0) for name in chosen)
    where = f" in {', '.join(chosen)}" if talk.options.collections else ""
    counted = f"{documents:,} document{'' if documents == 1 else 's'}"
    return f"{counted}{where} at {talk.service.url}. /help lists commands, Ctrl-C stops an answer."


def _help(talk: _Chat, _rest: str) -> None:
    """this list"""
    for name, command in _COMMANDS.items():
        talk.console.print(f"  /{name:<12}{command.__doc__}")


def _show(talk: _Chat, rest: str) -> None:
    """N shows a source of the last answer in its context"""
    citation = rest or "1"
    if talk.last is not None and citation.strip("[]").isdigit():
        citation = f"{talk.last.id}:{citation.strip('[]')}"
    showing.show(talk.service, citation, _CONTEXT, as_json=False)


def _sources(talk: _Chat, _rest: str) -> None:
    """the sources of the last answer once more"""
    if talk.last is None or not talk.last.citations:
        talk.console.print("There are none yet.")
    else:
        print_sources(talk.console, talk.last.citations)


def _collections(talk: _Chat, rest: str) -> None:
    """NAME … looks only there; without a name lists all and looks everywhere"""
    if not rest:
        for one in talk.service.collections.list():
            talk.console.print(f"  {one.documents:>7,}  {one_line(one.name)}", soft_wrap=True)
    else:
        talk.service.collections.get(rest)
    talk.options = replace(talk.options, collections=(rest,) if rest else ())
    talk.console.print(f"Looking in {one_line(rest)}." if rest else "Looking everywhere.")


def _mode(talk: _Chat, rest: str) -> None:
    """auto, answer or quote"""
    for mode in _MODES:
        if rest == mode:
            talk.options = replace(talk.options, mode=mode)
    talk.console.print(f"The mode is {talk.options.mode}.")


def _new(talk: _Chat, _rest: str) -> None:
    """begin a new conversation: what was said is not referred to any more"""
    talk.options = replace(talk.options, conversation=f"chat-{secrets.token_hex(6)}")
    talk.last = None
    talk.console.print("A new conversation.")


def _quit(talk: _Chat, _rest: str) -> None:
    """end (so does Ctrl-D)"""
    talk.ended = True


def _unknown(talk: _Chat, _rest: str) -> None:
    talk.console.print("There is no such command; /help lists them.")


_COMMANDS: Mapping[str, Callable[[_Chat, str], None]] = {
    "show": _show,
    "sources": _sources,
    "collection": _collections,
    "mode": _mode,
    "new": _new,
    "help": _help,
    "quit": _quit,
}


def _keep_history(path: Path) -> None:
    """Arrow keys bring back earlier questions, also of earlier conversations; only the user may read them."""
    try:
        import readline
    except ImportError:  # a Python without it edits lines as the terminal does
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        path.touch(mode=0o600)
        readline.read_history_file(path)
    readline.set_history_length(_KEPT_LINES)
    atexit.register(_write_history, path)


def _write_history(path: Path) -> None:
    import readline

    with suppress(OSError):
        readline.write_history_file(path)
