"""Which embedder serves the library, and going over to another one."""

from __future__ import annotations

from fastapi import APIRouter

from api import embedder_status, strict_json
from api.dependencies import ServiceDep, problems
from api.embedder_status import EmbedderStatus, Start
from api.rights import Right, needs
from ingest.embedder_choice import configured_model
from rag.stores import embedders

router = APIRouter(prefix="/v1/embedder", tags=["system"], route_class=strict_json.StrictRoute)
_OPERATOR = needs(Right.ADMIN, operator=True)


@router.get("", response_model=EmbedderStatus, openapi_extra=_OPERATOR)
def get_embedder(service: ServiceDep) -> EmbedderStatus:
    """Which model serves, which one the settings name, and how far a migration is."""
    return embedder_status.status(service)


@router.post(
    "/migrate",
    status_code=202,
    response_model=EmbedderStatus,
    responses=problems(409, 503),
    openapi_extra=_OPERATOR,
)
def migrate(service: ServiceDep, start: Start) -> EmbedderStatus:
    """Go over to the model that the settings name (`FOOTNOTE_EMBEDDER`; the packaged one without it). Its
    vectors are made in the background; until they are complete and checked nothing else changes."""
    model = configured_model(service.settings.embedder)
    with service.database.write() as tx:
        embedders.begin(tx, model, forced=start.force)
    return embedder_status.status(service)


@router.post(
    "/back", status_code=202, response_model=EmbedderStatus, responses=problems(409), openapi_extra=_OPERATOR
)
def go_back(service: ServiceDep) -> EmbedderStatus:
    """Give up the migration that goes on; or else go over to the model that served before."""
    with service.database.write() as tx:
        embedders.go_back(tx)
    return embedder_status.status(service)


@router.post(
    "/finish",
    status_code=202,
    response_model=EmbedderStatus,
    responses=problems(409),
    openapi_extra=_OPERATOR,
)
def finish(service: ServiceDep) -> EmbedderStatus:
    """Delete the vectors of the model that served before, in the background. There is no way back then."""
    with service.database.write() as tx:
        embedders.finish(tx)
    return embedder_status.status(service)
