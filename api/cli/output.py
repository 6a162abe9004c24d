"""How answers look on a terminal. Text from documents is printed as it is, never read as markup."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 96
_SHOWN_QUOTE = 400


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def marks(numbers: Sequence[int]) -> str:
    return "".join(f"[{number}]" for number in numbers)


def footnote(citation: Mapping[str, Any]) -> str:
    """``[1] report.pdf, page 3: “…”``, on as many lines as it needs."""
    place = citation["document"]["name"]
    if citation["page"] is not None:
        place += f", page {citation['page']}"
    lead = f"[{citation['number']}] {place}: "
    return textwrap.fill(f"{lead}“{on_one_line(citation['quote'])}”", _WIDTH, subsequent_indent="    ")


def passage(hit: Mapping[str, Any]) -> str:
    """Where it stands, and the beginning of its text."""
    place = hit["document"]["name"] + ("" if hit["page"] is None else f", page {hit['page']}")
    text = textwrap.shorten(on_one_line(hit["text"]), _SHOWN_QUOTE, placeholder=" …")
    indented = textwrap.fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return f"{place} ({hit['score']:.2f})\n{indented}"


def on_one_line(text: str) -> str:
    return " ".join(text.split())
