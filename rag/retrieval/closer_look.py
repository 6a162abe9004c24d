"""The second look at what the rankings agree on: the best candidates, read sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import pairwise

from rag.records import Passage
from rag.retrieval.fusion import fuse
from rag.retrieval.named_documents import NamedDocuments
from rag.retrieval.query import Query
from rag.text.forms import without
from rag.text.sentences import sentence_spans
from rag.text.words import numbers, stems

# Weights of the normalised scores, beside those of the first pass (see ``hybrid``).
FOCUS_WEIGHT = 0.15
PAIRS_WEIGHT = 0.15
FIGURES_WEIGHT = 0.5
"""Counts only where a figure is asked for: a row that has one before a paragraph about how it is reckoned."""

SAME_PAGE = 0.5
"""What a passage loses for each better one on its page: five hits are to be more than one page."""

_HEADINGS = 3
_LONGEST_HEADING = 120
_YEAR = re.compile(r"(?:19|20)\d\d")


class _Sentence:
    """A sentence taken apart as far as it is asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.stems = tuple(stems(text))

    @cached_property
    def figures(self) -> frozenset[str]:
        """The numbers in it that are no years."""
        return frozenset(number for number in numbers(self._text) if not _YEAR.fullmatch(number))


def look_closer(
    query: Query, passages: Sequence[Passage], named: NamedDocuments, *, wants_figure: bool
) -> list[Passage]:
    """Order by the first-pass score and by how well a single sentence covers the question.

    What a passage stands under, and what the question calls its document, counts for each of its
    sentences: a row of a balance sheet names neither the company nor the year nor the balance sheet.
    """
    asked, asked_pairs = numbers(query.text), frozenset(pairwise(query.stems))
    focus: dict[int, float] = {}
    pairs: dict[int, float] = {}
    figures: dict[int, float] = {}
    for at, passage in enumerate(passages):
        said = without(passage.text, passage.relative_omissions())
        setting = frozenset(stems(f"{passage.context} {_opening_headings(said)}"))
        setting |= named.naming_stems(passage.chunk_id)
        sentences = _sentences(said)
        covered = [query.coverage(setting.union(one.stems)) for one in sentences]
        focus[at] = max(covered)
        pairs[at] = max(len(asked_pairs.intersection(pairwise(one.stems))) for one in sentences)
        if wants_figure:
            with_figures = zip(covered, sentences, strict=True)
            figures[at] = max((share for share, one in with_figures if one.figures - asked), default=0.0)
    rankings = [(focus, FOCUS_WEIGHT), (pairs, PAIRS_WEIGHT)]
    if wants_figure:
        rankings.append((figures, FIGURES_WEIGHT))
    closer = fuse(rankings, range(len(passages)))
    rescored = [
        replace(passage, score=passage.score + closer[at], scores={**passage.scores, "focus": focus[at]})
        for at, passage in enumerate(passages)
    ]
    return _spread(_ordered(rescored))


def _spread(ordered: Sequence[Passage]) -> list[Passage]:
    """Passages of a page that has been shown already come later."""
    seen: dict[tuple[str, int], int] = {}
    spread = []
    for passage in ordered:
        if passage.page is None:
            spread.append(passage)
            continue
        place = passage.document.id, passage.page
        before = seen.get(place, 0)
        seen[place] = before + 1
        spread.append(replace(passage, score=passage.score - SAME_PAGE * before))
    return _ordered(spread)


def _ordered(passages: Sequence[Passage]) -> list[Passage]:
    return sorted(passages, key=lambda passage: (-passage.score, passage.chunk_id))


def _opening_headings(text: str) -> str:
    """The headings a passage begins with: its context names only those above it."""
    found: list[str] = []
    for paragraph in text.split("\n\n", _HEADINGS)[:_HEADINGS]:
        closed = paragraph.rstrip()[-1:] in (".", "!", "?", ";", ":")
        if closed or len(paragraph) > _LONGEST_HEADING or "|" in paragraph:
            break
        found.append(paragraph)
    return " ".join(found)


@lru_cache(maxsize=2048)
def _sentences(text: str) -> Sequence[_Sentence]:
    """At least one. Passages are immutable, and the good ones come again."""
    return tuple(_Sentence(text[start:end]) for start, end in sentence_spans(text)) or (_Sentence(""),)
