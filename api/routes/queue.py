"""The queue of documents to be read, as a whole."""

from __future__ import annotations

from fastapi import APIRouter

from api import representations, schemas
from api.assembly import Service
from api.dependencies import CallerDep, ServiceDep
from api.rights import Right, needs
from rag.stores import job_queue
from rag.stores.access import Access

router = APIRouter(prefix="/v1/queue", tags=["jobs"])


@router.get("", response_model=schemas.Queue, openapi_extra=needs(Right.READ))
def get_queue(service: ServiceDep, caller: CallerDep) -> schemas.Queue:
    """How many of the caller's jobs are in each state, and whether new ones are begun."""
    return _overview(service, caller.access)


@router.post("/pause", response_model=schemas.Queue, openapi_extra=needs(Right.ADMIN, operator=True))
def pause_queue(service: ServiceDep, caller: CallerDep) -> schemas.Queue:
    """Begin no further job. What runs goes on, uploads are still taken; it lasts until it is resumed."""
    with service.database.write() as tx:
        job_queue.pause(tx)
    return _overview(service, caller.access)


@router.post("/resume", response_model=schemas.Queue, openapi_extra=needs(Right.ADMIN, operator=True))
def resume_queue(service: ServiceDep, caller: CallerDep) -> schemas.Queue:
    """Begin jobs again."""
    with service.database.write() as tx:
        job_queue.resume(tx)
    return _overview(service, caller.access)


def _overview(service: Service, access: Access) -> schemas.Queue:
    with service.database.read() as tx:
        return representations.queue(job_queue.overview(tx, access))
