"""Hybrid search: nearest vectors and best keywords, joined, then looked at more closely."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rag.records import Coverage, Passage
from rag.retrieval import named_documents
from rag.retrieval.closer_look import look_closer
from rag.retrieval.dense import DenseSearch, DenseView, VectorSpace
from rag.retrieval.fusion import fuse
from rag.retrieval.named_documents import NONE_NAMED, NamedDocuments
from rag.retrieval.query import Query, inverse_frequencies, terms_of
from rag.stores import chunk_store, keyword_index, scopes
from rag.stores.database import Database, Tx
from rag.stores.scopes import ResolvedScope, Scope
from rag.text import business_terms
from rag.text.spelling import most_common, variants

# Weights of the normalised scores. Chosen on the development questions among round numbers; the
# result is flat around them (0.957 to 0.968 of questions with their document first).
DENSE_WEIGHT = 0.6
LEXICAL_WEIGHT = 0.3
NAMED_WEIGHT = 2.0
"""How far ahead a document comes that the question names: further than its passages could be behind, but
nothing is left out. Chosen on made reports among 1, 2 and 3."""

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
            printed = business_terms.as_printed(query)
            wider = (
                _understand(tx, f"{query} {printed}", dense)
                if printed and mode is SearchMode.HYBRID
                else understood
            )
            named = named_documents.find(tx, query, inside) if mode is SearchMode.HYBRID else NONE_NAMED
            found = _candidates(tx, wider, dense, inside, max(DEPTH, 2 * k), mode, named)
            passages = chunk_store.passages(tx, _best(found, max(CLOSER_LOOK, k), mode, named))
            matching = keyword_index.count_matching(tx, _expression(understood), inside, COUNT_LIMIT)
        if mode is SearchMode.HYBRID:
            wants_figure = understood.wants_number() or bool(printed)
            passages = look_closer(wider, passages, named, wants_figure=wants_figure)
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
    """What each ranking knows of the candidates."""

    dense: Mapping[int, float]
    lexical: Mapping[int, float]

    def candidates(self) -> list[int]:
        return list(dict.fromkeys([*self.dense, *self.lexical]))


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
    tx: Tx,
    query: Query,
    view: DenseView,
    scope: ResolvedScope,
    depth: int,
    mode: SearchMode,
    named: NamedDocuments,
) -> _Found:
    """The best of everything in ``scope``, and the best of the documents that the question names: among
    a hundred look-alikes the right page may be far down."""
    dense: dict[int, float] = {}
    lexical: dict[int, float] = {}
    for searched in [scope] if named.scope is None else [scope, named.scope]:
        if mode is not SearchMode.LEXICAL:
            dense |= view.search(depth, searched.ranges)
        if mode is not SearchMode.DENSE:
            lexical |= dict(keyword_index.search(tx, _expression(query), depth, searched))
    if mode is SearchMode.HYBRID:
        # The cosine of what only the keywords found is known exactly as well.
        dense |= view.scores_of(one for one in lexical if one not in dense)
    return _Found(dense, lexical)


def _best(
    found: _Found, count: int, mode: SearchMode, named: NamedDocuments
) -> dict[int, tuple[float, dict[str, float]]]:
    if mode is SearchMode.HYBRID:
        fused = fuse([(found.dense, DENSE_WEIGHT), (found.lexical, LEXICAL_WEIGHT)], found.candidates())
        fused = {one: score + NAMED_WEIGHT * named.strength(one) for one, score in fused.items()}
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


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
