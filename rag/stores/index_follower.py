"""A FAISS cache that follows the change log of one embedding space.

It starts from a snapshot if one fits, replays what SQL has logged since, and is rebuilt from the
vectors in SQL when the snapshot is missing, damaged, made by something else or ahead of the database.
Nothing is ever embedded again for it. Once it is large it is replaced by the inverted form, which is made
beside it while it is searched.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import func, select

from rag.errors import FootnoteError
from rag.stores import chunk_store, index_snapshots, index_training
from rag.stores.database import Tx
from rag.stores.index_training import Ask, Reader
from rag.stores.index_view import IndexView
from rag.stores.tables import index_changes, vectors
from rag.stores.vector_index import Form, VectorIndex

_log = structlog.get_logger(__name__)

_TRAINING_PRIORITY = 15
_SECONDS_BETWEEN_SAVES_PER_VECTOR = 0.001
"""A million vectors are saved every quarter of an hour at most: what came since is replayed in a second."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a follower stands: ``lag`` is how many changes of the log it has yet to apply. ``recall`` is what
    was measured of recall@10 when its present form was made; None while it is exact."""

    vectors: int
    lag: int
    rebuilds: int
    form: Form = Form.FLAT
    recall: float | None = None


class IndexFollower:
    """The index of the space ``space_key``; ``folder`` holds its snapshot."""

    def __init__(self, folder: Path, space_id: int, space_key: str, dimension: int) -> None:
        self._folder = folder
        self._space_id = space_id
        self._space_key = space_key
        self._dimension = dimension
        self._lock = threading.Lock()
        self._index: VectorIndex | None = None
        self._seq = 0
        self._saved_seq = 0
        self._saved_at = -math.inf
        self._removed = False
        self._training: threading.Thread | None = None
        self.rebuilds = 0

    def current(self, tx: Tx) -> VectorIndex:
        """The index with every change that ``tx`` can see applied (and perhaps later ones)."""
        with self._lock:
            if self._index is None:
                self._index = self._open(tx)
            self._replay(tx, self._index)
            return self._index

    def view(self, tx: Tx) -> IndexView:
        """``current``, for one search."""
        return IndexView(self.current(tx), self._space_id)

    def standing(self, tx: Tx) -> Standing:
        """Without catching up."""
        seq, index = self._seq, self._index
        unseen = (index_changes.c.space_id == self._space_id) & (index_changes.c.seq > seq)
        lag = tx.scalar(select(func.count()).select_from(index_changes).where(unseen)) or 0
        if index is None:
            return Standing(0, lag, self.rebuilds)
        return Standing(len(index), lag, self.rebuilds, index.form, index.tuning.recall)

    @property
    def space(self) -> str:
        """The key of its space."""
        return self._space_key

    def save(self, *, now: bool = True) -> None:
        """Write a snapshot if there is anything new; unless ``now``, a large one not more often than it is
        worth, except that what was removed does not stay on the disk. A failure is logged: the cache can do
        without."""
        with self._lock:
            index, seq = self._index, self._seq
            if index is None or seq == self._saved_seq:
                return
            worth_it = self._saved_at + len(index) * _SECONDS_BETWEEN_SAVES_PER_VECTOR
            if not (now or self._removed) and time.monotonic() < worth_it:
                return
            self._removed = False
        try:  # without the lock: it may come to hold later changes, which replaying repeats
            index_snapshots.save(self._folder, index, seq, self._space_key)
        except OSError as error:
            _log.warning("index_snapshot_failed", error=error.strerror)
            return
        with self._lock:
            if index is self._index:
                self._saved_seq, self._saved_at = seq, time.monotonic()

    def grow(self, database: Reader, ask: Ask | None = None) -> None:
        """Have the inverted form made, or tried again, in the background if it is time for it; returns at
        once.

        ``ask`` embeds questions into the space, as whoever searches does.
        """
        with self._lock:
            going_on = self._training is not None and self._training.is_alive()
            if going_on or self._index is None:
                return
            if index_training.wanted(self._index):
                work = self.train
            elif index_training.worth_measuring(self._index):
                work = self.measure
            else:
                return
            self._training = threading.Thread(
                target=self._in_background, args=(work, database, ask), name="index-training", daemon=True
            )
        self._training.start()

    def train(self, database: Reader, ask: Ask | None = None) -> None:
        """Make the inverted form now and go on with it. The other one is searched meanwhile."""
        index, seq = index_training.train(database, self._space_id, self._dimension, ask)
        with database.read() as tx:  # most of what came meanwhile, before anybody has to wait
            seq = self._replayed(tx, index, seq)
        with self._lock:
            self._index, self._seq, self._saved_seq = index, seq, -1
        _log.info(
            "index_trained",
            vectors=len(index),
            lists=index.lists,
            probes=index.tuning.probes,
            recall=index.tuning.recall,
        )

    def measure(self, database: Reader, ask: Ask | None = None) -> None:
        """Try the inverted form on the library as it is now, and set it by what is found."""
        index = self._index
        assert index is not None
        index.tuning = tuning = index_training.measure(database, self._space_id, index, ask)
        with self._lock:
            if index is self._index:
                self._saved_seq = -1
        _log.info("index_measured", vectors=len(index), probes=tuning.probes, recall=tuning.recall)

    def _in_background(
        self, work: Callable[[Reader, Ask | None], None], database: Reader, ask: Ask | None
    ) -> None:
        os.setpriority(
            os.PRIO_PROCESS, threading.get_native_id(), _TRAINING_PRIORITY
        )  # of this thread, on Linux
        try:
            work(database, ask)
        except FootnoteError as error:  # it is tried again a minute later
            _log.warning("index_training_failed", error=error.code)

    def _open(self, tx: Tx) -> VectorIndex:
        loaded = index_snapshots.load(self._folder, self._space_key, self._dimension)
        newest = chunk_store.newest_change(tx, self._space_id)
        if loaded is not None and loaded[1] <= newest:
            index, self._seq = loaded
            self._saved_seq = self._seq
            stored = tx.scalar(
                select(func.count()).select_from(vectors).where(vectors.c.space_id == self._space_id)
            )
            self._replay(tx, index)
            if len(index) == stored:  # or else it is of another history, a restored backup's perhaps
                return index
        return self._rebuild(tx, newest)

    def _rebuild(self, tx: Tx, newest: int) -> VectorIndex:
        index = VectorIndex(self._dimension)
        for ids, rows in chunk_store.all_vectors(tx, self._space_id):
            index.add(ids, rows)
        self._seq, self._saved_seq = newest, -1
        self.rebuilds += 1
        _log.info("index_rebuilt", vectors=len(index), seq=newest)
        return index

    def _replay(self, tx: Tx, index: VectorIndex) -> None:
        self._seq = self._replayed(tx, index, self._seq)

    def _replayed(self, tx: Tx, index: VectorIndex, seq: int) -> int:
        """Apply what was logged after ``seq``; returns the last change. What is there already is exchanged:
        an index may have some of it."""
        if chunk_store.newest_change(tx, self._space_id) <= seq:
            return seq
        for change in chunk_store.changes_after(tx, self._space_id, seq):
            index.remove(change.first, change.last)
            self._removed |= change.operation == "remove"
            if change.operation == "add":
                index.add(*chunk_store.vectors_between(tx, self._space_id, change.first, change.last))
            seq = change.seq
        return seq
