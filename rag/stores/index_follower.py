"""A FAISS cache that follows the change log of one embedding space.

It starts from a snapshot if one fits, replays what SQL has logged since, and is rebuilt from the
vectors in SQL when the snapshot is missing, damaged, made by something else or ahead of the database.
Nothing is ever embedded again for it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy import func, select

from rag.stores import chunk_store, index_snapshots
from rag.stores.database import Tx
from rag.stores.tables import vectors
from rag.stores.vector_index import VectorIndex

_log = structlog.get_logger(__name__)


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
        self.rebuilds = 0

    def current(self, tx: Tx) -> VectorIndex:
        """The index with every change that ``tx`` can see applied (and perhaps later ones)."""
        with self._lock:
            if self._index is None:
                self._index = self._open(tx)
            self._replay(tx, self._index)
            return self._index

    def save(self) -> None:
        """Write a snapshot if there is anything new. A failure is logged: the cache can do without."""
        with self._lock:
            if self._index is None or self._seq == self._saved_seq:
                return
            try:
                index_snapshots.save(self._folder, self._index, self._seq, self._space_key)
                self._saved_seq = self._seq
            except OSError as error:
                _log.warning("index_snapshot_failed", error=error.strerror)

    def _open(self, tx: Tx) -> VectorIndex:
        loaded = index_snapshots.load(self._folder, self._space_key, self._dimension)
        newest = chunk_store.newest_change(tx, self._space_id)
        if loaded is not None and loaded[1] <= newest:
            index, self._seq = loaded
            self._saved_seq = self._seq
            stored = tx.scalar(
                select(func.count()).select_from(vectors).where(vectors.c.space_id == self._space_id)
            )
            # Ids that are there already: the snapshot is of another history, a restored backup's perhaps.
            with suppress(ValueError):
                self._replay(tx, index)
                if len(index) == stored:
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
        if chunk_store.newest_change(tx, self._space_id) <= self._seq:
            return
        for change in chunk_store.changes_after(tx, self._space_id, self._seq):
            if change.operation == "add":
                ids, rows = chunk_store.vectors_between(tx, self._space_id, change.first, change.last)
                index.add(ids, rows)
            else:
                index.remove(change.first, change.last)
            self._seq = change.seq
