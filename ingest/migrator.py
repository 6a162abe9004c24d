"""Takes a library over to another embedder: builds its space in the background and checks what it finds.

The last step, serving from it, is the api's (``api.embedder_watch``), which has to have its index ready. All
that has been done is in SQL; a worker that dies loses the batch at hand.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from ingest import embedder_check
from ingest.embedder_check import Side
from ingest.job_record import OnStage, timed
from ingest.refiner import BATCH, WINDOW
from ingest.splitting import embedding_text
from rag.errors import Unavailable
from rag.models.distillation import OnProgress, distil_if_missing
from rag.models.embedder import Embedder, unit
from rag.models.embeddings import bulk_embeddings_at
from rag.models.tokenizer import OffsetTokenizer
from rag.stores import embedders, space_building
from rag.stores.database import Database
from rag.stores.embedders import Known, Trouble
from rag.stores.space_building import Said
from rag.stores.vector_checks import require_usable

_log = structlog.get_logger(__name__)

_DROPPED_AT_ONCE = 2000
"""Vectors deleted in one transaction: others that write wait for it."""
_THE_MODELS_FAULT = frozenset({"bad_embedding", "model_unusable", "model_missing"})

Attend = Callable[[], bool]
Open = Callable[[Path | None], Embedder]
Distil = Callable[[Path, Embedder, OnProgress], object]


class _Stopped(Exception):
    """Something asked to stop in the middle of distilling."""


def _unheard(_stage: str, _outcome: str, _seconds: float) -> None:
    return None


class Migrator:
    """Does whatever a migration has left to do, a little at a time.

    Args:
        serving: the model the library is served from; None where it cannot be found.
        models: where the student of the new model is kept.
        indexes: the folder of index snapshots; those of a space that is gone are deleted.
        opening: loads the model in a folder, None for the packaged one.
        distilling: makes the student of a model, and keeps it in the folder of models.
        on_stage: hears the seconds of every batch (``migrating``).
    """

    def __init__(
        self,
        database: Database,
        serving: Embedder | None,
        *,
        models: Path,
        indexes: Path,
        opening: Open = bulk_embeddings_at,
        distilling: Distil = distil_if_missing,
        on_stage: OnStage = _unheard,
    ) -> None:
        self._database = database
        self._serving = serving
        self._models = models
        self._indexes = indexes
        self._opening = opening
        self._distilling = distilling
        self._on_stage = on_stage
        self._target: _Target | None = None

    def migrate_some(self, attend: Attend) -> bool:
        """Do a window of chunks, or the next other step. Returns whether there was anything to do.

        ``attend`` is called between batches as ``Refiner.refine_some`` does. What is wrong with the new model
        is kept for people to see, and the migration waits for them.
        """
        with self._database.read() as tx:
            standing = embedders.standing(tx)
            to_drop = standing.target is None and bool(embedders.unused(tx))
        if standing.target is None:
            self._target = None
            return to_drop and self._drop()
        if standing.trouble is not None:
            self._target = None  # whoever mends it may have put another file there
            return False
        known = standing.target
        try:
            return self._step(known, attend, checked=standing.figures is not None, forced=standing.forced)
        except Unavailable as error:
            if error.code not in _THE_MODELS_FAULT:
                raise
            _log.error("migration_stopped", code=error.code)
            with self._database.write() as tx:
                embedders.note_trouble(tx, known.space_id, Trouble(error.code, error.detail))
            return True

    def _step(self, known: Known, attend: Attend, *, checked: bool, forced: bool) -> bool:
        if self._target is None or self._target.known.space_id != known.space_id:
            self._target = _Target.opened(known, self._opening)
        target = self._target
        with self._database.read() as tx:
            window = space_building.next_missing(tx, known.space_id, target.seen, WINDOW)
        if window:
            self._fill(target, window, attend)
            return True
        if not target.distilled:
            try:
                self._distilling(self._models, target.embedder, lambda _done, _all: _go_on(attend))
            except _Stopped:
                return True
            target.distilled = True
            return True
        if not checked:
            self._check(target, forced=forced)
            return True
        return False

    def _fill(self, target: _Target, window: Sequence[Said], attend: Attend) -> None:
        said = [embedding_text(context, body) for _, context, body in window]
        embedded = np.empty((len(said), target.known.model.dimension), dtype=np.float32)
        order = sorted(range(len(said)), key=lambda at: len(said[at]))  # as the refiner does
        for first in range(0, len(order), BATCH):
            if not attend():
                return
            batch = order[first : first + BATCH]
            with timed("migrating", self._on_stage):
                embedded[batch] = target.encode([said[at] for at in batch])
        ids = [chunk_id for chunk_id, _, _ in window]
        with self._database.write() as tx:
            space_building.fill(tx, target.known.space_id, ids, embedded)
        target.seen = ids[-1]

    def _check(self, target: _Target, *, forced: bool) -> None:
        with self._database.read() as tx:
            serving = embedders.standing(tx).serving
        old = None
        if self._serving is not None and serving is not None:
            old = Side(self._serving, serving.space_id)
        figures = embedder_check.compare(self._database, Side(target.embedder, target.known.space_id), old)
        trouble = None if forced else embedder_check.judged(figures)
        with self._database.write() as tx:
            embedders.note_figures(tx, target.known.space_id, figures.as_mapping(), trouble)
        _log.info(
            "embedder_checked",
            questions=figures.questions,
            first=figures.after.first,
            first_before=None if figures.before is None else figures.before.first,
            refused=trouble is not None,
        )

    def _drop(self) -> bool:
        with self._database.write() as tx:
            busy, gone = space_building.drop_some(tx, _DROPPED_AT_ONCE)
        for key in gone:
            shutil.rmtree(self._indexes / key[:16], ignore_errors=True)
        return busy


class _Target:
    """The new model, and how far its space has been looked through: chunk ids only grow."""

    def __init__(self, known: Known, embedder: Embedder) -> None:
        self.known = known
        self.embedder = embedder
        self.seen = 0
        self.distilled = False
        self._tokenizer = OffsetTokenizer(embedder.folder)
        self._room = embedder.max_tokens - self._tokenizer.special_tokens

    @classmethod
    def opened(cls, known: Known, opening: Open) -> _Target:
        """Raises ``Unavailable`` (``model_unusable``) where another model lies there now, or none."""
        embedder = opening(known.model.folder)
        if embedder.space_id != known.model.key:
            raise Unavailable(
                "model_unusable",
                f"What lies where {known.model} was is another model now; put it back, or run "
                "`footnote embedder back`.",
            )
        return cls(known, embedder)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row a text. Passages are cut to fit the model they are served from: where this one reads less at
        a time, a vector is the mean of those of the parts, so that nothing is left unread."""
        counts = self._tokenizer.counts(texts)
        parts = [
            [text] if count <= self._room else self._parted(text)
            for text, count in zip(texts, counts, strict=True)
        ]
        rows = self.embedder.encode([part for some in parts for part in some])
        require_usable(rows, sum(map(len, parts)), self.known.model.dimension)
        if len(rows) == len(texts):
            return rows
        starts = np.cumsum([0, *(len(some) for some in parts)][:-1])
        return unit(np.add.reduceat(rows, starts, axis=0))

    def _parted(self, text: str) -> list[str]:
        offsets = self._tokenizer.offsets(text)
        cuts = [start for start, _ in offsets[:: self._room]][1:]
        return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _go_on(attend: Attend) -> None:
    if not attend():
        raise _Stopped
