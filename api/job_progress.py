"""How fast a running job is, and how long its present stage still takes."""

from __future__ import annotations

from api import schemas
from rag.stores.job_queue import Job

_DIGITS = 1
_SHORTEST = 0.05
"""Seconds below which a stage has no pace to speak of."""


def rate(job: Job, now: float) -> schemas.Rate:
    """What the present stage does in a second; None where it counts nothing, or counts something else."""
    pages, chunks = _paces(job, now)
    return schemas.Rate(pages_per_second=_rounded(pages), chunks_per_second=_rounded(chunks))


def eta_seconds(job: Job, now: float) -> float | None:
    """Seconds the present stage still needs at its pace; None while there is none to judge by."""
    pages, chunks = _paces(job, now)
    for pace, done, total in (
        (chunks, job.chunks_done, job.chunks_total),
        (pages, job.pages_done, job.pages_total),
    ):
        if pace and total:
            return round(max(0, total - done) / pace, _DIGITS)
    return None


def _paces(job: Job, now: float) -> tuple[float | None, float | None]:
    """Pages and chunks a second since the stage began. Chunks come after pages: once they are counted,
    the pages are done."""
    if job.finished_at is not None or job.stage_started_at is None:
        return None, None
    elapsed = now - job.stage_started_at
    if elapsed < _SHORTEST:
        return None, None
    if job.chunks_total:
        return None, job.chunks_done / elapsed or None
    return job.pages_done / elapsed or None, None


def _rounded(pace: float | None) -> float | None:
    return None if pace is None else round(pace, _DIGITS)
