"""From passages to the few sentences that answer: what is quoted, and all the generator gets to see."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rag.models.span_reader import FoundSpan, SpanReader
from rag.records import Evidence, Passage
from rag.retrieval.answerability import Features, answerability, calibration
from rag.retrieval.dense import Encoder
from rag.retrieval.fusion import z_scores
from rag.retrieval.hybrid import SearchResult
from rag.retrieval.operating_point import refusal_threshold
from rag.retrieval.query import Query
from rag.retrieval.vector_cache import VectorCache
from rag.text.sentences import sentence_spans
from rag.text.words import numbers, stems, words

PASSAGES = 5
"""Passages whose sentences are looked at: the right one is among them for 99 % of development questions."""
MAX_SENTENCES = 96
"""Bound on the work of one question, whatever the passages look like."""
NUMBER_WEIGHT = 2.0
"""Standard deviations by which a sentence with a number leads where one is asked for. No gain and no loss on
the development questions, but a heading that repeats the question no longer answers "how many"."""
PASSAGES_READ = 4
"""Passages the reader looks into: those of the sentences that lead without it."""
READER_WEIGHT = 0.25
"""Standard deviations that a factor of e in the reader's odds is worth."""
READER_BOUND = 10.0
"""Log-odds, either way, beyond which the reader is not listened to more."""
FALSE_REFUSALS = 0.03
SAME_QUESTION = 0.5
"""Cosine from which on a question in a document asks for much the same."""
_LONGEST_PAIR = 400
"""Code points of a sentence and the one before it that are quoted together."""
_LONGEST_SENTENCE = 600
"""Code points; a longer run without a sentence end (a table, a list of names) is cut at white space."""
_HEADING_WORDS = 10
_PAGE_MARK = re.compile(r"(?:page|seite|p\.)?\s*\d{1,4}(?:\s*(?:/|of|von)\s*\d{1,4})?", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"[\"'“‘(]*(?:it|its|he|his|she|her|they|their|this|these|those|that|such|both|the latter|the former)\b",
    re.IGNORECASE,
)
"""How a sentence begins that is about what the one before it named."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """``passage.text[start:end]``. ``asked`` is where the question before it begins, if it follows one: the
    answers of help pages, interviews and forms say little without."""

    passage: Passage
    start: int
    end: int
    asked: int | None = None

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def question(self) -> str:
        """What is asked before it; empty where nothing is."""
        return "" if self.asked is None else self.passage.text[self.asked : self.start].rstrip()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage. ``features`` describe how it stands to the question; ``pointed`` is what
    of it the reader takes for the answer."""

    sentence: _Sentence
    features: Features
    score: float
    pointed: str = ""

    @property
    def passage(self) -> Passage:
        return self.sentence.passage

    @property
    def start(self) -> int:
        """In the document's text, as ``end`` is."""
        return self.passage.start + self.sentence.start

    @property
    def end(self) -> int:
        return self.passage.start + self.sentence.end


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen sentences, numbered from 1, best first, and how likely they hold the answer (0..1).

    ``sufficient`` is whether that is enough to answer at all. ``features`` are those the likelihood was
    computed from, None where nothing was found.
    """

    evidence: Sequence[Evidence]
    answerability: float
    sufficient: bool
    features: Features | None = None


class EvidenceSelector:
    """Ranks sentences by meaning, by words shared with the question, by their passage, and by what a
    reader says who has read the passage with the question in mind.

    Args:
        encoder: gives the vectors of sentences.
        reader: points at answers.
        false_refusals: share of answerable questions that may be found insufficient, 0 to 0.2.
    """

    def __init__(
        self, encoder: Encoder, reader: SpanReader, *, false_refusals: float = FALSE_REFUSALS
    ) -> None:
        self._vectors = VectorCache(encoder)
        self._reader = reader
        self._least = refusal_threshold(calibration().refuse, false_refusals)

    def select(self, result: SearchResult, limit: int) -> Selection:
        """Up to ``limit`` sentences of the result's first passages; none if there are no passages."""
        ranked = self._rank(result.query, result.passages[:PASSAGES])
        if not ranked:
            return Selection((), 0.0, sufficient=False)
        best_of_all = Features.best(candidate.features for candidate in ranked)
        evidence = _chosen(_distinct(ranked), limit)
        likelihood = answerability(best_of_all)
        return Selection(evidence, likelihood, likelihood >= self._least, best_of_all)

    def likeness(self, some: Sequence[str], others: Sequence[str]) -> Sequence[float]:
        """For each of the first words its highest cosine with any of the second; neither list is empty."""
        cosines = self._vectors.of(some) @ self._vectors.of(others).T
        return [float(one) for one in cosines.max(axis=1)]

    def _rank(self, query: Query, passages: Sequence[Passage]) -> list[Candidate]:
        quotable = [sentence for passage in passages for sentence in _quotable(passage)]
        located = (quotable or [one for passage in passages for one in _whatever(passage)])[:MAX_SENTENCES]
        if not located:
            return []
        located = self._asked_alike(query, located)
        texts = [sentence.text for sentence in located]
        # A sentence that begins with "It" is understood, and therefore found, with the one before it.
        read = [_understood(located, at) for at in range(len(located))]
        similarities = np.maximum(
            self._vectors.of(texts) @ query.vector, self._vectors.of(read) @ query.vector
        )
        coverages = [
            query.coverage(frozenset(stems(text)) | frozenset(stems(sentence.passage.context)))
            for text, sentence in zip(read, located, strict=True)
        ]
        totals = z_scores([sentence.passage.score for sentence in located]) + z_scores(similarities.tolist())
        totals += z_scores(coverages)
        if query.wants_number():
            asked = numbers(query.text)
            totals += NUMBER_WEIGHT * np.array([bool(numbers(text) - asked) for text in texts])
        read_spans = self._read(query, located, totals)
        totals += READER_WEIGHT * np.array([_bounded(found) for found in read_spans])
        held = {
            passage.chunk_id: query.coverage(frozenset(stems(f"{passage.context} {passage.text}")))
            for passage in passages
        }
        ranked = [
            Candidate(
                sentence,
                features=Features(
                    similarity=float(similarity),
                    coverage=coverage,
                    passage_coverage=held[sentence.passage.chunk_id],
                    passage_similarity=sentence.passage.scores.get("dense", 0.0),
                    reading=_bounded(found),
                ),
                score=float(total),
                pointed=sentence.passage.text[found.start : found.end] if found else "",
            )
            for sentence, similarity, coverage, total, found in zip(
                located, similarities, coverages, totals, read_spans, strict=True
            )
        ]
        return sorted(ranked, key=lambda candidate: -candidate.score)

    def _asked_alike(self, query: Query, located: Sequence[_Sentence]) -> list[_Sentence]:
        """The same, each with the question before it only if that asks much the same as ``query``: another
        one is no part of the answer, and may have been put there for the generator to answer it."""
        following = [one for one in located if one.asked is not None]
        if not following:
            return list(located)
        alike = self._vectors.of([one.question for one in following]) @ query.vector >= SAME_QUESTION
        related = {id(one) for one, kept in zip(following, alike, strict=True) if kept}
        return [one if id(one) in related else replace(one, asked=None) for one in located]

    def _read(
        self, query: Query, located: Sequence[_Sentence], totals: NDArray[np.float64]
    ) -> list[FoundSpan | None]:
        """For each sentence what the reader points at in it; None for those it has not read."""
        leading: dict[int, Passage] = {}
        for at in np.argsort(-totals, kind="stable"):
            passage = located[at].passage
            if len(leading) < PASSAGES_READ:
                leading.setdefault(passage.chunk_id, passage)
        readings = dict(
            zip(leading, self._reader.read(query.text, [one.text for one in leading.values()]), strict=True)
        )
        return [
            readings[one.passage.chunk_id].best(one.start, one.end)
            if one.passage.chunk_id in readings
            else None
            for one in located
        ]


