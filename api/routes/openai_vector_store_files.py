"""The files of OpenAI's vector stores, and searching them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from api.admission import key_of
from api.answering import CLIENT_GONE
from api.assembly import Service
from api.dependencies import CallerDep, ServiceDep, problems
from api.openai import filters, library, paging
from api.openai.errors import OpenAIRoute
from api.openai.library_schemas import (
    ChangedAttributes,
    Content,
    FileContent,
    NewVectorStoreFile,
    SearchPage,
    VectorStoreFile,
    VectorStoreFileDeleted,
    VectorStoreFileList,
    VectorStoreSearch,
)
from api.openai.paging import After, Limit, Order
from api.rights import Right, needs
from api.routes.openai_files import FileId
from api.routes.openai_vector_stores import VectorStoreId, put_into
from api.scoping import check_length
from rag.errors import Conflict, NotFound
from rag.records import JobState
from rag.stores import collections, document_catalog, job_queue, moving, texts
from rag.stores.access import Access
from rag.stores.collections import Collection
from rag.stores.database import Tx
from rag.stores.document_catalog import Document
from rag.stores.scopes import Scope

router = APIRouter(prefix="/v1/vector_stores/{vector_store_id}", tags=["openai"], route_class=OpenAIRoute)

Wanted = Annotated[
    Literal["in_progress", "completed", "failed", "cancelled"] | None, Query(description="Only such.")
]


@router.post(
    "/files",
    response_model=VectorStoreFile,
    responses=problems(400, 404, 409, 410),
    openapi_extra=needs(Right.WRITE),
)
def add_file(
    service: ServiceDep, caller: CallerDep, vector_store_id: VectorStoreId, wanted: NewVectorStoreFile
) -> VectorStoreFile:
    """Put an uploaded file into a vector store."""
    library.check_chunking(wanted.chunking_strategy)
    with service.database.write() as tx:
        place = collections.get(tx, caller.access, vector_store_id)
        put_into(tx, caller.access, wanted.file_id, place)
        document = document_catalog.get(tx, caller.access, wanted.file_id)
        if wanted.attributes:
            document_catalog.set_metadata(tx, document, {**document.metadata, **wanted.attributes})
        return _shown(tx, document_catalog.get(tx, caller.access, wanted.file_id), place)


@router.get(
    "/files",
    response_model=VectorStoreFileList,
    responses=problems(400, 404, 410),
    openapi_extra=needs(Right.READ),
)
def list_vector_store_files(
    service: ServiceDep,
    caller: CallerDep,
    vector_store_id: VectorStoreId,
    after: After = None,
    limit: Limit = 20,
    order: Order = "desc",
    filter: Wanted = None,
) -> VectorStoreFileList:
    """The documents of a collection, newest first."""
    paging.check_order(order)
    with service.database.read() as tx:
        place = collections.get(tx, caller.access, vector_store_id)
        last = None if after is None else _document(tx, caller.access, place, after).id
        found: list[VectorStoreFile] = []
        count, more = min(limit, paging.MOST), True
        while more and len(found) <= count:
            some, following = document_catalog.page_of(
                tx, caller.access, limit=count + 1, after=last, collection=place
            )
            found += [one for one in (_shown(tx, one, place) for one in some) if filter in (None, one.status)]
            last, more = following, following is not None
    shown = found[:count]
    return VectorStoreFileList(data=shown, **paging.ends(shown, has_more=len(found) > count))


@router.get(
    "/files/{file_id}",
    response_model=VectorStoreFile,
    responses=problems(404, 410),
    openapi_extra=needs(Right.READ),
)
def get_vector_store_file(
    service: ServiceDep, caller: CallerDep, vector_store_id: VectorStoreId, file_id: FileId
) -> VectorStoreFile:
    with service.database.read() as tx:
        place = collections.get(tx, caller.access, vector_store_id)
        return _shown(tx, _document(tx, caller.access, place, file_id), place)


@router.post(
    "/files/{file_id}",
    response_model=VectorStoreFile,
    responses=problems(400, 404, 410),
    openapi_extra=needs(Right.WRITE),
)
def update_vector_store_file(
    service: ServiceDep,
    caller: CallerDep,
    vector_store_id: VectorStoreId,
    file_id: FileId,
    wanted: ChangedAttributes,
) -> VectorStoreFile:
    """Change a file's attributes, at once. Metadata that attributes cannot hold stays."""
    with service.database.write() as tx:
        place = collections.get(tx, caller.access, vector_store_id)
        document = _document(tx, caller.access, place, file_id)
        old = document.metadata
        kept = {name: old[name] for name in old.keys() - library.attributes(old).keys()}
        document_catalog.set_metadata(tx, document, {**kept, **(wanted.attributes or {})})
        return _shown(tx, _document(tx, caller.access, place, file_id), place)


