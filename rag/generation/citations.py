"""Footnotes: numbered as they appear, read back from the stored text, and only then delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.records import AnswerSentence, Box, Citation, DocumentRef, Evidence, PageKind, Verdict
from rag.stores import texts
from rag.stores.database import Database, Tx
from rag.text.items import in_lines
from rag.text.locators import locator


class Footnotes:
    """Turns evidence into checked citations, numbered from 1 in the order they are first used."""

    def __init__(self, database: Database, evidence: Sequence[Evidence]) -> None:
        self._database = database
        self._evidence = {item.number: item for item in evidence}
        self._cited: dict[int, Citation] = {}

    def cite(self, evidence_number: int) -> Citation | None:
        """The citation of a piece of evidence; None when its text is not (any more) what was found."""
        if evidence_number not in self._cited:
            made = self._make(self._evidence[evidence_number], len(self._cited) + 1)
            if made is None:
                return None
            self._cited[evidence_number] = made
        return self._cited[evidence_number]

    def is_cited(self, evidence_number: int) -> bool:
        return evidence_number in self._cited

    @property
    def citations(self) -> tuple[Citation, ...]:
        return tuple(self._cited.values())

    def _make(self, item: Evidence, number: int) -> Citation | None:
        with self._database.read() as tx:
            quote = texts.read_text(tx, item.version_id, item.start, item.end)
            place = place_of(tx, item.version_id, item.start, item.end)
        if quote != item.text:
            return None
        return citation_at(place, number, item.document, (item.start, item.end), quote, item.score)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span stands, for a person to find: on which page, under which headings, in which boxes."""

    page: int | None
    locator: str
    headings: tuple[str, ...]
    boxes: tuple[Box, ...]


def place_of(tx: Tx, version_id: int, start: int, end: int) -> Place:
    """Where ``[start, end)`` of a version's text stands."""
    pages = texts.pages_touching(tx, version_id, start, end)
    headings = texts.headings_above(tx, version_id, start)
    kind = texts.page_kind(tx, version_id)
    return Place(
        page=pages[0].number if pages and kind is not PageKind.LINES else None,
        locator=locator(kind, pages, headings, start, end),
        headings=headings,
        boxes=texts.line_boxes(pages[0].words, start, end) if pages else (),
    )


def citation_at(
    place: Place, number: int, document: DocumentRef, span: tuple[int, int], quote: str, score: float
) -> Citation:
    """The footnote ``number`` for the ``quote`` that stands at ``span``."""
    return Citation(
        number=number,
        document=document,
        page=place.page,
        start=span[0],
        end=span[1],
        quote=quote,
        score=round(score, 3),
        boxes=place.boxes or None,
        locator=place.locator,
        headings=place.headings,
    )


class AnswerText:
    """The text of an answer as it grows, with the place of each sentence in it."""

    def __init__(self) -> None:
        self.text = ""
        self.sentences: list[AnswerSentence] = []

    def add(
        self,
        text: str,
        verdict: Verdict,
        support: float,
        citations: Sequence[int],
        *,
        group: str = "",
        item: bool = False,
        apart: bool = False,
    ) -> AnswerSentence:
        """Append a sentence and its footnote marks.

        Args:
            group: what it is said of.
            item: it stands on a line of its own, below its group.
            apart: it begins a paragraph, so that nobody reads it as going on with what was said before.
        """
        plain = in_lines(text)
        marks = "".join(f"[{number}]" for number in citations)
        if item:
            self.text += self._before(group)
        elif self.text:
            self.text += "\n\n" if apart else " "
        start = len(self.text)
        self.text += plain + (f" {marks}" if marks else "")
        sentence = AnswerSentence(
            text=plain,
            start=start,
            end=start + len(plain),
            verdict=verdict,
            support=round(support, 3),
            citations=tuple(citations),
            group=group,
        )
        self.sentences.append(sentence)
        return sentence

    def _before(self, group: str) -> str:
        """What leads to an item: its group's name where that is another than the last one's."""
        opened = self.sentences[-1].group if self.sentences else ""
        heading = f"{group}:\n" if group and group != opened else ""
        return ("\n" if self.text else "") + heading + "- "