def _bounded(found: FoundSpan | None) -> float:
    """The reader's log-odds; what it has not read it takes for nothing."""
    return max(-READER_BOUND, min(READER_BOUND, found.score)) if found else -READER_BOUND


def _chosen(ranked: Sequence[Candidate], limit: int) -> list[Evidence]:
    """The best, numbered, none of which says again what another one quotes."""
    chosen: list[Evidence] = []
    for candidate in ranked:
        start = _quoted_from(candidate)
        if _meets(chosen, candidate, start):
            start = candidate.start
        if len(chosen) < limit and not _meets(chosen, candidate, start):
            chosen.append(_evidence(len(chosen) + 1, candidate, start))
    return chosen


def _meets(chosen: Sequence[Evidence], candidate: Candidate, start: int) -> bool:
    version = candidate.passage.version_id
    return any(one.version_id == version and one.start < candidate.end and start < one.end for one in chosen)


def _evidence(number: int, candidate: Candidate, start: int) -> Evidence:
    passage = candidate.passage
    return Evidence(
        number=number,
        document=passage.document,
        version_id=passage.version_id,
        page=passage.page,
        start=start,
        end=candidate.end,
        text=passage.text[start - passage.start : candidate.end - passage.start],
        context=passage.context,
        score=answerability(candidate.features),
        pointed=candidate.pointed,
    )


