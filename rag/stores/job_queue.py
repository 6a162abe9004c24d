"""Durable jobs with leases: a worker that dies gives its job back, one that was replaced cannot finish it.

A job is claimed for ``lease`` seconds and the lease is renewed with every report of progress. Every
later write names the worker and the attempt it was claimed with (fencing), so that a worker that
slept through its lease finds ``LeaseLost`` instead of overwriting its successor's work.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, or_, select, update

from rag.errors import Conflict, NotFound
from rag.records import JobState, Notice
from rag.stores.database import Tx
from rag.stores.identifiers import new_id
from rag.stores.tables import documents, jobs, versions

MAX_ATTEMPTS = 3
LEASE_SECONDS = 30.0
_BACKOFF_SECONDS = (2.0, 10.0)  # after the first and the second attempt


class LeaseLost(Exception):
    """The job is no longer this worker's: it was cancelled, deleted or given to another. Drop it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as stored. ``stage`` is what is being done now; ``*_total`` is None while unknown."""

    id: int
    public_id: str
    document_id: int
    document_public_id: str
    version_id: int
    version_number: int
    state: JobState
    stage: str
    pages_done: int
    pages_total: int | None
    chunks_done: int
    chunks_total: int | None
    notices: Sequence[Notice]
    error_code: str | None
    error_detail: str | None
    attempts: int
    worker: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None


def enqueue(tx: Tx, document_id: int, version_id: int) -> Job:
    now = time.time()
    key = tx.execute(
        insert(jobs).values(
            public_id=new_id("job"),
            document_id=document_id,
            version_id=version_id,
            state=JobState.QUEUED,
            stage="queued",
            pages_done=0,
            chunks_done=0,
            notices=[],
            attempts=0,
            run_at=now,
            created_at=now,
        )
    ).inserted_primary_key
    assert key is not None
    return by_id(tx, key[0])


def has_waiting(tx: Tx) -> bool:
    """Whether ``claim`` would find a job. Reads one index, so that idle workers can ask often."""
    return tx.scalar(select(jobs.c.id).where(_claimable(time.time())).limit(1)) is not None


def claim(tx: Tx, worker: str) -> Job | None:
    """The oldest job that may run now, leased to ``worker``; None when there is nothing to do."""
    now = time.time()
    chosen = (
        select(jobs.c.id).where(_claimable(now)).order_by(jobs.c.run_at, jobs.c.id).limit(1).scalar_subquery()
    )
    return _take(tx, jobs.c.id == chosen, worker, now)


def claim_this(tx: Tx, job: Job, worker: str) -> Job:
    """Claim a job that was enqueued in this very transaction, for work that is done within it."""
    taken = _take(tx, jobs.c.id == job.id, worker, time.time())
    assert taken is not None
    return taken


def report(tx: Tx, job: Job, **progress: Any) -> None:
    """Renew the lease and set any of ``stage``, ``pages_done``, ``pages_total``, ``chunks_done``,
    ``chunks_total``. Raises ``LeaseLost``."""
    _update_mine(tx, job, lease_until=time.time() + LEASE_SECONDS, **progress)


def succeed(tx: Tx, job: Job, notices: Sequence[Mapping[str, str]]) -> None:
    """Raises ``LeaseLost``; the caller's transaction must then not be committed."""
    _update_mine(
        tx,
        job,
        state=JobState.SUCCEEDED,
        stage="done",
        notices=list(notices),
        error_code=None,
        error_detail=None,
        finished_at=time.time(),
    )


def fail(tx: Tx, job: Job, code: str, detail: str) -> None:
    """The document is at fault, so no retry. Raises ``LeaseLost``."""
    _update_mine(
        tx,
        job,
        state=JobState.FAILED,
        stage="failed",
        error_code=code,
        error_detail=detail,
        finished_at=time.time(),
    )


def retry_later(tx: Tx, job: Job, code: str, detail: str) -> bool:
    """Something around the document failed: try again after a pause, or give up as ``dead``.

    Returns whether it will be tried again. Raises ``LeaseLost``.
    """
    if job.attempts >= MAX_ATTEMPTS:
        _update_mine(
            tx,
            job,
            state=JobState.DEAD,
            stage="dead",
            error_code=code,
            error_detail=detail,
            finished_at=time.time(),
        )
        return False
    _update_mine(
        tx,
        job,
        state=JobState.QUEUED,
        stage="queued",
        error_code=code,
        error_detail=detail,
        run_at=time.time() + _BACKOFF_SECONDS[job.attempts - 1],
        lease_until=None,
    )
    return True


def hand_back(tx: Tx, job: Job) -> None:
    """The worker has to stop and did nothing wrong: another may take the job at once, and this attempt
    does not count. Raises ``LeaseLost``."""
    _update_mine(
        tx,
        job,
        state=JobState.QUEUED,
        stage="queued",
        attempts=job.attempts - 1,
        run_at=time.time(),
        lease_until=None,
    )


def held_by(tx: Tx, worker: str) -> Sequence[Job]:
    """What the worker has claimed and not finished."""
    held = _query().where(jobs.c.state == JobState.RUNNING, jobs.c.worker == worker)
    return [_job(row) for row in tx.execute(held)]


