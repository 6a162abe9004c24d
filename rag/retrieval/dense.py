"""Nearest vectors in several spaces at once: a chunk has a vector in one of them, whichever it got last.

The first space is the reference. The others approximate it, and their cosines are brought onto its scale
before anything is compared, so that a document searched by the student's vectors ranks among those
that have the transformer's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.stores.database import Tx
from rag.stores.index_follower import IndexFollower
from rag.stores.index_training import Reader
from rag.stores.index_view import IndexView
from rag.stores.scopes import Range
from rag.text.forms import search_form

Vector = NDArray[np.float32]
Candidates = Sequence[Mapping[int, float]]
"""Of each space, chunks with their scores as the index knows them."""


class Encoder(Protocol):
    """Texts to unit vectors, float32, one row a text."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


def _as_they_are(cosines: Vector) -> Vector:
    return cosines


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """A space that is searched: its index, what embeds questions into it, its scale against the reference.

    ``as_asked`` makes of a question's vectors here and in the reference space, a row each, the one that is
    searched for.
    """

    index: IndexFollower
    encoder: Encoder
    to_reference: Callable[[Vector], Vector] = _as_they_are
    as_asked: Callable[[Vector, Vector], Vector] | None = None


@dataclass(frozen=True, slots=True)
class _View:
    """A space as one transaction sees it, and the question in it."""

    index: IndexView
    query: Vector
    to_reference: Callable[[Vector], Vector]

    def scaled(self, cosines: Mapping[int, float]) -> dict[int, float]:
        """By chunk, on the scale of the reference space."""
        scaled = self.to_reference(np.fromiter(cosines.values(), dtype=np.float32, count=len(cosines)))
        return dict(zip(cosines, scaled.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class DenseView:
    """The vectors that one transaction sees, and the question. Scores are cosines in the reference space."""

    views: Sequence[_View]
    tx: Tx

    def __len__(self) -> int:
        return sum(len(view.index) for view in self.views)

    @property
    def vector(self) -> Vector:
        """The question in the reference space."""
        return self.views[0].query

    def search(self, k: int, ranges: Sequence[Range] | None) -> dict[int, float]:
        """Up to ``k`` chunk ids of each space with their scores, among the ids in ``ranges`` (None: all)."""
        return self.nearest(k, [self.candidates(k, ranges)])

    def candidates(self, k: int, ranges: Sequence[Range] | None) -> Candidates:
        """What ``nearest`` chooses from. Reads no SQL, so it may be called on another thread."""
        return [view.index.candidates(view.query, k, ranges) for view in self.views]

    def nearest(self, k: int, searches: Sequence[Candidates], others: Iterable[int] = ()) -> dict[int, float]:
        """The ``k`` best candidates of each search in each space, and those ``others`` that have a vector,
        with their exact scores."""
        known = frozenset(others)
        found: dict[int, float] = {}
        for at, view in enumerate(self.views):
            candidates = [search[at] for search in searches]
            found |= view.scaled(view.index.exact(self.tx, view.query, candidates, k, known))
        return found


class DenseSearch:
    """The spaces of a library, the reference first. Safe to use from many threads."""

    def __init__(self, spaces: Sequence[VectorSpace], remembered: int = 1024) -> None:
        self._spaces = tuple(spaces)
        self._embedded: Callable[[str], tuple[Vector, ...]] = lru_cache(maxsize=remembered)(self._embed)

    def embed(self, question: str) -> tuple[Vector, ...]:
        """The question in every space; questions asked lately are remembered."""
        return self._embedded(question)

    def grow(self, database: Reader) -> None:
        """Have each index take the form that fits its size, in the background."""
        for at, space in enumerate(self._spaces):
            space.index.grow(database, partial(self._asked, at))

    def view(self, tx: Tx, embedded: Sequence[Vector]) -> DenseView:
        """Every index brought up to what ``tx`` sees."""
        return DenseView(
            [
                _View(space.index.view(tx), query, space.to_reference)
                for space, query in zip(self._spaces, embedded, strict=True)
            ],
            tx,
        )

    def _asked(self, at: int, questions: Sequence[str]) -> Vector:
        """The questions in one space, a row each."""
        return np.stack([self._embed(question)[at] for question in questions])

    def _embed(self, question: str) -> tuple[Vector, ...]:
        own = [space.encoder.encode([search_form(question)]) for space in self._spaces]
        return tuple(
            (vectors if space.as_asked is None else space.as_asked(vectors, own[0]))[0]
            for space, vectors in zip(self._spaces, own, strict=True)
        )
