"""The queue of documents to be read, as a whole."""

from __future__ import annotations

from fastapi import APIRouter

from api import representations, schemas
from api.assembly import Service
from api.dependencies import ServiceDep
from rag.stores import job_queue

router = APIRouter(prefix="/v1/queue", tags=["jobs"])


@router.get("", response_model=schemas.Queue)
def get_queue(service: ServiceDep) -> schemas.Queue:
    """How many jobs are in each state, and whether new ones are begun."""
    return _overview(service)


@router.post("/pause", response_model=schemas.Queue)
def pause_queue(service: ServiceDep) -> schemas.Queue:
    """Begin no further job. What runs goes on, uploads are still taken; it lasts until it is resumed."""
    with service.database.write() as tx:
        job_queue.pause(tx)
    return _overview(service)


@router.post("/resume", response_model=schemas.Queue)
def resume_queue(service: ServiceDep) -> schemas.Queue:
    """Begin jobs again."""
    with service.database.write() as tx:
        job_queue.resume(tx)
    return _overview(service)


def _overview(service: Service) -> schemas.Queue:
    with service.database.read() as tx:
        return representations.queue(job_queue.overview(tx))
