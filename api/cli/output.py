"""How answers look on a terminal. Text from documents is printed as it is, never read as markup."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 96
_SHOWN_QUOTE = 400


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def print_fields(fields: Mapping[str, Any]) -> None:
    """Name and value of what has a value: a table on a terminal, plain lines anywhere else.

    Further lines of a value stand under its first one.
    """
    shown = {name: str(value) for name, value in fields.items() if value not in (None, "", [], {})}
    if sys.stdout.isatty():
        _print_table(shown)
        return
    width = max(map(len, shown), default=0) + 2
    for name, value in shown.items():
        print(f"{name:<{width}}" + value.replace("\n", "\n" + " " * width))


def _print_table(fields: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(name, Text(value))  # a text is not markup
    Console().print(table)


def place_of(cited: Mapping[str, Any]) -> str:
    """``report.pdf, page 3``, or whatever a person finds the place by."""
    name, locator = cited["document"]["name"], cited["locator"]
    superseded = " (an older version)" if cited["document"]["status"] == "superseded" else ""
    return str(name) + (f", {locator}" if locator else "") + superseded


def marks(numbers: Sequence[int]) -> str:
    return "".join(f"[{number}]" for number in numbers)


def footnote(citation: Mapping[str, Any]) -> str:
    """``[1] report.pdf, page 3: “…”``, on as many lines as it needs."""
    lead = f"[{citation['number']}] {place_of(citation)}: "
    return textwrap.fill(f"{lead}“{on_one_line(citation['quote'])}”", _WIDTH, subsequent_indent="    ")


def passage(hit: Mapping[str, Any]) -> str:
    """Where it stands, and the beginning of its text."""
    text = textwrap.shorten(on_one_line(hit["text"]), _SHOWN_QUOTE, placeholder=" …")
    indented = textwrap.fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return f"{place_of(hit)} ({hit['score']:.2f})\n{indented}"


def on_one_line(text: str) -> str:
    return " ".join(text.split())
