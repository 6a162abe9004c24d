"""Sees a migration to another embedder through: looks how far the worker is, and has the service go over."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from rag.errors import FootnoteError, Unavailable
from rag.stores import embedders
from rag.stores.database import Database
from rag.stores.embedders import Known, Standing, Trouble

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_WINDOW_SECONDS = 60.0
"""The rate is that of the last minute."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``done`` of ``total`` passages have a vector of the new model; ``rate`` is passages a second."""

    done: int
    total: int
    rate: float | None

    @property
    def eta_seconds(self) -> float | None:
        return (self.total - self.done) / self.rate if self.rate else None


class EmbedderWatch:
    """``take_over`` has the service go over to a model that is ready; it is called on the watch's thread, and
    again if the library was not ready after all."""

    def __init__(self, database: Database, take_over: Callable[[Known], None]) -> None:
        self._database = database
        self._take_over = take_over
        self._seen: deque[tuple[float, int]] = deque()
        self._total = 0
        self._watched: int | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="embedder-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    def pace(self) -> Pace:
        """Of the migration that goes on, as it was seen last."""
        seen = list(self._seen)
        if not seen:
            return Pace(0, self._total, None)
        (since, before), (until, done) = seen[0], seen[-1]
        rate = (done - before) / (until - since) if until > since else 0.0
        return Pace(done, self._total, rate if rate > 0 else None)

    def look(self) -> None:
        """Once; what fails is tried again the next time."""
        with self._database.read() as tx:
            standing = embedders.standing(tx)
            if standing.target is None:
                self._seen.clear()
                self._watched = None
                return
            done, self._total = embedders.counts(tx, standing.target.space_id)
        self._note(standing.target.space_id, done)
        if _is_ready(standing) and done == self._total:
            self._go_over(standing.target)

    def _note(self, space_id: int, done: int) -> None:
        if space_id != self._watched:
            self._seen.clear()
            self._watched = space_id
        now = time.monotonic()
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _WINDOW_SECONDS:
            self._seen.popleft()

    def _go_over(self, target: Known) -> None:
        try:
            self._take_over(target)
        except Unavailable as error:
            if error.code not in ("model_unusable", "model_missing", "bad_embedding"):
                raise
            with self._database.write() as tx:
                embedders.note_trouble(tx, target.space_id, Trouble(error.code, error.detail))

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            try:
                self.look()
            except FootnoteError as error:
                _log.warning("embedder_watch_failed", error=error.code)
            except Exception:
                _log.exception("embedder_watch_failed")


def _is_ready(standing: Standing) -> bool:
    return standing.figures is not None and standing.trouble is None
