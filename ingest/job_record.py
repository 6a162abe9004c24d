"""What is kept of an attempt at a job: a line in the log, figures, and spans if they were asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

from rag.observability import tracing
from rag.stores.job_queue import Job

_log = structlog.get_logger(__name__)

OnStage = Callable[[str, str, float], None]
"""Called with the stage, its outcome (``succeeded`` or ``failed``) and its seconds."""


class Listener(Protocol):
    """Whoever counts: ``ingest.telling.Teller`` in a worker."""

    def stage(self, stage: str, outcome: str, seconds: float) -> None: ...

    def job(self, outcome: str) -> None: ...


class Unheard:
    """For a pipeline that nobody watches."""

    def stage(self, stage: str, outcome: str, seconds: float) -> None: ...

    def job(self, outcome: str) -> None: ...


class JobRecord:
    """One attempt at a job, stage by stage."""

    def __init__(self, job: Job, listener: Listener) -> None:
        self._job = job
        self._listener = listener
        self._stage = "starting"
        self._outcome, self._code = "died", ""

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around the whole of it; ``ended`` is to be called inside."""
        job, began = self._job, time.perf_counter()
        named = {"footnote.job": job.public_id, "footnote.document": job.document_public_id}
        with tracing.span("ingest", {**named, "footnote.attempt": job.attempts}) as span:
            try:
                yield
            finally:
                span.set({"footnote.outcome": self._outcome})
                if self._code:
                    span.fail(self._code)
                self._listener.job(self._outcome)
                _log.info(
                    "job",
                    job=job.public_id,
                    document=job.document_public_id,
                    attempt=job.attempts,
                    stage=self._stage,
                    outcome=self._outcome,
                    code=self._code or None,
                    ms=round((time.perf_counter() - began) * 1000, 1),
                    waited_ms=round(max(0.0, (job.started_at or job.created_at) - job.created_at) * 1000),
                )

    def ended(self, outcome: str, code: str = "") -> None:
        """How it ended: ``succeeded``, ``failed``, ``retried``, ``dead``, ``given_back`` or ``lost``."""
        self._outcome, self._code = outcome, code

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._stage = name
        with timed(name, self._listener.stage):
            yield


@contextmanager
def timed(stage: str, on_stage: OnStage) -> Iterator[None]:
    """Tell ``on_stage`` how long the block took and whether it was left by an exception."""
    outcome, began = "failed", time.perf_counter()
    try:
        with tracing.span(f"ingest.{stage}"):
            yield
        outcome = "succeeded"
    finally:
        on_stage(stage, outcome, time.perf_counter() - began)
