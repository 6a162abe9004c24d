"""Long runs of a few characters, which make a careless regular expression or loop take quadratic time."""

from __future__ import annotations

RUNS: dict[str, str] = {
    "letters": "a",
    "spaces": " ",
    "tabs": "\t",
    "line ends": "\n",
    "carriage returns": "\r",
    "lines of spaces": " \n",
    "no-break spaces": "\xa0",
    "open brackets": "(",
    "open brackets apart": "( ",
    "open square brackets": "[",
    "pictures": "![",
    "links": "[a](",
    "pipes": "|",
    "pipes apart": "| ",
    "dashes": "-",
    "equals": "=",
    "hashes": "#",
    "stars": "*",
    "stars apart": "*a ",
    "strong": "**a ",
    "underscores": "_a ",
    "backticks": "`",
    "backticks apart": "` ",
    "backslashes": "\\",
    "quotations": ">",
    "quotations apart": "> ",
    "list items": "- ",
    "numbers": "1",
    "numbers and points": "1.",
    "numbers and commas": "1,",
    "points": ".",
    "points apart": ". ",
    "abbreviations": "e.g. ",
    "single letters": "A. ",
    "questions": "?!",
    "open quotes": '"',
    "quotes and commas": '",',
    "apostrophes": "'",
    "typographic quotes": "“",
    "ampersands": "&",
    "entities": "&amp;",
    "entities cut off": "&#1",
    "tags": "<a>",
    "tags cut off": "<a ",
    "attributes": "<a b='",
    "comments": "<!--",
    "declarations": "<!",
    "closed tags": "</a>",
    "table cells": "<td>",
    "at signs": "a@",
    "addresses": "http://",
    "slashes": "/",
    "combining marks": "a\u0301",
    "combining marks alone": "\u0301",
    "joiners": "\u200d",
    "right-to-left": "\u202e",
    "emoji": "👩\u200d🚀",
    "ideographs": "漢",
    "semicolons": ";",
    "colons": ":",
    "headers": "a: b\n",
    "percent": "%",
    "hyphens at line ends": "a-\n",
    "control characters": "\x01",
    "replacement characters": "\ufffd",
    "not characters": "\ufffe",
    "braces": "{",
    "commands": "{\\a",
    "capitals": "A B ",
    "soft hyphens": "a\xad",
}
"""What is repeated, by what it is called."""

NAMES = ("a.txt", "a.md", "a.html", "a.csv", "a.tsv", "a.json", "a.jsonl", "a.eml", "a.py", "a.rtf")
"""Names that decide which parser reads a text."""

_STARTS = {
    "a.eml": "From: a@b.c\nSubject: x\n\n",
    "a.rtf": "{\\rtf1 ",
    "a.html": "<html><body>",
    "a.json": '["',
}


def text(unit: str, name: str, size: int) -> bytes:
    """About ``size`` bytes of ``unit``, beginning as files of that name begin."""
    start = _STARTS.get(name, "")
    return (start + unit * (size // len(unit.encode()))).encode()
