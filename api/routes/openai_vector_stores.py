"""OpenAI's vector stores: collections, under another name."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Path

from api import schemas
from api.dependencies import CallerDep, ServiceDep, problems
from api.openai import asking, library, paging
from api.openai.errors import OpenAIRoute
from api.openai.library_schemas import NewVectorStore, VectorStore, VectorStoreDeleted, VectorStoreList
from api.openai.paging import After, Limit, Order
from api.rights import Right, needs
from rag.errors import Conflict
from rag.stores import collections, document_catalog, moving
from rag.stores.access import Access
from rag.stores.collections import Collection
from rag.stores.database import Tx

router = APIRouter(prefix="/v1/vector_stores", tags=["openai"], route_class=OpenAIRoute)

VectorStoreId = Annotated[schemas.CollectionName, Path(description="A collection's id or name.")]


@router.post(
    "",
    response_model=VectorStore,
    responses=problems(400, 404, 409, 410),
    openapi_extra=needs(Right.WRITE),
)
def create_vector_store(service: ServiceDep, caller: CallerDep, wanted: NewVectorStore) -> VectorStore:
    """A new collection; without a name it is given one. Files named here are put into it."""
    library.check_chunking(wanted.chunking_strategy)
    asking.refuse({"expires_after": wanted.expires_after, "metadata": wanted.metadata}, {}, {})
    name = wanted.name or f"vector store {secrets.token_hex(6)}"
    with service.database.write() as tx:
        made = collections.create(tx, caller.access, name)
        for file_id in wanted.file_ids or ():
            put_into(tx, caller.access, file_id, made)
        return _shown(tx, made)


@router.get(
    "",
    response_model=VectorStoreList,
    responses=problems(400, 404),
    openapi_extra=needs(Right.READ),
)
def list_vector_stores(
    service: ServiceDep, caller: CallerDep, after: After = None, limit: Limit = 20, order: Order = "desc"
) -> VectorStoreList:
    """All collections, newest first."""
    paging.check_order(order)
    with service.database.read() as tx:
        places = sorted(collections.all_of(tx, caller.access), key=lambda one: one.id, reverse=True)
        if after is not None:
            last = collections.get(tx, caller.access, after)
            places = [one for one in places if one.id < last.id]
        count = min(limit, paging.MOST)
        shown = [_shown(tx, one) for one in places[:count]]
    return VectorStoreList(data=shown, **paging.ends(shown, has_more=len(places) > count))


@router.get(
    "/{vector_store_id}", response_model=VectorStore, responses=problems(404), openapi_extra=needs(Right.READ)
)
def get_vector_store(service: ServiceDep, caller: CallerDep, vector_store_id: VectorStoreId) -> VectorStore:
    with service.database.read() as tx:
        return _shown(tx, collections.get(tx, caller.access, vector_store_id))


@router.delete(
    "/{vector_store_id}",
    response_model=VectorStoreDeleted,
    responses=problems(404, 409),
    openapi_extra=needs(Right.WRITE),
)
def delete_vector_store(
    service: ServiceDep, caller: CallerDep, vector_store_id: VectorStoreId
) -> VectorStoreDeleted:
    """Remove a collection. Its files stay: they are put back where files without a vector store are."""
    with service.database.write() as tx:
        place = collections.get(tx, caller.access, vector_store_id)
        if place.name != collections.DEFAULT and collections.count_documents(tx, place):
            moving.move_all(tx, place, collections.get(tx, caller.access, collections.DEFAULT))
        collections.remove(tx, place)
    return VectorStoreDeleted(id=vector_store_id)


def put_into(tx: Tx, access: Access, file_id: str, place: Collection) -> None:
    """A document is in one collection: out of the default one it goes, from any other it does not.

    Raises ``Conflict`` (``file_in_other_store``), or as ``document_catalog.get``.
    """
    document = document_catalog.get(tx, access, file_id)
    if document.collection == place.name:
        return
    if document.collection != collections.DEFAULT or document.parent is not None:
        raise Conflict(
            "file_in_other_store",
            f"This file belongs to the vector store {document.collection!r}, and to one only; "
            "take it out there, or upload it once more.",
        )
    moving.move(tx, document, place)


def _shown(tx: Tx, place: Collection) -> VectorStore:
    return library.vector_store(place, moving.held_by(tx, place))
