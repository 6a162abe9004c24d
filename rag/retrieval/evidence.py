"""From passages to the few sentences that answer: what is quoted, and all the generator gets to see."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rag.records import Evidence, Passage
from rag.retrieval.answerability import Features, answerability
from rag.retrieval.dense import Encoder
from rag.retrieval.fusion import z_scores
from rag.retrieval.hybrid import SearchResult
from rag.retrieval.query import Query
from rag.text.sentences import sentence_spans
from rag.text.words import numbers, stems, words

PASSAGES = 5
"""Passages whose sentences are looked at: the right one is among them for 99 % of development questions."""
MAX_SENTENCES = 96
"""Bound on the work of one question, whatever the passages look like."""
NUMBER_WEIGHT = 2.0
"""Standard deviations by which a sentence with a number leads where one is asked for. No gain and no loss on
the development questions, but a heading that repeats the question no longer answers "how many"."""
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
class Candidate:
    """A sentence of a passage. ``features`` describe how it stands to the question."""

    passage: Passage
    start: int
    end: int
    text: str
    features: Features
    score: float


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen sentences, numbered from 1, best first, and how likely they hold the answer (0..1).

    ``features`` are those the likelihood was computed from, None where nothing was found.
    """

    evidence: Sequence[Evidence]
    answerability: float
    features: Features | None = None


class EvidenceSelector:
    """Ranks sentences by meaning, by words shared with the question and by their passage."""

    def __init__(self, encoder: Encoder) -> None:
        self._vectors = _VectorCache(encoder)

    def select(self, result: SearchResult, limit: int) -> Selection:
        """Up to ``limit`` sentences of the result's first passages; none if there are no passages."""
        ranked = self._rank(result.query, result.passages[:PASSAGES])
        if not ranked:
            return Selection((), 0.0)
        best_of_all = Features.best(candidate.features for candidate in ranked)
        evidence = [
            Evidence(
                number=number,
                document=candidate.passage.document,
                version_id=candidate.passage.version_id,
                page=candidate.passage.page,
                start=candidate.start,
                end=candidate.end,
                text=candidate.text,
                context=candidate.passage.context,
                score=answerability(candidate.features),
            )
            for number, candidate in enumerate(_distinct(ranked)[:limit], start=1)
        ]
        return Selection(evidence, answerability(best_of_all), best_of_all)

    def _rank(self, query: Query, passages: Sequence[Passage]) -> list[Candidate]:
        located = [(passage, start, end) for passage in passages for start, end in _quotable(passage)][
            :MAX_SENTENCES
        ]
        if not located:
            return []
        texts = [passage.text[start:end] for passage, start, end in located]
        # A sentence that begins with "It" is understood, and therefore found, with the one before it.
        read = [_with_antecedent(located, at) for at in range(len(located))]
        similarities = np.maximum(
            self._vectors.of(texts) @ query.vector, self._vectors.of(read) @ query.vector
        )
        coverages = [
            query.coverage(frozenset(stems(text)) | frozenset(stems(passage.context)))
            for text, (passage, _, _) in zip(read, located, strict=True)
        ]
        totals = z_scores([passage.score for passage, _, _ in located]) + z_scores(similarities.tolist())
        totals += z_scores(coverages)
        if query.wants_number():
            asked = numbers(query.text)
            totals += NUMBER_WEIGHT * np.array([bool(numbers(text) - asked) for text in texts])
        held = {
            passage.chunk_id: query.coverage(frozenset(stems(f"{passage.context} {passage.text}")))
            for passage in passages
        }
        ranked = [
            Candidate(
                passage=passage,
                start=passage.start + start,
                end=passage.start + end,
                text=text,
                features=Features(
                    similarity=float(similarity),
                    coverage=coverage,
                    passage_coverage=held[passage.chunk_id],
                    passage_similarity=passage.scores.get("dense", 0.0),
                ),
                score=float(total),
            )
            for (passage, start, end), text, similarity, coverage, total in zip(
                located, texts, similarities, coverages, totals, strict=True
            )
        ]
        return sorted(ranked, key=lambda candidate: -candidate.score)


def _with_antecedent(located: Sequence[tuple[Passage, int, int]], at: int) -> str:
    """The sentence as a reader understands it: one that points back together with the one before it."""
    passage, start, end = located[at]
    if at and _POINTS_BACK.match(passage.text, start) and located[at - 1][0] is passage:
        return passage.text[located[at - 1][1] : end]
    return passage.text[start:end]


def _quotable(passage: Passage) -> list[tuple[int, int]]:
    """The sentences worth quoting: no headings (they name an answer, they are none), none endless, nothing
    that the page carries besides its content."""
    text = passage.text
    omitted = passage.relative_omissions()
    spans = [
        (start, end)
        for start, end in sentence_spans(text)
        if not any(span.start < end and start < span.end for span in omitted)
    ]
    kept = [span for span in spans if not _is_heading(text[span[0] : span[1]])] or spans
    return [piece for start, end in kept for piece in _cut(text, start, end)]


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
        key = tuple(words(candidate.text)) or (candidate.text,)
        if key not in seen:
            seen.add(key)
            kept.append(candidate)
    return kept


class _VectorCache:
    """Vectors of recently seen sentences: a second question about a passage embeds nothing."""

    def __init__(self, encoder: Encoder, capacity: int = 8192) -> None:
        self._encoder = encoder
        self._capacity = capacity
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows in the order of ``texts``, which is not empty."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
            for text in found:
                self._known.move_to_end(text)
        missing = list(dict.fromkeys(text for text in texts if text not in found))
        fresh = dict(zip(missing, self._encoder.encode(missing), strict=True)) if missing else {}
        with self._lock:
            self._known.update(fresh)
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)
        found |= fresh
        return np.stack([found[text] for text in texts])
