"""Items of lists: what begins a line with a bullet or a number of its own."""

from __future__ import annotations

import re

_MARK = r"(?:[-*•–◦▪]|\(?\d{1,3}[.)]|\(?(?:[a-z]|[ivx]{2,4})\))\s"
MARK = re.compile(_MARK)
"""What stands before an item: a bullet, "2.", "(2)", "b)", "(iv)"."""
_BEFORE = re.compile(rf"\n+(?=\s*{_MARK})")
_ITEM = re.compile(rf"\n\s*{_MARK}")


def items(text: str) -> list[str]:
    """The items of a list that ``text`` announces, without their marks."""
    return _ITEM.split(text)[1:]


def in_lines(text: str) -> str:
    """Each item on a line of its own, and everything else on one."""
    return "\n".join(" ".join(part.split()) for part in _BEFORE.split(text))
