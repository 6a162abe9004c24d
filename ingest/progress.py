"""A running job's signs of life: progress for people and the lease that keeps the job this worker's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import structlog

from rag.errors import FootnoteError
from rag.stores import job_queue
from rag.stores.database import Database
from rag.stores.job_queue import Job, LeaseLost

BEAT_SECONDS = 2.0
"""A silent stage is reported this often, and a cancelled job noticed as soon."""

SPACING_SECONDS = 0.2
"""Reports are commits, each with an fsync: progress that comes faster is put together."""

_log = structlog.get_logger(__name__)


class Progress:
    """Writes reports from a thread of its own while the ``with`` block runs.

    Args:
        on_lost: called in that thread once the job turns out to be somebody else's.
    """

    def __init__(self, database: Database, job: Job, on_lost: Callable[[], None]) -> None:
        self._database = database
        self._job = job
        self._on_lost = on_lost
        self._changed = threading.Condition()
        self._pending: dict[str, Any] = {}
        self._closed = False
        self._lost = False
        self._thread = threading.Thread(target=self._report, name="job-progress", daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def tell(self, **progress: Any) -> None:
        """Report ``progress`` (the fields of ``job_queue.report``) soon. Raises ``LeaseLost``."""
        if self._lost:
            raise LeaseLost(self._job.public_id)
        with self._changed:
            self._pending.update(progress)
            self._changed.notify()

    def _report(self) -> None:
        with self._changed:  # most documents are done before anyone could look
            if self._changed.wait_for(lambda: self._closed, SPACING_SECONDS):
                return
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closed, BEAT_SECONDS)
                if self._closed:
                    return
                progress, self._pending = self._pending, {}
            if not self._write(progress):
                return
            with self._changed:
                self._changed.wait_for(lambda: self._closed, SPACING_SECONDS)

    def _write(self, progress: dict[str, Any]) -> bool:
        try:
            with self._database.write() as tx:
                job_queue.report(tx, self._job, **progress)
        except LeaseLost:
            self._lost = True
            if not self._closed:
                self._on_lost()
            return False
        except FootnoteError as error:
            # The next beat tries again; if the trouble lasts, publishing will meet it.
            _log.warning("job_report_failed", job=self._job.public_id, code=error.code)
        return True
