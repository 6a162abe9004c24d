"""What the service tidies now and then: a snapshot of the index, old pictures, answers that have expired.
Files are the worker's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from api.settings import Settings
from rag.errors import FootnoteError
from rag.stores import answers
from rag.stores.database import Database

_log = structlog.get_logger(__name__)

_PERIOD_SECONDS = 60.0
_DAY_SECONDS = 86_400.0
_EXPIRED_AT_ONCE = 500
"""Answers deleted in one transaction: others that write wait for it."""
_TRACES_DAYS = 1
"""What is left of conversations is remembered for a day even where answers are not kept."""


class Housekeeper:
    """Does every chore once a minute until it is closed; one that fails is logged and done the next time."""

    def __init__(self, chores: Sequence[Callable[[], None]]) -> None:
        self._chores = chores
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def tidy(self) -> None:
        """Do every chore once; one that fails does not keep the others from being done."""
        for chore in self._chores:
            try:
                chore()
            except OSError as error:
                _log.warning("housekeeping_failed", error=error.strerror)
            except FootnoteError as error:
                _log.warning("housekeeping_failed", error=error.code)

    def _run(self) -> None:
        while not self._closing.wait(_PERIOD_SECONDS):
            self.tidy()


def expire_answers(database: Database, settings: Settings, limit: int = _EXPIRED_AT_ONCE) -> None:
    """Delete up to ``limit`` answers that are older than they are to be kept."""
    now = time.time()
    before = now - settings.answers_kept_days * _DAY_SECONDS
    traces_before = now - max(settings.answers_kept_days, _TRACES_DAYS) * _DAY_SECONDS
    with database.read() as tx:
        if not answers.any_expired(tx, before, traces_before):
            return
    with database.write() as tx:
        answers.expire(tx, before, traces_before, limit)
