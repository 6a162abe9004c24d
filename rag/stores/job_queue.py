"""Durable jobs with leases: a worker that dies gives its job back, one that was replaced cannot finish it.

A job is claimed for ``lease`` seconds and the lease is renewed with every report of progress. Every
later write names the worker and the attempt it was claimed with (fencing), so that a worker that
slept through its lease finds ``LeaseLost`` instead of overwriting its successor's work.

Order is fair between uploaders, by start-time fair queueing (P. Goyal, H. M. Vin and H. Cheng, SIGCOMM
1996): a job's turn comes at the later of the queue's present turn and the end of the job before it in
its lane, plus its cost. Small documents have a lane of their own beside the large ones of the same
uploader, so neither a folder of a thousand files nor one huge file makes anyone else wait for all of it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, exists, func, insert, or_, select, update

from rag.errors import Conflict, NotFound
from rag.records import DocumentState, JobState, Notice
from rag.stores.access import Access, is_everything, tenant_of
from rag.stores.database import Tx
from rag.stores.identifiers import new_id
from rag.stores.tables import documents, jobs, queue_state, versions

MAX_ATTEMPTS = 3
LEASE_SECONDS = 30.0
SMALL_BYTES = 256 * 1024
"""Documents up to this size count as small."""
_BACKOFF_SECONDS = (2.0, 10.0)  # after the first and the second attempt
_SET = update(jobs).where(jobs.c.id == bindparam("wanted"))
_SET_MINE = _SET.where(
    jobs.c.state == JobState.RUNNING,
    jobs.c.worker == bindparam("mine"),
    jobs.c.attempts == bindparam("attempt"),
)
_COST_OF_ONE = 16 * 1024
"""What any document costs besides its bytes, in bytes."""


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
    uploader: str
    created_at: float
    started_at: float | None
    stage_started_at: float | None
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class QueueOverview:
    """The queue as a whole; ``oldest_waiting_seconds`` is None when nothing waits."""

    paused: bool
    jobs: Mapping[str, int]
    oldest_waiting_seconds: float | None


def enqueue(tx: Tx, document_id: int, version_id: int, *, uploader: str = "default", size: int = 0) -> Job:
    """A job that waits its turn. ``size`` in bytes is what it is expected to cost."""
    now = time.time()
    # Uploaders are called what callers call them: in another tenant the same name is somebody else.
    lane = f"{tenant_of(tx, document_id).tenant}/{uploader}/{'small' if size <= SMALL_BYTES else 'large'}"
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
            uploader=uploader,
            lane=lane,
            turn=_next_turn(tx, lane, size),
            run_at=now,
            created_at=now,
        )
    ).inserted_primary_key
    assert key is not None
    return by_id(tx, key[0])


def has_waiting(tx: Tx) -> bool:
    """Whether ``claim`` would find a job. Reads one index, so that idle workers can ask often."""
    now = time.time()
    waiting = tx.scalar(select(jobs.c.id).where(or_(_due(now), _expired(now))).limit(1)) is not None
    return waiting and not is_paused(tx)


def is_paused(tx: Tx) -> bool:
    return bool(tx.scalar(select(queue_state.c.paused)))


def pause(tx: Tx) -> None:
    """No job is claimed from now on; those that run go on."""
    tx.execute(update(queue_state).values(paused=1))


def resume(tx: Tx) -> None:
    tx.execute(update(queue_state).values(paused=0))


def overview(tx: Tx, access: Access) -> QueueOverview:
    """The queue as the caller sees it: their own jobs, and whether it is paused."""
    mine = _visible(tx, access)
    counts = select(jobs.c.state, func.count()).where(*mine).group_by(jobs.c.state)
    oldest = tx.scalar(select(func.min(jobs.c.created_at)).where(jobs.c.state == JobState.QUEUED, *mine))
    return QueueOverview(
        paused=is_paused(tx),
        jobs=dict(tx.execute(counts).all()),
        oldest_waiting_seconds=None if oldest is None else max(0.0, time.time() - oldest),
    )


def position(tx: Tx, access: Access, job: Job) -> int | None:
    """How many of the caller's jobs wait before this one; None when it is not waiting."""
    if job.state is not JobState.QUEUED:
        return None
    turn = select(jobs.c.turn).where(jobs.c.id == job.id).scalar_subquery()
    earlier = or_(jobs.c.turn < turn, and_(jobs.c.turn == turn, jobs.c.id < job.id))
    waiting = select(func.count()).select_from(jobs).where(jobs.c.state == JobState.QUEUED, earlier)
    return tx.scalar(waiting.where(*_visible(tx, access)))


