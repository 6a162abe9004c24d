"""Footnotes: numbered as they appear, read back from the stored text, and only then delivered."""

from __future__ import annotations

from collections.abc import Sequence

from rag.records import AnswerSentence, Box, Citation, Evidence, PageKind, Verdict
from rag.stores import texts
from rag.stores.database import Database
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
            pages = texts.pages_touching(tx, item.version_id, item.start, item.end)
            headings = texts.headings_above(tx, item.version_id, item.start)
            kind = texts.page_kind(tx, item.version_id)
        if quote != item.text:
            return None
        boxes: tuple[Box, ...] = texts.line_boxes(pages[0].words, item.start, item.end) if pages else ()
        return Citation(
            number=number,
            document=item.document,
            page=pages[0].number if pages and kind is not PageKind.LINES else None,
            start=item.start,
            end=item.end,
            quote=quote,
            score=round(item.score, 3),
            boxes=boxes or None,
            locator=locator(kind, pages, headings, item.start, item.end),
            headings=headings,
        )


class AnswerText:
    """The text of an answer as it grows, with the place of each sentence in it."""

    def __init__(self) -> None:
        self.text = ""
        self.sentences: list[AnswerSentence] = []

    def add(self, text: str, verdict: Verdict, support: float, citations: Sequence[int]) -> AnswerSentence:
        """Append a sentence and its footnote marks."""
        plain = " ".join(text.split())
        start = len(self.text) + (1 if self.text else 0)
        marks = "".join(f"[{number}]" for number in citations)
        self.text += (" " if self.text else "") + plain + (f" {marks}" if marks else "")
        sentence = AnswerSentence(
            text=plain,
            start=start,
            end=start + len(plain),
            verdict=verdict,
            support=round(support, 3),
            citations=tuple(citations),
        )
        self.sentences.append(sentence)
        return sentence
