"""What goes on across lines, columns and pages: hyphenated words and interrupted paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ingest.parsers.pdf_layout import Paragraph, may_continue
from ingest.parsers.pdf_page import PageText
from rag.records import BlockKind

_LAST_PART = re.compile(r"[^\W_]+(?:-[^\W_]+)*$")
_FIRST_PART = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_COMPOUND = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_CAPTION = re.compile(
    r"(?:figure|fig\.|table|abbildung|abb\.|tabelle|tableau|figura|tabla)\s*\d", re.IGNORECASE
)
_PAGE_NUMBER = re.compile(r"\W*(?:page|seite|p\.)?\s*\d{1,4}(?:\s*(?:/|of|von)\s*\d{1,4})?\W*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_MARGIN = 0.1  # of the page height, where running heads and feet stand
_REPEATS = 3
_SMALL = 0.93
_MAX_FLOATS = 40
_LABEL_CHARS = 40


class Hyphenation:
    """Decides whether a hyphen at a line end belongs to the word, by how the document writes it elsewhere."""

    def __init__(self, pages: list[PageText]) -> None:
        self._known: Counter[str] = Counter()
        for page in pages:
            self._known.update(_COMPOUND.findall("\n".join(_whole_words(page)).lower()))

    def joiner(self, text: str, following: str) -> str:
        """``""`` or ``"-"``: what joins the end of ``text`` to the beginning of ``following``."""
        before, after = _LAST_PART.search(text.rstrip()), _FIRST_PART.match(following.lstrip())
        if before is None or after is None:
            return "-"
        left, right = before.group().lower(), after.group().lower()
        joined, compound = self._known[left + right], self._known[f"{left}-{right}"]
        if joined != compound:
            return "-" if compound > joined else ""
        if "-" in left or "-" in right or left[-1].isdigit() or not after.group()[0].islower():
            return "-"
        two_words = min(len(left), len(right)) > 2 and self._known[left] and self._known[right]
        return "-" if two_words else ""


def _whole_words(page: PageText) -> Iterator[str]:
    """The lines of a page without the parts of hyphenated words at their ends."""
    cut = False
    for line in page.lines:
        text = line.text.partition(" ")[2] if cut else line.text
        yield text.rpartition(" ")[0] if line.hyphenated else text
        cut = line.hyphenated


def arrange(pages: list[PageText], flow: list[list[Paragraph]], body: float) -> list[list[Paragraph]]:
    """``flow`` with interrupted paragraphs put together, page by page.

    Everything that stands between the halves of a paragraph comes before it on the first page and
    after it on the second.
    """
    heads = _running_heads(pages, flow)
    arranged = [list(found) for found in flow]
    for found in arranged:
        for paragraph in found:
            if id(paragraph) in heads and paragraph.kind is BlockKind.HEADING:
                paragraph.kind = BlockKind.PARAGRAPH
            paragraph.flows = id(paragraph) not in heads and _is_text(paragraph, body)
    for number, found in enumerate(arranged):
        _mend_page(found)
        if number + 1 < len(arranged):
            _mend_break(found, arranged[number + 1])
    return arranged


def _mend_page(found: list[Paragraph]) -> None:
    """Join the halves of paragraphs that were interrupted within a page."""
    index = 0
    while index < len(found):
        rest = _next_text(found, index + 1) if found[index].flows else None
        if rest is not None and may_continue(found[index], found[rest]):
            whole = replace(found[index], lines=found[index].lines + found[rest].lines)
            between = found[index + 1 : rest]
            # What goes on from the page before has to stay the first of its page.
            found[index : rest + 1] = [whole, *between] if whole.continues else [*between, whole]
            index += 0 if whole.continues else len(between)
        else:
            index += 1


def _mend_break(found: list[Paragraph], following: list[Paragraph]) -> None:
    """Join a paragraph at the end of a page to its rest on the next."""
    texts = [index for index, paragraph in enumerate(found) if paragraph.flows]
    rest = _next_text(following, 0)
    if not texts or rest is None or not may_continue(found[texts[-1]], following[rest]):
        return
    if found[texts[-1]].continues and len(found) > 1:
        return  # it cannot be both the first on its page and the last
    first = found.pop(texts[-1])
    first.interrupted = True
    found.append(first)
    second = following.pop(rest)
    second.continues = True
    following.insert(0, second)


def _next_text(found: list[Paragraph], start: int) -> int | None:
    """The next paragraph of running text, at most a few floats away; None if a heading comes first."""
    for index in range(start, min(len(found), start + _MAX_FLOATS)):
        if found[index].kind is BlockKind.HEADING:
            return None
        if found[index].flows:
            return index
    return None


def _is_text(paragraph: Paragraph, body: float) -> bool:
    """Whether it is running text and not a float: footnote, caption, table, side note."""
    return (
        paragraph.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
        and paragraph.lines[0].upright
        and paragraph.size >= _SMALL * body
        and not _CAPTION.match(paragraph.lines[0].text)
        and not _is_label(paragraph)
    )


def _is_label(paragraph: Paragraph) -> bool:
    """A few words on a line of their own, as in figures; the short rest of a sentence is none."""
    text = paragraph.lines[0].text
    return (
        len(paragraph.lines) == 1
        and len(text) < _LABEL_CHARS
        and not text[:1].islower()
        and text[-1:] not in ".-"
    )


def _running_heads(pages: list[PageText], flow: list[list[Paragraph]]) -> set[int]:
    """Identities of page numbers and of lines repeated at the edges of several pages."""
    edges = [
        (paragraph, _DIGITS.sub("#", paragraph.text))
        for page, found in zip(pages, flow, strict=True)
        for paragraph in _at_edges(page, found)
    ]
    counts = Counter(pattern for _, pattern in edges)
    needed = min(_REPEATS, max(2, len(pages)))
    return {
        id(paragraph)
        for paragraph, pattern in edges
        if counts[pattern] >= needed or _PAGE_NUMBER.fullmatch(paragraph.text)
    }


def _at_edges(page: PageText, found: list[Paragraph]) -> Iterator[Paragraph]:
    """The single lines in the margins of a page and those with nothing above or below them."""
    upright = [line.box for line in page.lines if line.upright]
    lowest = max(_MARGIN * page.height, min((box[3] for box in upright), default=0.0))
    highest = min((1 - _MARGIN) * page.height, max((box[1] for box in upright), default=0.0))
    for paragraph in found:
        line = paragraph.lines[0]
        at_edge = line.box[3] <= lowest or line.box[1] >= highest
        if at_edge and len(paragraph.lines) == 1 and line.upright:
            yield paragraph