def retry(tx: Tx, job: Job) -> Job:
    """Queue again, with all its attempts, a job that failed, died or was cancelled, or that found pictures
    where there may be something now that reads them.

    Raises ``Conflict``: ``job_not_retryable`` while it waits or runs or after it succeeded;
    ``job_superseded`` when a later job reads the same version.
    """
    if newest_of(tx, job.version_id).id != job.id:
        raise Conflict("job_superseded", "A later job reads this version; look at that one.")
    again = tx.execute(
        update(jobs)
        .where(jobs.c.id == job.id)
        .where(
            jobs.c.state.in_([JobState.FAILED, JobState.DEAD, JobState.CANCELLED])
            | jobs.c.version_id.in_(select(versions.c.id).where(versions.c.state == DocumentState.NEEDS_OCR))
        )
        .values(
            state=JobState.QUEUED,
            stage="queued",
            attempts=0,
            run_at=time.time(),
            started_at=None,
            stage_started_at=None,
            finished_at=None,
            worker=None,
            lease_until=None,
            error_code=None,
            error_detail=None,
        )
    )
    if again.rowcount == 0:
        raise Conflict(
            "job_not_retryable", f"The job is {job.state}; only failed, dead and cancelled jobs start again."
        )
    return by_id(tx, job.id)


def claim(tx: Tx, worker: str) -> Job | None:
    """The job whose turn it is, leased to ``worker``; None when there is nothing to do or it is paused."""
    now = time.time()
    # One state at a time, so that the index gives the order however many wait. Whose worker went silent is
    # looked for when nothing else waits, and put back in the line by ``release_expired`` now and then.
    chosen = _first(tx, _due(now)) or _first(tx, _expired(now))
    if chosen is None:
        return None
    tx.execute(update(queue_state).values(turn=func.max(queue_state.c.turn, chosen.turn)))
    return _take(tx, _job(chosen), worker, now)


def claim_this(tx: Tx, job: Job, worker: str) -> Job:
    """Claim a job that was enqueued in this very transaction, for work that is done within it."""
    return _take(tx, job, worker, time.time())


def report(tx: Tx, job: Job, **progress: Any) -> None:
    """Renew the lease and set any of ``stage``, ``pages_done``, ``pages_total``, ``chunks_done``,
    ``chunks_total``. Raises ``LeaseLost``."""
    now = time.time()
    if "stage" in progress:
        progress["stage_started_at"] = now
    _update_mine(tx, job, lease_until=now + LEASE_SECONDS, **progress)


def succeed(tx: Tx, job: Job, *, notices: Sequence[Mapping[str, str]] = (), **progress: Any) -> None:
    """The job is done; ``progress`` as for ``report``.

    Raises ``LeaseLost``; the caller's transaction must then not be committed.
    """
    _update_mine(
        tx,
        job,
        state=JobState.SUCCEEDED,
        stage="done",
        notices=list(notices),
        error_code=None,
        error_detail=None,
        finished_at=time.time(),
        **progress,
    )


def note(tx: Tx, job: Job, notices: Sequence[Mapping[str, str]]) -> None:
    """Replace what a job has to say about its document."""
    tx.execute(update(jobs).where(jobs.c.id == job.id).values(notices=list(notices)))


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


def release_expired(tx: Tx) -> tuple[Sequence[Job], Sequence[Job]]:
    """Take back what no worker has reported on within its lease.

    Returns the jobs that wait again, and those that are dead because it was their last attempt.
    """
    held = [_job(row) for row in tx.execute(_query().where(_is_silent(time.time())))]
    dead = [
        job
        for job in held
        if not retry_later(tx, job, "worker_died", "Its worker died or hung while reading it.")
    ]
    return [job for job in held if job not in dead], dead


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


def get(tx: Tx, access: Access, public_id: str) -> Job:
    """Raises ``NotFound`` (``job_not_found``)."""
    return _one(tx, jobs.c.public_id == public_id, access.covers(documents.c.collection_id))


def by_id(tx: Tx, job_id: int) -> Job:
    return _one(tx, jobs.c.id == job_id)


def newest_of(tx: Tx, version_id: int) -> Job:
    """The last job that was to read this version."""
    newest = select(func.max(jobs.c.id)).where(jobs.c.version_id == version_id).scalar_subquery()
    return _one(tx, jobs.c.id == newest)


