"""Makes the inverted form of an index from the vectors in SQL, and sets it by what it finds.

The number of lists follows from the number of vectors; how many of them a search looks at, from trying:
questions are made of the library's own passages, every vector is compared with each of them exactly, and more
lists are looked at until what search finds is nearly what there is. As the library grows, it is tried again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from rag.stores import chunk_store
from rag.stores.database import Tx
from rag.stores.tables import vectors
from rag.stores.vector_index import Form, Ids, Tuning, VectorIndex, Vectors, one_thread

LARGE = 30_000
"""Vectors from which on the inverted form is quicker; measured, see ``tests/benchmarks/search.py``."""
OUTGROWN = 4
"""How many times as many vectors as it was trained on make its lists too long."""
CHANGED = 1.5
"""How many times as many vectors as it was tried on, or as few, make it worth trying again."""
RECALL = 0.98
"""What a search is to find of the ten nearest."""
CANDIDATES = 100
"""Taken from the lists for exact scoring, at least."""

_SAMPLED_PER_LIST = 64
_QUESTIONS = 400
_NEAREST = 10
_SURE = 2.0
"""Standard errors by which what some questions find must be above what is promised for all."""
_WORDS = (6, 13)
"""Of a question: at least the first, fewer than the second."""
_BATCH = 4096
_SEED = 20


Ask = Callable[[Sequence[str]], Vectors]
"""Questions to their vectors in the space, a row each."""


class Reader(Protocol):
    """Opens snapshots of the database."""

    def read(self) -> AbstractContextManager[Tx]: ...


def wanted(index: VectorIndex) -> bool:
    """Whether an index should be replaced by an inverted one that is trained now."""
    return len(index) >= LARGE and len(index) >= OUTGROWN * index.tuning.trained_on


def worth_measuring(index: VectorIndex) -> bool:
    """Whether what was found out about an inverted index may no longer be so."""
    before = index.tuning.measured_on
    as_before = before / CHANGED < len(index) < before * CHANGED
    return index.form is Form.INVERTED and len(index) >= LARGE and not as_before


def train(database: Reader, space_id: int, dimension: int, ask: Ask | None = None) -> tuple[VectorIndex, int]:
    """An inverted index of a space, and the change of the log that it has at least.

    It is tuned on questions that ``ask`` embeds, runs of words from passages: they lie further from every
    passage than passages from each other and need more lists. Without it, on vectors of the space.

    It may have some of the later ones: each batch is read in a snapshot of its own, since one of minutes
    would keep the write-ahead log from being emptied. Whoever replays the log adds again what it has.
    """
    with database.read() as tx:
        seq = chunk_store.newest_change(tx, space_id)
        ids = np.array(_all_ids(tx, space_id), dtype=np.int64)
    chance = np.random.default_rng(_SEED)
    lists = lists_for(len(ids))
    sample = np.sort(chance.choice(ids, min(len(ids), _SAMPLED_PER_LIST * lists), replace=False))
    _, training = _read(database, space_id, sample, dimension)
    with one_thread():
        index = VectorIndex.inverted(training, lists)
        del training
        trial = _trial(database, space_id, dimension, ids, ask)
        for some, rows in _batches(database, space_id, int(ids[-1])):
            index.add(some, rows)
            trial.compare(some, rows)
    index.tuning = _tuned(index, trial, len(index))
    return index, seq


def measure(database: Reader, space_id: int, index: VectorIndex, ask: Ask | None = None) -> Tuning:
    """How an inverted index, which is searched meanwhile, should be set now."""
    with database.read() as tx:
        ids = np.array(_all_ids(tx, space_id), dtype=np.int64)
    with one_thread():
        trial = _trial(database, space_id, index.dimension, ids, ask)
        for some, rows in _batches(database, space_id, int(ids[-1])):
            trial.compare(some, rows)
    return _tuned(index, trial, index.tuning.trained_on)


def lists_for(count: int) -> int:
    """A power of two near twice the square root: as long to choose lists as to look at them."""
    return 1 << round(math.log2(2 * math.sqrt(count)))


@dataclass
class _Trial:
    """Questions, which are vectors with an id, and the nearest others found so far, best first."""

    ids: Ids
    questions: Vectors
    nearest: Ids = field(init=False)
    scores: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.nearest = np.full((len(self.ids), _NEAREST), -1, dtype=np.int64)
        self.scores = np.full((len(self.ids), _NEAREST), -np.inf, dtype=np.float32)

    def compare(self, ids: Ids, rows: Vectors) -> None:
        scores = self.questions @ rows.T
        scores[self.ids[:, None] == ids] = -np.inf
        scores = np.hstack([self.scores, scores])
        known = np.hstack([self.nearest, np.broadcast_to(ids, (len(self.ids), len(ids)))])
        best = np.argpartition(-scores, _NEAREST, axis=1)[:, :_NEAREST]
        self.scores = np.take_along_axis(scores, best, axis=1)
        self.nearest = np.take_along_axis(known, best, axis=1)

    def recalls(self, index: VectorIndex, probes: int) -> NDArray[np.float64]:
        """Of each question, the share of the nearest that are among the candidates of ``index``."""
        found = [
            [one for one, _ in index.search(question, CANDIDATES, probes=probes)]
            for question in self.questions
        ]
        pairs = zip(self.nearest, found, strict=True)
        return np.array([np.isin(expected, some).mean() for expected, some in pairs])


def _trial(database: Reader, space_id: int, dimension: int, ids: Ids, ask: Ask | None) -> _Trial:
    """Drawn from the chunks ``ids``, with nothing found so far."""
    chance = np.random.default_rng(_SEED)
    drawn = np.sort(chance.choice(ids, min(len(ids), _QUESTIONS), replace=False))
    if ask is None:
        return _Trial(*_read(database, space_id, drawn, dimension))
    return _asked(database, drawn, chance, ask)


def _asked(database: Reader, drawn: Ids, chance: np.random.Generator, ask: Ask) -> _Trial:
    """Questions made of the words of those passages."""
    with database.read() as tx:
        said = [body.split() for _, _, body in chunk_store.said(tx, drawn.tolist())]
    questions = []
    for words in said:
        length = int(chance.integers(*_WORDS))
        start = int(chance.integers(max(1, len(words) - length + 1)))
        questions.append(" ".join(words[start : start + length]))
    return _Trial(np.full(len(questions), -1), ask(questions))


def _tuned(index: VectorIndex, trial: _Trial, trained_on: int) -> Tuning:
    probes = 4
    while True:
        recalls = trial.recalls(index, probes)
        recall = float(recalls.mean())
        error = float(recalls.std()) / math.sqrt(len(recalls))
        if recall - _SURE * error >= RECALL or probes >= index.lists // 2:
            return Tuning(probes, trained_on, recall, len(index))
        probes = math.ceil(1.2 * probes)


def _all_ids(tx: Tx, space_id: int) -> list[int]:
    return list(
        tx.scalars(
            select(vectors.c.chunk_id).where(vectors.c.space_id == space_id).order_by(vectors.c.chunk_id)
        )
    )


def _read(database: Reader, space_id: int, ids: Ids, dimension: int) -> tuple[Ids, Vectors]:
    """Those of the ids that are still there, and their vectors."""
    found: list[tuple[Ids, Vectors]] = [
        (np.empty(0, dtype=np.int64), np.empty((0, dimension), dtype=np.float32))
    ]
    for first in range(0, len(ids), _BATCH):
        with database.read() as tx:
            some = chunk_store.vectors_at(tx, space_id, ids[first : first + _BATCH].tolist())
        if len(some[0]):
            found.append(some)
    return np.concatenate([one for one, _ in found]), np.concatenate([rows for _, rows in found])


def _batches(database: Reader, space_id: int, last: int) -> Iterator[tuple[Ids, Vectors]]:
    for first in range(1, last + 1, _BATCH):
        with database.read() as tx:
            ids, rows = chunk_store.vectors_between(tx, space_id, first, first + _BATCH - 1)
        if len(ids):
            yield ids, rows
