"""From passages to the few sentences that answer: what is quoted, and all the generator gets to see."""

from __future__ import annotations

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
from rag.retrieval.quotable import Sentence, sentences, understood
from rag.retrieval.quotations import Candidate, quotations
from rag.retrieval.vector_cache import VectorCache
from rag.text.words import numbers, stems

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
        likelihood = answerability(best_of_all)
        own = numbers(result.query.text) if result.query.wants_number() else None
        chosen = quotations(ranked, limit, own_numbers=own)
        return Selection(chosen, likelihood, likelihood >= self._least, best_of_all)

    def likeness(self, some: Sequence[str], others: Sequence[str]) -> Sequence[float]:
        """For each of the first words its highest cosine with any of the second; neither list is empty."""
        cosines = self._vectors.of(some) @ self._vectors.of(others).T
        return [float(one) for one in cosines.max(axis=1)]

    def _rank(self, query: Query, passages: Sequence[Passage]) -> list[Candidate]:
        located = sentences(passages)[:MAX_SENTENCES]
        if not located:
            return []
        located = self._asked_alike(query, located)
        texts = [sentence.text for sentence in located]
        # A sentence that begins with "It" is understood, and therefore found, with the one before it.
        read = [understood(located, at) for at in range(len(located))]
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

    def _asked_alike(self, query: Query, located: Sequence[Sentence]) -> list[Sentence]:
        """The same, each with the question before it only if that asks much the same as ``query``: another
        one is no part of the answer, and may have been put there for the generator to answer it."""
        following = [one for one in located if one.asked is not None]
        if not following:
            return list(located)
        alike = self._vectors.of([one.question for one in following]) @ query.vector >= SAME_QUESTION
        related = {id(one) for one, kept in zip(following, alike, strict=True) if kept}
        return [one if id(one) in related else replace(one, asked=None) for one in located]

    def _read(
        self, query: Query, located: Sequence[Sentence], totals: NDArray[np.float64]
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