def page_of(
    tx: Tx, access: Access, *, limit: int, after: int | None = None, state: JobState | None = None
) -> tuple[Sequence[Job], int | None]:
    """Up to ``limit`` jobs, newest first, and the cursor of the next page (None at the end)."""
    query = _query().where(access.covers(documents.c.collection_id))
    query = query.order_by(jobs.c.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(jobs.c.id < after)
    if state is not None:
        query = query.where(jobs.c.state == state)
    found = [_job(row) for row in tx.execute(query)]
    return found[:limit], (found[limit - 1].id if len(found) > limit else None)


def counts_by_state(tx: Tx) -> dict[str, int]:
    return dict(tx.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all())


def _visible(tx: Tx, access: Access) -> Sequence[ColumnElement[bool]]:
    """Which jobs are the caller's; nothing where all are, so that counting reads an index alone."""
    if is_everything(tx, access):
        return ()
    return (exists().where(documents.c.id == jobs.c.document_id, access.covers(documents.c.collection_id)),)


def _next_turn(tx: Tx, lane: str, size: int) -> float:
    present = tx.scalar(select(queue_state.c.turn)) or 0.0
    last = tx.scalar(
        select(func.max(jobs.c.turn)).where(jobs.c.lane == lane, jobs.c.state == JobState.QUEUED)
    )
    return max(present, last or 0.0) + size + _COST_OF_ONE


def _due(now: float) -> ColumnElement[bool]:
    return and_(jobs.c.state == JobState.QUEUED, _has_come(jobs.c.run_at, now, _BACKOFF_SECONDS[-1]))


def _expired(now: float) -> ColumnElement[bool]:
    """Claimed by a worker that has not been heard of for too long, and may be tried again."""
    return and_(_is_silent(now), jobs.c.attempts < MAX_ATTEMPTS)


def _is_silent(now: float) -> ColumnElement[bool]:
    return and_(jobs.c.state == JobState.RUNNING, _has_come(jobs.c.lease_until, now, LEASE_SECONDS))


def _has_come(moment: ColumnElement[Any], now: float, furthest: float) -> ColumnElement[bool]:
    """Whether a moment is past, or further away than any is ever set: then the clock has been set back since,
    and nobody is to wait for ten years."""
    return or_(moment <= now, moment > now + 2 * furthest)


def _first(tx: Tx, which: ColumnElement[bool]) -> Row[*tuple[Any, ...]] | None:
    running = select(queue_state.c.paused).scalar_subquery() == 0
    return tx.execute(_query().where(which, running).order_by(jobs.c.turn, jobs.c.id).limit(1)).first()


def _take(tx: Tx, job: Job, worker: str, now: float) -> Job:
    """Lease a job that this very transaction has read: nobody can have come in between."""
    taken: dict[str, Any] = {
        "state": JobState.RUNNING,
        "stage": "starting",
        "worker": worker,
        "attempts": job.attempts + 1,
        "started_at": job.started_at or now,
        "stage_started_at": now,
        "pages_done": 0,
        "chunks_done": 0,
    }
    tx.execute(_SET, {"wanted": job.id, "lease_until": now + LEASE_SECONDS, **taken})
    return replace(job, **taken)


def _update_mine(tx: Tx, job: Job, **values: Any) -> None:
    mine = {"wanted": job.id, "mine": job.worker, "attempt": job.attempts}
    if tx.execute(_SET_MINE, mine | values).rowcount == 0:
        raise LeaseLost(job.public_id)


@cache  # building it anew takes longer than running it
def _query() -> Select[Any]:
    return (
        select(jobs, documents.c.public_id.label("document_public_id"), versions.c.number)
        .join(documents, documents.c.id == jobs.c.document_id)
        .join(versions, versions.c.id == jobs.c.version_id)
    )


def _one(tx: Tx, *where: ColumnElement[bool]) -> Job:
    row = tx.execute(_query().where(*where)).first()
    if row is None:
        raise NotFound("job_not_found", "There is no job with this id; it goes when its document is deleted.")
    return _job(row)


def _job(row: Row[*tuple[Any, ...]]) -> Job:
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
        uploader=row.uploader,
        created_at=row.created_at,
        started_at=row.started_at,
        stage_started_at=row.stage_started_at,
        finished_at=row.finished_at,
    )
