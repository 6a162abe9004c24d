"""Hybrid search: nearest vectors and best keywords, joined, then looked at more closely."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from rag.observability import tracing
from rag.records import Coverage, Passage
from rag.retrieval import named_documents
from rag.retrieval.closer_look import look_closer
from rag.retrieval.dense import Candidates, DenseSearch, DenseView, VectorSpace
from rag.retrieval.fusion import fuse
from rag.retrieval.named_documents import NONE_NAMED, NamedDocuments
from rag.retrieval.query import Query, term_weights, terms_of
from rag.stores import chunk_store, scopes
from rag.stores.database import Database, Tx
from rag.stores.keywords import Keywords, Wanted
from rag.stores.scopes import ResolvedScope, Scope
from rag.text import business_terms
from rag.text.framing import without_framing
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
_WORTH_A_THREAD = 10_000
"""Vectors from which on they are searched beside the keywords."""
_BESIDE = 4
"""So many at once, whoever asks."""


_Near = Callable[[], Candidates]
"""What may be nearest, once it is asked for."""


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
    threads. ``keywords`` are those of the database; None: FTS5 as it is."""

    def __init__(
        self, database: Database, spaces: Sequence[VectorSpace], keywords: Keywords | None = None
    ) -> None:
        self._database = database
        self._dense = DenseSearch(spaces)
        self._keywords = keywords or Keywords()
        self._beside = ThreadPoolExecutor(_BESIDE, thread_name_prefix="nearest")

    def grow(self) -> None:
        """Have what a larger library is searched with made in the background; to be called now and then."""
        self._dense.grow(self._database)
        with self._database.read() as tx:
            self._keywords.maintain(tx, self._database.path)

    def search(self, query: str, scope: Scope, k: int, mode: SearchMode = SearchMode.HYBRID) -> SearchResult:
        """Up to ``k`` passages inside ``scope``, for the question itself without what is said around it.

        Raises ``NotFound`` or ``BadRequest`` for a scope that cannot be, ``Unavailable`` while the
        embedder or the database cannot be used.
        """
        started = time.perf_counter()
        query = without_framing(query)
        with tracing.span("search.embed"):
            vectors = self._dense.embed(query)
        embedded = time.perf_counter()
        with self._database.read() as tx:
            inside, readable = scopes.resolve(tx, scope), scopes.readable(tx, scope.access)
            dense = self._dense.view(tx, vectors)
            # First what takes longest: the words are looked at meanwhile.
            depth = max(DEPTH, 2 * k)
            everywhere = self._near(dense, depth, inside) if mode is not SearchMode.LEXICAL else None
            understood = self._understand(tx, query, dense, readable)
            printed = business_terms.as_printed(query)
            wider = (
                self._understand(tx, f"{query} {printed}", dense, readable)
                if printed and mode is SearchMode.HYBRID
                else understood
            )
            hybrid = mode is SearchMode.HYBRID
            named = named_documents.find(tx, query, inside, readable) if hybrid else NONE_NAMED
            with tracing.span("search.candidates", {"footnote.mode": mode.value}):
                found = self._candidates(tx, wider, dense, inside, depth, mode, named, everywhere)
            passages = chunk_store.passages(tx, _best(found, max(CLOSER_LOOK, k), mode, named), *inside.where)
            matching = self._keywords.count(tx, _wanted(understood), inside, COUNT_LIMIT)
        if mode is SearchMode.HYBRID:
            wants_figure = understood.wants_number() or bool(printed)
            with tracing.span("search.closer_look", {"footnote.passages": len(passages)}):
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

    def _understand(self, tx: Tx, text: str, view: DenseView, readable: ResolvedScope) -> Query:
        """Words are known, guessed and weighed by what the asker may read: a guess from another's documents
        would tell what is in them."""
        terms, stemmed = terms_of(text)
        known = self._keywords.frequencies(tx, stemmed, readable)
        guessed: list[str] = []
        for unknown in dict.fromkeys(stem for stem in stemmed if stem not in known):
            forms = self._keywords.frequencies(tx, sorted(variants(unknown)), readable)
            meant = most_common(forms)
            if meant is not None:
                guessed.append(meant)
                stemmed = tuple(meant if stem == unknown else stem for stem in stemmed)
                known[meant] = forms[meant]
        weights = term_weights(stemmed, known, readable.chunks(len(view)))
        return Query(text, terms, tuple(guessed), stemmed, weights, view.vector)

    def _candidates(
        self,
        tx: Tx,
        query: Query,
        view: DenseView,
        scope: ResolvedScope,
        depth: int,
        mode: SearchMode,
        named: NamedDocuments,
        everywhere: _Near | None,
    ) -> _Found:
        """The best of everything in ``scope``, and the best of the documents that the question names: among
        a hundred look-alikes the right page may be far down. ``everywhere`` gives the nearest in ``scope``;
        without it only keywords are looked for."""
        near = [] if everywhere is None else [everywhere]
        places = [scope]
        if named.scope is not None:
            places.append(named.scope)
            near.append(self._near(view, depth, named.scope))
        lexical: dict[int, float] = {}
        if mode is not SearchMode.DENSE:
            for place in places:
                lexical |= dict(self._keywords.search(tx, _wanted(query), depth, place))
        if everywhere is None:
            return _Found({}, lexical)
        # The cosine of what only the keywords found is known exactly as well.
        return _Found(view.nearest(depth, [found() for found in near], lexical), lexical)

    def _near(self, view: DenseView, depth: int, scope: ResolvedScope) -> _Near:
        """What may be nearest, once it is asked for: where looking takes longer than changing threads, it is
        looked for from now on, beside the keywords."""
        if len(view) < _WORTH_A_THREAD:
            return partial(view.candidates, depth, scope.ranges)
        return self._beside.submit(view.candidates, depth, scope.ranges).result


@dataclass(frozen=True, slots=True)
class _Found:
    """What each ranking knows of the candidates."""

    dense: Mapping[int, float]
    lexical: Mapping[int, float]

    def candidates(self) -> list[int]:
        return list(dict.fromkeys([*self.dense, *self.lexical]))


def _wanted(query: Query) -> Wanted:
    return Wanted(query.terms, query.guesses)


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
