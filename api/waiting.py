"""Waiting for a job without holding a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from api.admission import shutting_down
from api.lifecycle import Lifecycle
from rag.stores import job_queue
from rag.stores.access import Access
from rag.stores.database import Database
from rag.stores.job_queue import Job

_SHORTEST = 0.05
_LONGEST = 0.5


async def changes(
    database: Database, access: Access, job_id: str, life: Lifecycle
) -> AsyncIterator[tuple[Job, int | None]]:
    """The job and how many wait before it: now, whenever that has changed, and last when it has finished.

    Raises ``NotFound`` when there is no such job or it is deleted meanwhile, ``Unavailable`` when the
    service ends.
    """
    pause, seen = _SHORTEST, None
    while True:
        now = await run_in_threadpool(_with_position, database, access, job_id)
        if now != seen:
            yield now
            pause, seen = _SHORTEST, now
        if now[0].state.finished:
            return
        if life.ending:
            raise shutting_down()
        await asyncio.sleep(pause)
        pause = min(_LONGEST, pause * 1.3)


async def until_finished(
    database: Database, access: Access, job_id: str, seconds: float, request: Request, life: Lifecycle
) -> Job:
    """The job when it has finished, when ``seconds`` are over, or when the client or the service goes."""
    deadline = time.monotonic() + seconds
    pause = _SHORTEST
    while True:
        job = await run_in_threadpool(read, database, access, job_id)
        over = life.ending or time.monotonic() > deadline
        if job.state.finished or over or await request.is_disconnected():
            return job
        await asyncio.sleep(pause)
        pause = min(_LONGEST, pause * 1.3)


def read(database: Database, access: Access, job_id: str) -> Job:
    with database.read() as tx:
        return job_queue.get(tx, access, job_id)


def _with_position(database: Database, access: Access, job_id: str) -> tuple[Job, int | None]:
    with database.read() as tx:
        job = job_queue.get(tx, access, job_id)
        return job, job_queue.position(tx, access, job)