def release_worker(tx: Tx, worker: str) -> Sequence[Job]:
    """Hand back at once what a worker known to be dead had claimed.

    A job that has now taken down its worker ``MAX_ATTEMPTS`` times is dead: it would do so again.
    Returns those dead jobs.
    """
    return [
        job
        for job in held_by(tx, worker)
        if not retry_later(tx, job, "worker_died", "The worker died while reading it.")
    ]


def bury_expired(tx: Tx) -> Sequence[Job]:
    """Declare dead what ran out of its lease for the last time. Returns those jobs."""
    expired = _query().where(
        jobs.c.state == JobState.RUNNING, jobs.c.lease_until < time.time(), jobs.c.attempts >= MAX_ATTEMPTS
    )
    held = [_job(row) for row in tx.execute(expired)]
    for job in held:
        retry_later(tx, job, "worker_died", "Three workers died or hung while reading it.")
    return held


def cancel(tx: Tx, job: Job) -> None:
    """Stop a job. Raises ``Conflict`` (``job_finished``) when there is nothing left to stop."""
    stopped = tx.execute(
        update(jobs)
        .where(jobs.c.id == job.id, jobs.c.state.in_([JobState.QUEUED, JobState.RUNNING]))
        .values(state=JobState.CANCELLED, stage="cancelled", finished_at=time.time(), lease_until=None)
    )
    if stopped.rowcount == 0:
        raise Conflict(
            "job_finished", f"The job has ended already ({job.state}); there is nothing to cancel."
        )


def get(tx: Tx, public_id: str) -> Job:
    """Raises ``NotFound`` (``job_not_found``)."""
    return _one(tx, jobs.c.public_id == public_id)


def by_id(tx: Tx, job_id: int) -> Job:
    return _one(tx, jobs.c.id == job_id)


def newest_of(tx: Tx, version_id: int) -> Job:
    """The last job that was to read this version."""
    newest = select(func.max(jobs.c.id)).where(jobs.c.version_id == version_id).scalar_subquery()
    return _one(tx, jobs.c.id == newest)


def page_of(
    tx: Tx, *, limit: int, after: int | None = None, state: JobState | None = None
) -> tuple[Sequence[Job], int | None]:
    """Up to ``limit`` jobs, newest first, and the cursor of the next page (None at the end)."""
    query = _query().order_by(jobs.c.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(jobs.c.id < after)
    if state is not None:
        query = query.where(jobs.c.state == state)
    found = [_job(row) for row in tx.execute(query)]
    return found[:limit], (found[limit - 1].id if len(found) > limit else None)


def counts_by_state(tx: Tx) -> dict[str, int]:
    return dict(tx.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all())


def _claimable(now: float) -> ColumnElement[bool]:
    return or_(
        and_(jobs.c.state == JobState.QUEUED, jobs.c.run_at <= now),
        and_(jobs.c.state == JobState.RUNNING, jobs.c.lease_until < now, jobs.c.attempts < MAX_ATTEMPTS),
    )


def _take(tx: Tx, which: ColumnElement[bool], worker: str, now: float) -> Job | None:
    taken = tx.scalar(
        update(jobs)
        .where(which)
        .values(
            state=JobState.RUNNING,
            stage="starting",
            worker=worker,
            lease_until=now + LEASE_SECONDS,
            attempts=jobs.c.attempts + 1,
            started_at=func.coalesce(jobs.c.started_at, now),
            pages_done=0,
            chunks_done=0,
        )
        .returning(jobs.c.id)
    )
    return None if taken is None else by_id(tx, taken)


def _update_mine(tx: Tx, job: Job, **values: Any) -> None:
    mine = and_(
        jobs.c.id == job.id,
        jobs.c.state == JobState.RUNNING,
        jobs.c.worker == job.worker,
        jobs.c.attempts == job.attempts,
    )
    if tx.execute(update(jobs).where(mine).values(**values)).rowcount == 0:
        raise LeaseLost(job.public_id)


def _query() -> Select[Any]:
    return (
        select(jobs, documents.c.public_id.label("document_public_id"), versions.c.number)
        .join(documents, documents.c.id == jobs.c.document_id)
        .join(versions, versions.c.id == jobs.c.version_id)
    )


def _one(tx: Tx, where: ColumnElement[bool]) -> Job:
    row = tx.execute(_query().where(where)).first()
    if row is None:
        raise NotFound("job_not_found", "There is no job with this id; it goes when its document is deleted.")
    return _job(row)


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        public_id=row.public_id,
        document_id=row.document_id,
        document_public_id=row.document_public_id,
        version_id=row.version_id,
        version_number=row.number,
        state=JobState(row.state),
        stage=row.stage,
        pages_done=row.pages_done,
        pages_total=row.pages_total,
        chunks_done=row.chunks_done,
        chunks_total=row.chunks_total,
        notices=[Notice(**notice) for notice in row.notices],
        error_code=row.error_code,
        error_detail=row.error_detail,
        attempts=row.attempts,
        worker=row.worker,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
