"""Better vectors in the background: what is searchable by the student's gets the transformer's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import structlog
from numpy.typing import NDArray

from ingest.job_record import OnStage, timed
from ingest.pipeline import Embedder
from ingest.splitting import embedding_text
from rag.records import DocumentState
from rag.stores import chunk_store, embedders, refinement
from rag.stores.database import Database, Tx
from rag.stores.refinement import Unrefined
from rag.stores.vector_checks import require_usable

_log = structlog.get_logger(__name__)

WINDOW = 256
"""Chunks taken up at a time and exchanged in one transaction."""
BATCH = 20
"""Chunks embedded between two looks at whether something more urgent waits: a few tenths of a second."""


def open_spaces(tx: Tx, teacher: Embedder, student: Embedder) -> tuple[int, int]:
    """The ids of the spaces of the student and of its teacher, entered on first use."""
    teacher_space = chunk_store.open_space(tx, teacher.space_id, teacher.dimension)
    student_space = chunk_store.open_space(tx, student.space_id, student.dimension)
    embedders.link_student(tx, student_space, teacher_space)
    return student_space, teacher_space


def _unheard(_stage: str, _outcome: str, _seconds: float) -> None:
    return None


class Refiner:
    """Works through whatever has only the student's vectors.

    Args:
        teacher: makes the better vectors; loads itself with the first text.
        student: made those that are replaced.
        on_stage: hears the seconds of every batch (``refining``) and of every exchange (``exchanging``).
    """

    def __init__(
        self, database: Database, teacher: Embedder, student: Embedder, on_stage: OnStage = _unheard
    ) -> None:
        self._database = database
        self._teacher = teacher
        self._student = student
        self._on_stage = on_stage
        self._spaces: tuple[int, int] | None = None

    def refine_some(self, attend: Callable[[], bool]) -> bool:
        """Refine up to ``WINDOW`` chunks. Returns whether there was anything to do.

        ``attend`` is called between batches to do what is more urgent, documents that wait to be read for
        instance; when it returns False, the worker has to stop and the window is given up.

        Raises ``Unavailable`` where the transformer cannot be loaded or gives no usable vectors.
        """
        with self._database.read() as tx:
            window = refinement.next_unrefined(tx, WINDOW)
        if window is None:
            return False
        said = [embedding_text(context, body) for context, body in window.texts]
        embedded = np.empty((len(said), self._teacher.dimension), dtype=np.float32)
        # Like lengths together: a batch costs what its longest text costs, times its size.
        order = sorted(range(len(said)), key=lambda at: len(said[at]))
        for first in range(0, len(order), BATCH):
            if not attend():
                return True
            batch = order[first : first + BATCH]
            with timed("refining", self._on_stage):
                rows = self._teacher.encode([said[at] for at in batch])
            require_usable(rows, len(batch), self._teacher.dimension)
            embedded[batch] = rows
        with timed("exchanging", self._on_stage):
            self._exchange(window, embedded)
        return True

    def _exchange(self, window: Unrefined, embedded: NDArray[np.float32]) -> None:
        with self._database.write() as tx:
            if self._spaces is None:
                self._spaces = open_spaces(tx, self._teacher, self._student)
            student_space, teacher_space = self._spaces
            state = refinement.refine(
                tx, window, embedded, student_space=student_space, teacher_space=teacher_space
            )
        if state is DocumentState.REFINED:
            _log.info("refined", version=window.version_id)
