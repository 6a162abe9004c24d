"""What an answer from many passages is made of, before it is put into words and footnotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.records import Coverage, DocumentRef, Evidence, Notice, Passage
from rag.retrieval.units import Unit

MOST_CITATIONS = 20
"""Footnotes of such an answer, unless the caller wants fewer."""
PASSAGES_SHOWN = 20
"""Passages named with the event that tells what was found."""


@dataclass(frozen=True, slots=True)
class SurveyItem:
    """A piece of evidence with what is said of it: the evidence itself, or the part of it that is ``text``.

    ``group`` names what it belongs to, a document or a compared thing.
    """

    evidence: Evidence
    text: str
    group: str = ""

    @property
    def whole(self) -> bool:
        return self.text == self.evidence.text


@dataclass(frozen=True, slots=True)
class Survey:
    """``statement`` comes first and rests on all items; ``partial``: something that was asked for is missing.

    ``passages`` are those that were read, or the first of them.
    """

    items: Sequence[SurveyItem]
    coverage: Coverage
    passages: Sequence[Passage]
    statement: str = ""
    partial: bool = False
    notes: tuple[Notice, ...] = ()


def evidence_of(unit: Unit, number: int, score: float = 1.0) -> Evidence:
    """A unit as evidence that can be cited by ``number``."""
    start, end = unit.place
    passage = unit.passage
    return Evidence(
        number=number,
        document=passage.document,
        version_id=passage.version_id,
        page=passage.page,
        start=start,
        end=end,
        text=unit.text,
        context=passage.context,
        score=score,
    )


def spread(owners: Sequence[DocumentRef], limit: int) -> list[int]:
    """Which of a row of items to show when only ``limit`` can be: in turn one of each document, in order."""
    turns: dict[str, int] = {}
    ranked = []
    for at, owner in enumerate(owners):
        turns[owner.id] = turns.get(owner.id, 0) + 1
        ranked.append((turns[owner.id], at))
    return sorted(at for _, at in sorted(ranked)[:limit])
