"""``footnote show``: a citation in its context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from api.cli.citing import Numbered, Place, read
from api.cli.connection import Connection
from api.cli.output import print_json
from api.cli.paper import numbers, one_line, paper, place, plain, print_indented
from api.client.records import Citation, TextRange
from rag.errors import NotFound

_ENDS = ("\n\n", "\n", ". ", " ")
"""Where a context may begin or end, best first."""


def show(service: Connection, written: str, context: int, as_json: bool) -> None:
    """Raises ``BadRequest``, ``NotFound`` (``citation_not_found``), ``ClientError``."""
    wanted = read(written)
    under: Sequence[str] = ()
    if isinstance(wanted, Numbered):
        citation = _cited(service, wanted)
        document = citation.document
        heading = f"[{citation.number}] {place(document, citation.locator)}"
        under = citation.headings
        wanted = Place(document.id, citation.start, citation.end, document.version)
    else:
        heading = one_line(service.documents.get(wanted.document).name)
    document_id, start, end = wanted.document, wanted.start, wanted.end
    around = service.documents.text(
        document_id, start=max(0, start - context), end=end + context, version=wanted.version
    )
    shown = _trimmed(around, start, end, context)
    if as_json:
        print_json(_as_json(document_id, around, start, end, shown))
        return
    console = paper()
    console.print(Text(heading, style="bold"), soft_wrap=True)
    if under:
        console.print(Text(" › ".join(map(one_line, under)), style="dim"), soft_wrap=True)
    console.print()
    print_indented(console, _highlighted(around, start, end, shown, console.is_terminal), 2)
    state = "" if around.status == "current" else f", {around.status.value}"
    small = f"\ncharacters {start:,}–{end:,} of version {around.version}{state} · {document_id}"
    console.print(Text(small, style="dim"), soft_wrap=True)


def _cited(service: Connection, wanted: Numbered) -> Citation:
    answer_id = wanted.answer
    if answer_id is None:
        newest = next(iter(service.answers.list()), None)
        if newest is None:
            raise NotFound("citation_not_found", "No answer is kept; ask something first, or name a place.")
        answer_id = newest.id
    answer = service.answers.get(answer_id)
    for citation in answer.citations:
        if citation.number == wanted.number:
            if citation.document.status == "deleted":
                raise NotFound("document_deleted", "That document was deleted; nothing of it is left.")
            return citation
    known = numbers([one.number for one in answer.citations]) or "none"
    raise NotFound(
        "citation_not_found",
        f"The answer to “{one_line(answer.question)}” has no footnote {wanted.number}; it has {known}.",
    )


def _trimmed(around: TextRange, start: int, end: int, context: int) -> tuple[int, int]:
    """The context without a torn sentence or word at its ends, as offsets in ``around.text``."""
    text, before, after = around.text, start - around.start, end - around.start
    first, last = 0, len(text)
    if around.start > 0:
        beginnings = ((text.find(mark, 0, before), len(mark)) for mark in _ENDS)
        first = next((at + length for at, length in beginnings if at >= 0), 0)
    if around.end == end + context:  # there is more
        last = next((at + 1 for at in (text.rfind(mark, after) for mark in _ENDS) if at >= 0), last)
    return first, last


def _highlighted(around: TextRange, start: int, end: int, shown: tuple[int, int], colours: bool) -> Text:
    first, last = shown
    before, after = start - around.start, end - around.start
    quote = plain(around.text[before:after])
    text = Text("… " if around.start + first > 0 else "")
    text.append(plain(around.text[first:before]))
    text.append(quote if colours else f"»{quote}«", style="bold reverse")
    return text.append(plain(around.text[after:last].rstrip()))


def _as_json(
    document_id: str, around: TextRange, start: int, end: int, shown: tuple[int, int]
) -> dict[str, Any]:
    first, last = shown
    return {
        "document_id": document_id,
        "version": around.version,
        "status": around.status.value,
        "start": start,
        "end": end,
        "quote": around.text[start - around.start : end - around.start],
        "context": {
            "start": around.start + first,
            "end": around.start + last,
            "text": around.text[first:last],
        },
    }
