"""Collections: named sets of documents, the unit of asking."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api import representations, schemas, strict_json
from api.dependencies import CallerDep, ServiceDep, problems
from api.rights import Right, needs
from rag.stores import collections

router = APIRouter(prefix="/v1/collections", tags=["collections"], route_class=strict_json.StrictRoute)

Name = Annotated[schemas.CollectionName, Path(description="A collection's name or id.")]


@router.get("", response_model=schemas.CollectionList, openapi_extra=needs(Right.READ))
def list_collections(service: ServiceDep, caller: CallerDep) -> schemas.CollectionList:
    """All collections, by name."""
    with service.database.read() as tx:
        found = [
            representations.collection(one, collections.count_documents(tx, one))
            for one in collections.all_of(tx, caller.access)
        ]
    return schemas.CollectionList(data=found, next_cursor=None)


@router.post(
    "",
    status_code=201,
    response_model=schemas.Collection,
    responses=problems(400, 409),
    openapi_extra=needs(Right.WRITE),
)
def create_collection(
    service: ServiceDep, caller: CallerDep, new: schemas.NewCollection, response: Response
) -> schemas.Collection:
    with service.database.write() as tx:
        created = collections.create(tx, caller.access, new.name)
    response.headers["Location"] = f"/v1/collections/{created.public_id}"
    return representations.collection(created, documents=0)


@router.get(
    "/{name}", response_model=schemas.Collection, responses=problems(404), openapi_extra=needs(Right.READ)
)
def get_collection(service: ServiceDep, caller: CallerDep, name: Name) -> schemas.Collection:
    with service.database.read() as tx:
        found = collections.get(tx, caller.access, name)
        return representations.collection(found, collections.count_documents(tx, found))


@router.delete("/{name}", status_code=204, responses=problems(404, 409), openapi_extra=needs(Right.WRITE))
def delete_collection(service: ServiceDep, caller: CallerDep, name: Name) -> Response:
    """Remove an empty collection."""
    with service.database.write() as tx:
        collections.remove(tx, collections.get(tx, caller.access, name))
    return Response(status_code=204)