def _quoted_from(candidate: Candidate) -> int:
    """Where its quotation begins: with the question it answers, or with the sentence before when that is what
    "it" stands for."""
    sentence, text = candidate.sentence, candidate.passage.text
    first = sentence.asked
    if first is None and _POINTS_BACK.match(text, sentence.start):
        first = _antecedent(sentence)
    if first is None or sentence.end - first > _LONGEST_PAIR:
        return candidate.start
    return candidate.passage.start + first


def _antecedent(sentence: _Sentence) -> int | None:
    """Where the sentence begins that stands right before this one, on the same line."""
    text = sentence.passage.text
    spans = ((one.start, one.end) for one in _quotable(sentence.passage) if one.end <= sentence.start)
    before = max(spans, default=None)
    if before is None or text[before[1] : sentence.start].strip(" "):
        return None
    return max(before[0], text.rfind("\n", before[0], before[1]) + 1)


def _understood(located: Sequence[_Sentence], at: int) -> str:
    """The sentence as a reader understands it: with the question it answers; one that points back together
    with the one before it."""
    sentence = located[at]
    text, first = sentence.passage.text, sentence.start
    if sentence.asked is not None:
        first = sentence.asked
    elif at and _POINTS_BACK.match(text, first) and located[at - 1].passage is sentence.passage:
        first = located[at - 1].start
    return text[first : sentence.end]


def _quotable(passage: Passage) -> list[_Sentence]:
    """The sentences worth quoting: no headings and no questions (they name an answer, they are none), none
    endless, nothing that the page carries besides its content. Headings where there is nothing else."""
    text = passage.text
    titles = set(re.split(r" > |\n", passage.context))
    kept: list[_Sentence] = []
    headings: list[_Sentence] = []
    asked: int | None = None
    for start, end in _spans(passage):
        said = text[start:end]
        if _is_question(said):
            asked = start
        elif _is_heading(said) or said in titles:
            headings.append(_Sentence(passage, start, end))
        else:
            pieces = _cut(text, start, end)
            kept += [_Sentence(passage, *piece, asked if piece is pieces[0] else None) for piece in pieces]
            asked = None
    return kept or headings


def _whatever(passage: Passage) -> list[_Sentence]:
    """All that a passage says, for when nothing is worth quoting."""
    pieces = [piece for span in _spans(passage) for piece in _cut(passage.text, *span)]
    return [_Sentence(passage, *piece) for piece in pieces]


def _spans(passage: Passage) -> list[tuple[int, int]]:
    omitted = passage.relative_omissions()
    return [
        (start, end)
        for start, end in sentence_spans(passage.text)
        if not any(span.start < end and start < span.end for span in omitted)
    ]


def _is_question(sentence: str) -> bool:
    return sentence.rstrip("\"'”’)]»*_ ")[-1:] in ("?", "？", "؟")


def _is_heading(sentence: str) -> bool:
    if len(words(sentence)) <= _HEADING_WORDS and _ends_with_page_mark(sentence):
        return True
    finished = sentence.rstrip("\"'”’)]")[-1:] in tuple(".!?:;。！？…")
    return (
        not finished
        and len(words(sentence)) <= _HEADING_WORDS
        and not any(c in sentence for c in "|\t0123456789")
    )


def _ends_with_page_mark(sentence: str) -> bool:
    """A running header or footer: "Annual report - page 3", "12"."""
    return bool(_PAGE_MARK.fullmatch(re.split(r"\s[-–—|·]\s", sentence.strip())[-1]))


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    pieces = []
    while end - start > _LONGEST_SENTENCE:
        space = text.rfind(" ", start + _LONGEST_SENTENCE // 2, start + _LONGEST_SENTENCE)
        cut = space if space > 0 else start + _LONGEST_SENTENCE
        pieces.append((start, cut))
        start = cut + 1 if space > 0 else cut
    pieces.append((start, end))
    return pieces


def _distinct(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Without sentences that say the same words again (copies of a document, overlapping passages)."""
    seen: set[tuple[str, ...]] = set()
    kept = []
    for candidate in ranked:
        text = candidate.sentence.text
        key = tuple(words(text)) or (text,)
        if key not in seen:
            seen.add(key)
            kept.append(candidate)
    return kept
