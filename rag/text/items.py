"""Lines that mean something: items of lists, which begin with a bullet or a number, and listings."""

from __future__ import annotations

import re
from textwrap import dedent

from rag.text.words import STOPWORDS, words

_MARK = r"(?:[-*•–◦▪]|\(?\d{1,3}[.)]|\(?(?:[a-z]|[ivx]{2,4})\))\s"
MARK = re.compile(_MARK)
"""What stands before an item: a bullet, "2.", "(2)", "b)", "(iv)"."""
_BEFORE = re.compile(rf"\n+(?=\s*{_MARK})")
_ITEM = re.compile(rf"\n\s*{_MARK}")
_AFTER_LEAD = re.compile(r"(?<=:)[^\S\n]*\n")
_SENTENCE_END = re.compile(r"[^\W_][\"'”’)\]]*[.!?…。！？]+[\"'”’)\]]*$")
_CODE_LINE = re.compile(r"^\s*[\w.\[\]\"'-]+ *(?:[-+:|]?=) *\S|[{};\\]$|\):$|^\s*[$>#] \S")
"""An assignment, the end of a line of code, a prompt."""


def items(text: str) -> list[str]:
    """The items of a list that ``text`` announces, without their marks."""
    return _ITEM.split(text)[1:]


def in_lines(text: str) -> str:
    """Each item on a line of its own, a listing (commands, code, an address) as it stands, and everything
    else on one line."""
    return "\n".join(map(_in_lines, _BEFORE.split(text)))


def _in_lines(text: str) -> str:
    lead, *led_up_to = _AFTER_LEAD.split(text, maxsplit=1)
    below = _listing(led_up_to[0]) if led_up_to else None
    return _listing(text) or (f"{_on_one(lead)}\n{below}" if below else _on_one(text))


def _on_one(text: str) -> str:
    return " ".join(text.split())


def _listing(text: str) -> str | None:
    """``text`` line by line where its lines are not those of prose: two commands on one line are another
    command. Prose has words that all texts have, or the end of a sentence."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or _SENTENCE_END.search(lines[-1]):
        return None
    code = any(_CODE_LINE.search(line) for line in lines)
    if not code and not STOPWORDS.isdisjoint(words(text)):
        return None
    return dedent("\n".join(lines))
