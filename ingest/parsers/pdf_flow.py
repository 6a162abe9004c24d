"""What goes on across lines, columns and pages: hyphenated words and interrupted paragraphs."""

from __future__ import annotations

import re
from collections import Counter
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
            cut = False
            for line in page.lines:
                words = _COMPOUND.findall(line.text.lower())
                self._known.update(words[cut : len(words) - line.hyphenated])  # whole words only
                cut = line.hyphenated

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
    for number, found in enumerate(arranged):
        _mend_page(found, heads, body)
        if number + 1 < len(arranged):
            _mend_break(found, arranged[number + 1], heads, body)
    return arranged


def _mend_page(found: list[Paragraph], heads: set[int], body: float) -> None:
    """Join the halves of paragraphs that were interrupted within a page."""
    index = 0
    while index < len(found):
        rest = _next_text(found, index + 1, heads, body)
        if (
            rest is not None
            and _is_text(found[index], heads, body)
            and may_continue(found[index], found[rest])
        ):
            whole = replace(found[index], lines=found[index].lines + found[rest].lines)
            found[index : rest + 1] = [*found[index + 1 : rest], whole]
            index = rest - 1
        else:
            index += 1


def _mend_break(found: list[Paragraph], following: list[Paragraph], heads: set[int], body: float) -> None:
    """Join a paragraph at the end of a page to its rest on the next."""
    texts = [index for index, paragraph in enumerate(found) if _is_text(paragraph, heads, body)]
    rest = _next_text(following, 0, heads, body)
    if not texts or rest is None or not may_continue(found[texts[-1]], following[rest]):
        return
    first = found.pop(texts[-1])
    first.interrupted = True
    found.append(first)
    second = following.pop(rest)
    second.continues = True
    following.insert(0, second)


def _next_text(found: list[Paragraph], start: int, heads: set[int], body: float) -> int | None:
    """The next paragraph of running text, at most a few floats away; None if a heading comes first."""
    for index in range(start, min(len(found), start + _MAX_FLOATS)):
        if found[index].kind is BlockKind.HEADING:
            return None
        if _is_text(found[index], heads, body):
            return index
    return None


def _is_text(paragraph: Paragraph, heads: set[int], body: float) -> bool:
    """Whether it is running text and not a float: running head, footnote, caption, table, side note."""
    return (
        paragraph.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
        and id(paragraph) not in heads
        and paragraph.lines[0].upright
        and paragraph.size >= _SMALL * body
        and not _CAPTION.match(paragraph.lines[0].text)
        and not _is_label(paragraph)
    )


def _is_label(paragraph: Paragraph) -> bool:
    """A few words on a line of their own, as in figures; the short rest of a sentence is none."""
    text = paragraph.text
    return (
        len(paragraph.lines) == 1
        and len(text) < _LABEL_CHARS
        and not text[:1].islower()
        and text[-1:] not in ".-"
    )


def _running_heads(pages: list[PageText], flow: list[list[Paragraph]]) -> set[int]:
    """Identities of page numbers and of lines repeated at the edges of several pages."""
    edges = [
        paragraph
        for page, found in zip(pages, flow, strict=True)
        for paragraph in found
        if len(paragraph.lines) == 1 and paragraph.lines[0].upright and _at_edge(paragraph, page)
    ]
    counts = Counter(_pattern(paragraph) for paragraph in edges)
    needed = min(_REPEATS, max(2, len(pages)))
    return {
        id(paragraph)
        for paragraph in edges
        if _PAGE_NUMBER.fullmatch(paragraph.text) or counts[_pattern(paragraph)] >= needed
    }


def _at_edge(paragraph: Paragraph, page: PageText) -> bool:
    _, bottom, _, top = paragraph.lines[0].box
    if top < _MARGIN * page.height or bottom > (1 - _MARGIN) * page.height:
        return True
    upright = [line.box for line in page.lines if line.upright]
    return bottom <= min(box[1] for box in upright) or top >= max(box[3] for box in upright)


def _pattern(paragraph: Paragraph) -> str:
    return _DIGITS.sub("#", paragraph.text)
