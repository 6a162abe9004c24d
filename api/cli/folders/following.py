"""Watching many jobs at once, in a thread of its own and with few requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import islice
from types import TracebackType
from typing import Any

from api.cli.connection import Connection, Refused, Unreachable
from api.cli.folders.outcome import Outcome

JOBS_PER_REQUEST = 100
_POLL_SECONDS = 0.25

OnJob = Callable[[Outcome, Mapping[str, Any]], None]
"""Called from the following thread with what a job says now; the last time with ``outcome.ended``."""


class Follower:
    """Follows jobs to their ends, inside a ``with`` block.

    Args:
        patience: how many seconds the service may not answer before that is an error; None: for ever.
    """

    def __init__(self, service: Connection, on_job: OnJob, patience: float | None) -> None:
        self._service = service
        self._on_job = on_job
        self._patience = patience
        self._waiting: dict[int, Outcome] = {}  # by identity, in the order in which they are asked about
        self._changed = threading.Condition()
        self._closed = False
        self._failure: Exception | None = None
        self._answered = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="follow-jobs", daemon=True)

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def follow(self, outcome: Outcome) -> None:
        with self._changed:
            self._waiting[id(outcome)] = outcome
            self._changed.notify_all()

    def wait(self) -> None:
        """Until all jobs have ended. Raises what kept them from being followed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting or self._failure is not None)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                asked = list(islice(self._waiting.values(), JOBS_PER_REQUEST))
            try:
                self._look(asked)
                self._answered = time.monotonic()
            except Exception as error:  # whoever waits has to hear of it, whatever it is
                if self._gives_up(error):
                    with self._changed:
                        self._failure = error
                        self._changed.notify_all()
                    return
            time.sleep(_POLL_SECONDS)

    def _look(self, asked: list[Outcome]) -> None:
        answer = self._service.call("GET", "/v1/jobs", params={"id": [one.job_id for one in asked]})
        jobs = {job["id"]: job for job in answer["data"]}
        for outcome in asked:
            job = jobs.get(outcome.job_id)
            if job is None:
                outcome.state, outcome.error = "gone", "document_not_found: It was deleted meanwhile."
                job = {"state": "cancelled"}
            else:
                outcome.told(job)
                self._settle(outcome, job)
            self._on_job(outcome, job)
        with self._changed:
            # Those that go on move to the end, so that everybody's turn comes.
            for outcome in asked:
                del self._waiting[id(outcome)]
                if not outcome.ended:
                    self._waiting[id(outcome)] = outcome
            self._changed.notify_all()

    def _settle(self, outcome: Outcome, job: Mapping[str, Any]) -> None:
        """A document without a single chunk was read, but is not searchable: it says itself what it is."""
        if job["state"] == "succeeded" and not job["chunks"]["done"]:
            outcome.state = self._service.call("GET", f"/v1/documents/{outcome.document_id}")["state"]

    def _gives_up(self, error: Exception) -> bool:
        if not isinstance(error, Unreachable) and not (isinstance(error, Refused) and error.passing):
            return True
        return self._patience is not None and time.monotonic() - self._answered > self._patience
