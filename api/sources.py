"""Where a document lies in the folder it was taken from. A source is an identity; it never becomes a path."""

from __future__ import annotations

import unicodedata

from rag.errors import BadRequest

MAX_CHARS = 1024

_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")


def checked_source(given: str) -> str:
    """``given``, when it is a relative path of plain steps, as in ``minutes/2025/may.pdf``.

    Raises ``BadRequest`` (``bad_source``): one file must have one spelling, and nothing may step out.
    """
    reason = _objection(given)
    if reason is not None:
        raise BadRequest(
            "bad_source", f"The source {reason}; send the path within the folder, with / between its steps."
        )
    return given


def _objection(given: str) -> str | None:
    if not given:
        return "is empty"
    if len(given) > MAX_CHARS:
        return f"has more than {MAX_CHARS:,} characters"
    if any(unicodedata.category(character) in _UNPRINTABLE for character in given):
        return "holds control characters"
    steps = given.split("/")
    if steps[0] == "":
        return "is absolute"
    if ".." in steps:
        return "steps out with `..`"
    if "." in steps or "" in steps:
        return "has an empty step"
    return None
