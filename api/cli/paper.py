"""Answers and passages as people read them. Colours only on a terminal; no text is ever markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from api.client.records import Answer, Citation, DocumentRef, Hit, Sentence
from rag.text.items import in_lines

WIDTH = 96
VERDICT_MARKS = {"verbatim": "=", "supported": "✓", "unsupported": "?"}
_VERDICT_STYLES = {"verbatim": "green", "supported": "green", "unsupported": "bold yellow"}
_VERDICTS = {
    "verbatim": "word for word in its source",
    "supported": "checked against its source",
    "unsupported": "not supported by the documents",
}
_SHOWN_PASSAGE = 400
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NARROWEST = 40
_INDENT = 4


def paper() -> Console:
    """Standard output: as wide as the terminal, up to what reads well."""
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = max(_NARROWEST, min(console.width, WIDTH)) if console.is_terminal else WIDTH
    return console


def plain(text: str) -> str:
    """Without what would move a terminal's cursor: documents and models may hold escape sequences."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    return plain(" ".join(text.split()))


def place(document: DocumentRef, locator: str) -> str:
    """``report.pdf, page 3``, or whatever a person finds the place by."""
    if document.status == "deleted":
        return "a document that was deleted"
    older = " (an older version)" if document.status == "superseded" else ""
    return one_line(document.name + (f", {locator}" if locator else "")) + older


def numbers(cited: Sequence[int]) -> str:
    return "".join(f"[{number}]" for number in cited)


def sentence_line(sentence: Sentence) -> Text:
    """The sentence, its footnote numbers and the mark of its verdict."""
    line = Text(plain(in_lines(sentence.text)))
    if sentence.citations:
        line.append(f" {numbers(sentence.citations)}", style="cyan")
    mark = VERDICT_MARKS[sentence.verdict]
    return line.append(f" {mark}", style=_VERDICT_STYLES[sentence.verdict])


def print_sources(console: Console, citations: Iterable[Citation]) -> None:
    for citation in citations:
        head = Text(f"[{citation.number}] ", style="cyan").append(
            place(citation.document, citation.locator), style="bold"
        )
        console.print(head, soft_wrap=True)
        if citation.quote:
            print_indented(console, Text(f"“{plain(in_lines(citation.quote))}”"), _INDENT)


def print_hits(console: Console, hits: Iterable[Hit]) -> None:
    for hit in hits:
        head = Text(place(hit.document, hit.locator), style="bold").append(f" ({hit.score:.2f})", style="dim")
        console.print(head, soft_wrap=True)
        text = one_line(hit.text)
        print_indented(
            console, Text(text if len(text) <= _SHOWN_PASSAGE else text[: _SHOWN_PASSAGE - 2] + " …"), _INDENT
        )


def print_end(console: Console, answer: Answer, show: str) -> None:
    """Everything of an answer but its sentences, which were printed as they came.

    ``show`` is the command that shows a source, told on terminals.
    """
    if answer.status == "not_in_documents":
        console.print(Text("Not in these documents.", style="bold"))
        if answer.nearest:
            console.print("\nThe nearest passages:")
            print_hits(console, answer.nearest)
    elif answer.citations:
        console.print(Text("\nSources", style="bold"))
        print_sources(console, answer.citations)
    flowing = not console.is_terminal  # a terminal would break a long line within a word
    for conflict in answer.conflicts:
        said = ", ".join(
            f"{one_line(value)} [{number}]"
            for number, value in zip(conflict.citations, conflict.values, strict=True)
        )
        line = f"The sources disagree about {one_line(conflict.about)}: {said}"
        console.print(Text(line, style="yellow"), soft_wrap=flowing)
    for note in answer.notes:
        console.print(f"Note: {one_line(note.detail)}", soft_wrap=flowing)
    console.print(Text("\n" + " · ".join(_small_print(answer)), style="dim"), soft_wrap=flowing)
    if answer.citations and console.is_terminal:
        hint = f"{show} {answer.citations[0].number} shows the source in its context"
        console.print(Text(hint, style="dim"), soft_wrap=flowing)


def _small_print(answer: Answer) -> list[str]:
    """What the marks mean, as far as there are any, and how long it took."""
    verdicts = {str(one.verdict) for one in answer.sentences}
    words = [f"{VERDICT_MARKS[one]} {_VERDICTS[one]}" for one in VERDICT_MARKS if one in verdicts]
    if answer.status == "partial":
        words.append("a partial answer")
    if answer.cached is not None and answer.cached.part == "answer":
        words.append(f"answered before, {answer.cached.created_at.astimezone():%Y-%m-%d %H:%M}")
    if "total_ms" in answer.timings:
        words.append(f"{answer.timings['total_ms'] / 1000:.1f} s")
    words.append(answer.id)
    return words


def print_indented(console: Console, text: Text, indent: int) -> None:
    """Wrapped to the paper's width, without the blanks at the ends of lines that rich would leave."""
    for line in text.wrap(console, console.width - indent):
        line.rstrip()
        console.print(Text(" " * indent if line else "").append_text(line), soft_wrap=True)