@router.delete(
    "/files/{file_id}",
    response_model=VectorStoreFileDeleted,
    responses=problems(404, 409, 410),
    openapi_extra=needs(Right.WRITE),
)
def take_out_file(
    service: ServiceDep, caller: CallerDep, vector_store_id: VectorStoreId, file_id: FileId
) -> VectorStoreFileDeleted:
    """Put a file back where files without a vector store are. `DELETE /v1/files/{file_id}` deletes it."""
    with service.database.write() as tx:
        place = collections.get(tx, caller.access, vector_store_id)
        document = _document(tx, caller.access, place, file_id)
        if place.name == collections.DEFAULT or document.parent is not None:
            raise Conflict(
                "file_stays",
                "This file has no other place, or lies inside another file; delete it with "
                "DELETE /v1/files/{file_id}.",
            )
        moving.move(tx, document, collections.get(tx, caller.access, collections.DEFAULT))
    return VectorStoreFileDeleted(id=file_id)


@router.get(
    "/files/{file_id}/content",
    response_model=FileContent,
    responses=problems(404, 409, 410),
    openapi_extra=needs(Right.READ),
)
def get_vector_store_file_content(
    service: ServiceDep, caller: CallerDep, vector_store_id: VectorStoreId, file_id: FileId
) -> Response:
    """The text of a file as it was read."""
    with service.database.read() as tx:
        place = collections.get(tx, caller.access, vector_store_id)
        version = document_catalog.version(tx, _document(tx, caller.access, place, file_id))
        if version.characters is None:
            raise Conflict(
                "version_not_read", "This file has not been read, or could not be; look at its status."
            )
        text = texts.read_text(tx, version.id, 0, version.characters)
    content = FileContent(data=[Content(text=text)])
    # Serialised here, on a thread: the text may be a whole book.
    return Response(content.model_dump_json(), media_type="application/json")


@router.post(
    "/search",
    response_model=SearchPage,
    responses=problems(400, 404, 413, 429, 503),
    openapi_extra=needs(Right.READ),
)
async def search_vector_store(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    vector_store_id: VectorStoreId,
    wanted: VectorStoreSearch,
) -> Any:
    """The best passages for a query, best first. Several queries are searched for as one."""
    query = wanted.query if isinstance(wanted.query, str) else "\n".join(wanted.query)
    check_length(query, service.settings.max_question_chars)
    scope = Scope(caller.access, (vector_store_id,), filters.translated(wanted.filters, "filters"))
    searches = service.load.searches
    with await searches.enter(key_of(request.scope)):
        if await request.is_disconnected():  # it left while it waited
            return Response(status_code=CLIENT_GONE)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(searches.executor, _search, service, scope, query, wanted)


def _search(service: Service, scope: Scope, query: str, wanted: VectorStoreSearch) -> SearchPage:
    result = service.retriever.search(query, scope, wanted.max_num_results)
    service.metrics.observe_stages(result.timings)
    metadata = {}
    with service.database.read() as tx:
        for document_id in {passage.document.id for passage in result.passages}:
            try:
                metadata[document_id] = document_catalog.get(tx, scope.access, document_id).metadata
            except NotFound:  # deleted since
                continue
    least = wanted.ranking_options.score_threshold if wanted.ranking_options else 0.0
    return SearchPage(search_query=[query], data=library.search_hits(result.passages, metadata, least))


def _document(tx: Tx, access: Access, place: Collection, file_id: str) -> Document:
    """Raises ``NotFound`` (``document_not_found``) for a file of another vector store as well."""
    document = document_catalog.get(tx, access, file_id)
    if document.collection != place.name:
        raise NotFound(
            "document_not_found", "There is no such file in this vector store; list the files it has."
        )
    return document


def _shown(tx: Tx, document: Document, place: Collection) -> VectorStoreFile:
    waiting = document.newest.state in library.STATES["in_progress"]
    cancelled = waiting and job_queue.newest_of(tx, document.newest.id).state is JobState.CANCELLED
    return library.vector_store_file(document, place, cancelled=cancelled)
