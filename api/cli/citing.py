"""What a person writes to name a citation: ``2``, ``ans_…:2``, ``doc_…:120-180``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.errors import BadRequest

_NUMBER = re.compile(r"\[?(?P<number>\d{1,4})\]?")
_OF_ANSWER = re.compile(r"(?P<answer>ans_\w+)(?:[:#]\[?(?P<number>\d{1,4})\]?)?")
_RANGE = re.compile(
    r"(?P<document>doc_\w+)(?:@(?P<version>\d{1,9}))?:(?P<start>\d{1,10})[-–](?P<end>\d{1,10})"
)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A footnote of an answer; of the newest one where ``answer`` is None."""

    answer: str | None
    number: int


@dataclass(frozen=True, slots=True)
class Place:
    """Characters ``[start, end)`` of a document; of the version that is searched where it is None."""

    document: str
    start: int
    end: int
    version: int | None = None


def read(written: str) -> Numbered | Place:
    """Raises ``BadRequest`` (``bad_citation``)."""
    written = written.strip()
    if match := _NUMBER.fullmatch(written):
        return Numbered(None, int(match["number"]))
    if match := _OF_ANSWER.fullmatch(written):
        return Numbered(match["answer"], int(match["number"] or 1))
    match = _RANGE.fullmatch(written)
    if match and int(match["start"]) <= int(match["end"]):
        version = None if match["version"] is None else int(match["version"])
        return Place(match["document"], int(match["start"]), int(match["end"]), version)
    raise BadRequest(
        "bad_citation",
        f"{written!r} names no citation; write 2, ans_…:2, or doc_…:120-180 (doc_…@1:120-180 of version 1).",
    )
