"""Jobs: how far the reading of a document is."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api import problems, representations, schemas, sse, waiting
from api.assembly import Service
from api.dependencies import CallerDep, Cursor, JobId, Limit, ServiceDep
from api.dependencies import problems as problem_responses
from api.rights import Right, needs
from rag.errors import FootnoteError, NotFound
from rag.records import JobState
from rag.stores import document_catalog, job_queue
from rag.stores.access import Access
from rag.stores.database import Database, Tx
from rag.stores.job_queue import Job

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get(
    "", response_model=schemas.JobList, responses=problem_responses(), openapi_extra=needs(Right.READ)
)
def list_jobs(
    service: ServiceDep,
    caller: CallerDep,
    state: Annotated[JobState | None, Query(description="Only in this state.")] = None,
    wanted: Annotated[
        list[schemas.Identifier] | None,
        Query(alias="id", max_length=100, description="These, as far as there are such; up to a hundred."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> schemas.JobList:
    """Jobs, newest first."""
    if wanted is not None:
        return schemas.JobList(data=_these(service.database, caller.access, wanted, state), next_cursor=None)
    with service.database.read() as tx:
        found, following = job_queue.page_of(
            tx, caller.access, limit=limit, after=None if cursor is None else int(cursor), state=state
        )
    return schemas.JobList(
        data=[representations.job(one, time.time()) for one in found],
        next_cursor=None if following is None else str(following),
    )


@router.get(
    "/{job_id}", response_model=schemas.Job, responses=problem_responses(404), openapi_extra=needs(Right.READ)
)
def get_job(service: ServiceDep, caller: CallerDep, job_id: JobId) -> schemas.Job:
    with service.database.read() as tx:
        return _placed(tx, caller.access, job_queue.get(tx, caller.access, job_id))


@router.post(
    "/{job_id}/retry",
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
    openapi_extra=needs(Right.WRITE),
)
def retry_job(service: ServiceDep, caller: CallerDep, job_id: JobId) -> schemas.Job:
    """Queue a job that failed, died or was cancelled once more, with all its attempts."""
    with service.database.write() as tx:
        job = job_queue.retry(tx, job_queue.get(tx, caller.access, job_id))
        document_catalog.requeue(tx, job.version_id)
        return _placed(tx, caller.access, job)


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "`progress` with the job whenever it changes, `done` with the job at the end, "
            "`heartbeat` in between; `error` with a problem document if the document is deleted.",
        },
        **problem_responses(404),
    },
    openapi_extra=needs(Right.READ),
)
async def follow_job(
    request: Request, service: ServiceDep, caller: CallerDep, job_id: JobId
) -> StreamingResponse:
    """The job's progress as server-sent events."""
    await run_in_threadpool(
        waiting.read, service.database, caller.access, job_id
    )  # a 404 before the stream begins
    return sse.response(_events(service, caller.access, job_id, problems.request_id_of(request)))


@router.delete(
    "/{job_id}",
    response_model=schemas.Job,
    responses=problem_responses(404, 409),
    openapi_extra=needs(Right.WRITE),
)
def cancel_job(service: ServiceDep, caller: CallerDep, job_id: JobId) -> schemas.Job:
    """Stop reading. The document stays, marked as failed; a version that was live stays live."""
    with service.database.write() as tx:
        job = job_queue.get(tx, caller.access, job_id)
        job_queue.cancel(tx, job)
        document_catalog.fail(
            tx, job.version_id, "job_cancelled", "Reading was cancelled; send the file again to have it read."
        )
        return _placed(tx, caller.access, job_queue.get(tx, caller.access, job_id))


def _placed(tx: Tx, access: Access, job: Job) -> schemas.Job:
    return representations.job(job, time.time(), job_queue.position(tx, access, job))


def _these(
    database: Database, access: Access, wanted: Sequence[str], state: JobState | None
) -> list[schemas.Job]:
    """Those of the wanted jobs that exist, newest first."""
    found = []
    with database.read() as tx:
        for job_id in dict.fromkeys(wanted):
            with suppress(NotFound):
                found.append(job_queue.get(tx, access, job_id))
    now = time.time()
    return [
        representations.job(job, now)
        for job in sorted(found, key=lambda job: -job.id)
        if state is None or job.state is state
    ]


async def _events(service: Service, access: Access, job_id: str, request_id: str) -> AsyncIterator[bytes]:
    try:
        async for job, position in waiting.changes(service.database, access, job_id, service.life):
            name = "done" if job.state.finished else "progress"
            yield sse.event(name, representations.job(job, time.time(), position))
    except FootnoteError as error:
        status = problems.status_of(error)
        yield sse.event("error", problems.document(status, error.code, error.detail, request_id))
