"""What a service lets happen at once: separate places for asking, searching and uploading.

Separate, with threads of their own, so that a storm of one leaves the others their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from api.admission import Admission, Limits
from api.backlog import Backlog
from api.loop_lag import LoopLag
from api.metrics import Figure
from api.settings import Settings
from rag.stores.database import Database

_SEARCHES = 4
_WAITING_SEARCHES = 128
_UPLOADS_WAIT = 8
"""Uploads that may wait for each that is being taken in: they hold a connection and nothing else."""


class Interruptible(Protocol):
    """Something that is under way and can be told to end."""

    def interrupt(self) -> None: ...


class Load:
    """Every queue of the api process, and what is measured of its event loop."""

    def __init__(self, settings: Settings, database: Database) -> None:
        patience = settings.queue_seconds
        self.asks = Admission(
            "asks",
            "question",
            "too_many_questions",
            _limits(settings.max_concurrent_asks, settings.max_waiting_asks, patience),
            first_guess=2.0,
        )
        self.searches = Admission(
            "searches",
            "search",
            "too_many_searches",
            _limits(_SEARCHES, _WAITING_SEARCHES, patience),
            first_guess=0.05,
        )
        uploads = settings.max_concurrent_uploads
        self.uploads = Admission(
            "uploads",
            "upload",
            "too_many_uploads",
            _limits(uploads, uploads * _UPLOADS_WAIT, patience),
            first_guess=0.2,
        )
        self.backlog = Backlog(database, settings.max_waiting_jobs, settings.max_waiting_bytes)
        self.lag = LoopLag()
        self.under_way: set[Interruptible] = set()
        """Answers being worked on, and streams that would go on; used on the event loop only."""

    def stop(self) -> None:
        """Let nobody in any more; who has a place keeps it."""
        for one in self.queues:
            one.stop()

    def interrupt(self) -> None:
        """End whatever is still under way."""
        for one in list(self.under_way):
            one.interrupt()

    def close(self) -> None:
        self.backlog.close()
        for one in self.queues:
            one.close()

    def figures(self) -> Iterator[Figure]:
        """The queues and the event loop as they are now."""
        yield Figure(
            "footnote_running",
            "Requests that have a place and are worked on.",
            ("queue",),
            {(one.name,): float(one.taken) for one in self.queues},
        )
        yield Figure(
            "footnote_waiting",
            "Requests that wait for a place.",
            ("queue",),
            {(one.name,): float(one.waiting) for one in self.queues},
        )
        yield Figure(
            "footnote_admissions",
            "What became of requests for a place.",
            ("queue", "outcome"),
            {(one.name, outcome): float(n) for one in self.queues for outcome, n in one.outcomes.items()},
            "counter",
        )
        waiting = self.backlog.waiting
        yield Figure(
            "footnote_backlog",
            "Documents that wait to be read, and their bytes.",
            ("what",),
            {("jobs",): float(waiting.jobs), ("bytes",): float(waiting.size)},
        )
        yield Figure(
            "footnote_event_loop_lag_seconds",
            "How late timers of the event loop were in the last minute.",
            ("quantile",),
            {(quantile,): seconds for quantile, seconds in self.lag.quantiles().items()},
        )
        yield Figure(
            "footnote_event_loop_blocked",
            "How often the event loop stood still for more than a second.",
            (),
            {(): float(self.lag.blocked)},
            "counter",
        )

    @property
    def queues(self) -> tuple[Admission, ...]:
        return self.asks, self.searches, self.uploads


def _limits(running: int, waiting: int, patience: float) -> Limits:
    """One key may have half of the line: there is always room for another."""
    return Limits(running, waiting, share=max(1, waiting // 2), patience=patience)
