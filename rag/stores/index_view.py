"""An index as one search uses it: candidates from FAISS, exact scores from wherever the exact vectors are.

The two are apart because the first needs no SQL: it may run beside whatever else reads the database.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.stores import chunk_store
from rag.stores.database import Tx
from rag.stores.index_training import CANDIDATES
from rag.stores.scopes import Range
from rag.stores.vector_index import Form, VectorIndex, Vectors

_FEW = 1_000
"""Chunks of a part of everything that are all compared exactly: looking through the lists for them takes
longer (3.7 ms against 0.3 for 250 of a million, 4.1 against 1.3 for 1,000)."""


@dataclass(frozen=True, slots=True)
class IndexView:
    """The index of the space ``space_id``, which has every change that the caller's transaction can see."""

    index: VectorIndex
    space_id: int

    def __len__(self) -> int:
        return len(self.index)

    def candidates(self, query: Vectors, k: int, ranges: Sequence[Range] | None) -> dict[int, float]:
        """Chunks among which the ``k`` nearest are, with their scores as a flat index knows them."""
        if ranges is not None and self.index.form is Form.INVERTED and _size(ranges) <= _FEW:
            return dict.fromkeys(self.index.among(ranges), 0.0)
        wanted = k if self.index.form is Form.FLAT else max(2 * k, CANDIDATES)
        return dict(self.index.search(query, wanted, ranges))

    def nearest(self, tx: Tx, query: Vectors, found: Mapping[int, float], k: int) -> dict[int, float]:
        """The ``k`` nearest of the candidates with their exact scores."""
        return self.exact(tx, query, [found], k)

    def exact(
        self,
        tx: Tx,
        query: Vectors,
        searches: Sequence[Mapping[int, float]],
        k: int,
        others: Iterable[int] = (),
    ) -> dict[int, float]:
        """The ``k`` nearest of the candidates of each search, and the ``others`` that are in this space, with
        their exact scores. They are read together."""
        kept = set(others)
        if self.index.form is Form.FLAT:
            scores = {chunk: score for found in searches for chunk, score in found.items()}
            scores |= self.scores_of(tx, query, kept - scores.keys())
        else:
            scores = self.scores_of(tx, query, kept.union(*searches))
        for found in searches:
            there = [(-scores[chunk], chunk) for chunk in found if chunk in scores]
            kept.update(chunk for _, chunk in heapq.nsmallest(k, there))
        return {chunk: scores[chunk] for chunk in kept if chunk in scores}

    def scores_of(self, tx: Tx, query: Vectors, chunks: Iterable[int]) -> dict[int, float]:
        """The exact scores of those of the chunks that are in this space."""
        wanted = list(chunks)
        if self.index.form is Form.FLAT:
            held = self.index.vectors_of(wanted)
            return {chunk: float(vector @ query) for chunk, vector in held.items()}
        held_here = [chunk for chunk, here in zip(wanted, self.index.holds(wanted), strict=True) if here]
        ids, vectors = chunk_store.vectors_at(tx, self.space_id, held_here)
        return dict(zip(ids.tolist(), (vectors @ query).tolist(), strict=True)) if len(ids) else {}


def _size(ranges: Sequence[Range]) -> int:
    return sum(last - first + 1 for first, last in ranges)
