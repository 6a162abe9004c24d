"""Waiting for a job without holding a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from rag.stores import job_queue
from rag.stores.database import Database
from rag.stores.job_queue import Job

_SHORTEST = 0.05
_LONGEST = 0.5


async def changes(database: Database, job_id: str) -> AsyncIterator[tuple[Job, int | None]]:
    """The job and how many wait before it: now, whenever that has changed, and last when it has finished.

    Raises ``NotFound`` when there is no such job or it is deleted meanwhile.
    """
    pause, seen = _SHORTEST, None
    while True:
        now = await run_in_threadpool(_with_position, database, job_id)
        if now != seen:
            yield now
            pause, seen = _SHORTEST, now
        if now[0].state.finished:
            return
        await asyncio.sleep(pause)
        pause = min(_LONGEST, pause * 1.3)


async def until_finished(database: Database, job_id: str, seconds: float, request: Request) -> Job:
    """The job when it has finished, when ``seconds`` are over or when the client has gone."""
    deadline = time.monotonic() + seconds
    pause = _SHORTEST
    while True:
        job = await run_in_threadpool(read, database, job_id)
        if job.state.finished or time.monotonic() > deadline or await request.is_disconnected():
            return job
        await asyncio.sleep(pause)
        pause = min(_LONGEST, pause * 1.3)


def read(database: Database, job_id: str) -> Job:
    with database.read() as tx:
        return job_queue.get(tx, job_id)


def _with_position(database: Database, job_id: str) -> tuple[Job, int | None]:
    with database.read() as tx:
        job = job_queue.get(tx, job_id)
        return job, job_queue.position(tx, job)
