"""A bound on what waits to be read, so that uploads cannot fill the disk faster than documents are read."""

from __future__ import annotations

import threading
import time

import structlog

from rag.errors import FootnoteError, ServerBusy
from rag.stores import backlog
from rag.stores.backlog import Waiting
from rag.stores.database import Database

_log = structlog.get_logger(__name__)

_PERIOD_SECONDS = 1.0
_MEMORY = 0.2
_FIRST_GUESS = 20.0
"""Jobs a second, until that has been measured."""
_LONGEST_SECONDS = 60.0


class Backlog:
    """Looks once a second how much waits; in between it is as it was. Nobody waits for the database here.

    Args:
        most_jobs: after which no upload is taken.
        most_bytes: likewise, the files of those jobs together.
    """

    def __init__(self, database: Database, most_jobs: int, most_bytes: int) -> None:
        self._database = database
        self._most_jobs = most_jobs
        self._most_bytes = most_bytes
        self._waiting = Waiting(0, 0, 0)
        self._looked: float | None = None
        self._rate = _FIRST_GUESS
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backlog", daemon=True)

    @property
    def waiting(self) -> Waiting:
        return self._waiting

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def check(self) -> None:
        """Raises ``ServerBusy`` (``queue_full``) with the time in which there will be room for one more."""
        now = self._waiting
        if now.jobs < self._most_jobs and now.size < self._most_bytes:
            return
        mean_bytes = max(1.0, now.size / max(1, now.jobs))
        excess = max(now.jobs - self._most_jobs, (now.size - self._most_bytes) / mean_bytes) + 1
        raise ServerBusy(
            "queue_full",
            "As many documents wait to be read as may; send the file again after the time in Retry-After.",
            retry_after=min(_LONGEST_SECONDS, max(1.0, excess / self._rate)),
        )

    def look(self) -> None:
        """Read what waits, and learn how fast it is read."""
        with self._database.read() as tx:
            found = backlog.waiting(tx)
        now = time.monotonic()
        if self._looked is not None:
            done = self._waiting.jobs + (found.ever - self._waiting.ever) - found.jobs
            if self._waiting.jobs and done >= 0:  # with nothing waiting, nothing is learnt
                self._rate += _MEMORY * (done / max(0.001, now - self._looked) - self._rate)
                self._rate = max(self._rate, 0.1)
        self._waiting, self._looked = found, now

    def _run(self) -> None:
        while not self._closing.wait(_PERIOD_SECONDS):
            try:
                self.look()
            except FootnoteError as error:  # the next second tries again
                _log.warning("backlog_unknown", code=error.code)
