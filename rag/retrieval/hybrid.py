"""Hybrid search: nearest vectors and best keywords, joined, then looked at more closely."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from rag.records import Coverage, Passage
from rag.retrieval.dense import DenseSearch, DenseView, VectorSpace
from rag.retrieval.fusion import fuse
from rag.retrieval.query import Query, inverse_frequencies, terms_of
from rag.stores import chunk_store, keyword_index, scopes
from rag.stores.database import Database, Tx
from rag.stores.scopes import ResolvedScope, Scope
from rag.text.forms import without
from rag.text.sentences import sentence_spans
from rag.text.spelling import most_common, variants
from rag.text.words import stems

# Weights of the normalised scores. Chosen on the development questions among round numbers; the
# result is flat around them (0.957 to 0.968 of questions with their document first).
DENSE_WEIGHT = 0.6
LEXICAL_WEIGHT = 0.3
FOCUS_WEIGHT = 0.15
PAIRS_WEIGHT = 0.15

DEPTH = 50
"""Candidates taken from each ranking."""
CLOSER_LOOK = 20
"""Candidates whose text is read for the second pass."""
COUNT_LIMIT = 1000
"""Matching passages are counted up to this many."""


class SearchMode(StrEnum):
    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


@dataclass(frozen=True, slots=True)
class SearchResult:
    """``passages`` best first; ``timings`` in milliseconds; ``query`` as it was understood."""

    passages: Sequence[Passage]
    coverage: Coverage
    timings: Mapping[str, float]
    query: Query


class HybridRetriever:
    """Searches what SQL and the vector ``spaces`` hold, the reference space first. Safe to use from many
    threads."""

    def __init__(self, database: Database, spaces: Sequence[VectorSpace]) -> None:
        self._database = database
        self._dense = DenseSearch(spaces)

    def search(self, query: str, scope: Scope, k: int, mode: SearchMode = SearchMode.HYBRID) -> SearchResult:
        """Up to ``k`` passages inside ``scope``.

        Raises ``NotFound`` or ``BadRequest`` for a scope that cannot be, ``Unavailable`` while the
        embedder or the database cannot be used.
        """
        started = time.perf_counter()
        vectors = self._dense.embed(query)
        embedded = time.perf_counter()
        with self._database.read() as tx:
            inside = scopes.resolve(tx, scope)
            dense = self._dense.view(tx, vectors)
            understood = _understand(tx, query, dense)
            candidates, found = _candidates(tx, understood, dense, inside, max(DEPTH, 2 * k), mode)
            passages = chunk_store.passages(tx, _best(found, candidates, max(CLOSER_LOOK, k), mode))
            matching = keyword_index.count_matching(tx, _expression(understood), inside, COUNT_LIMIT)
        if mode is SearchMode.HYBRID:
            passages = _look_closer(understood, passages)
        passages = passages[:k]
        done = time.perf_counter()
        return SearchResult(
            passages=passages,
            coverage=Coverage(
                documents=len({passage.document.id for passage in passages}),
                passages_seen=len(passages),
                passages_matching=max(matching, len(passages)),
            ),
            timings={
                "embed_ms": _milliseconds(embedded - started),
                "search_ms": _milliseconds(done - embedded),
                "total_ms": _milliseconds(done - started),
            },
            query=understood,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    dense: Mapping[int, float]
    lexical: Mapping[int, float]


def _understand(tx: Tx, text: str, view: DenseView) -> Query:
    terms, stemmed = terms_of(text)
    known = keyword_index.document_frequencies(tx, stemmed)
    guessed: list[str] = []
    for unknown in dict.fromkeys(stem for stem in stemmed if stem not in known):
        forms = keyword_index.document_frequencies(tx, sorted(variants(unknown)))
        meant = most_common(forms)
        if meant is not None:
            guessed.append(meant)
            stemmed = tuple(meant if stem == unknown else stem for stem in stemmed)
            known[meant] = forms[meant]
    weights = inverse_frequencies(stemmed, known, len(view))
    return Query(text, terms, tuple(guessed), stemmed, weights, view.vector)


def _expression(query: Query) -> str:
    # A guess is a stem already, and stemming it again would change it; as a beginning it is matched as is.
    return keyword_index.match_expression(query.terms, query.guesses)


def _candidates(
    tx: Tx, query: Query, view: DenseView, scope: ResolvedScope, depth: int, mode: SearchMode
) -> tuple[list[int], _Found]:
    dense: dict[int, float] = {}
    lexical: dict[int, float] = {}
    if mode is not SearchMode.LEXICAL:
        dense = view.search(depth, scope.ranges)
    if mode is not SearchMode.DENSE:
        lexical = dict(keyword_index.search(tx, _expression(query), depth, scope))
    if mode is SearchMode.HYBRID:
        # The cosine of what only the keywords found is known exactly as well.
        dense |= view.scores_of(one for one in lexical if one not in dense)
    return list(dict.fromkeys([*dense, *lexical])), _Found(dense, lexical)


def _best(
    found: _Found, candidates: Sequence[int], count: int, mode: SearchMode
) -> dict[int, tuple[float, dict[str, float]]]:
    if mode is SearchMode.HYBRID:
        fused = fuse([(found.dense, DENSE_WEIGHT), (found.lexical, LEXICAL_WEIGHT)], candidates)
    else:
        fused = dict(found.dense or found.lexical)
    best = sorted(fused, key=lambda one: (-fused[one], one))[:count]
    single = {
        one: {
            name: scores[one]
            for name, scores in (("dense", found.dense), ("lexical", found.lexical))
            if one in scores
        }
        for one in best
    }
    return {one: (fused[one], single[one]) for one in best}


def _look_closer(query: Query, passages: Sequence[Passage]) -> list[Passage]:
    """Order by the first-pass score and by how well a single sentence covers the question."""
    focus: dict[int, float] = {}
    pairs: dict[int, float] = {}
    for at, passage in enumerate(passages):
        context = frozenset(stems(passage.context))
        sentences = _sentence_stems(without(passage.text, passage.relative_omissions()))
        focus[at] = max(query.coverage(context.union(sentence)) for sentence in sentences)
        pairs[at] = max(query.shared_pairs(sentence) for sentence in sentences)
    first_pass = {at: passage.score for at, passage in enumerate(passages)}
    closer = fuse([(focus, FOCUS_WEIGHT), (pairs, PAIRS_WEIGHT)], range(len(passages)))
    rescored = [
        replace(passage, score=first_pass[at] + closer[at], scores={**passage.scores, "focus": focus[at]})
        for at, passage in enumerate(passages)
    ]
    return sorted(rescored, key=lambda passage: (-passage.score, passage.chunk_id))


@lru_cache(maxsize=2048)
def _sentence_stems(text: str) -> Sequence[Sequence[str]]:
    """The stems of each sentence, at least one. Passages are immutable, and the good ones come again."""
    return tuple(tuple(stems(text[start:end])) for start, end in sentence_spans(text)) or ((),)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
