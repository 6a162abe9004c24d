"""OpenAI's files: documents, under another name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from fastapi.responses import FileResponse
from pydantic import StringConstraints

from api import gate, intake, schemas
from api.dependencies import CallerDep, IdempotencyHeader, ServiceDep, problems
from api.filenames import content_disposition, display_name
from api.openai import library, library_schemas, paging
from api.openai.errors import OpenAIRoute, ParameterRefused
from api.openai.library_schemas import FileDeleted, FileList
from api.openai.paging import After, Limit, Order
from api.removing import remove_document
from api.rights import Right, needs
from rag.stores import collections, document_catalog
from rag.stores.access import Access
from rag.stores.database import Tx
from rag.stores.document_catalog import Document

router = APIRouter(prefix="/v1/files", tags=["openai"], route_class=OpenAIRoute)

FileId = Annotated[schemas.Identifier, Path(description="A file's id, which is its document's: `doc_…`.")]
Purpose = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_SANDBOX = "default-src 'none'; sandbox"


@router.post(
    "",
    response_model=library_schemas.File,
    responses=problems(400, 404, 409, 413, 415, 429, 503, 507),
    openapi_extra=needs(Right.WRITE),
)
async def create_file(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    file: Annotated[UploadFile, File(description="The document. Its kind is told by its content.")],
    purpose: Annotated[Purpose, Form(description="`assistants` or `user_data`.")] = "assistants",
    collection: Annotated[schemas.CollectionName, Form(description="Its name or id.")] = collections.DEFAULT,
    expires_after: Annotated[
        Annotated[str, StringConstraints(max_length=64)] | None,
        Form(alias="expires_after[anchor]", description="Refused: nothing expires."),
    ] = None,
    idempotency_key: IdempotencyHeader = None,
) -> library_schemas.File:
    """Take a document in. It is read at once; `status` says when that has been done."""
    library.check_purpose(purpose)
    if expires_after is not None:
        raise ParameterRefused("expires_after", "Files do not expire here; delete them when you want to.")
    upload = intake.Upload(caller.access, file.file, display_name(file.filename or ""), None, idempotency_key)
    limit = service.settings.max_upload_bytes
    accepted = await gate.store(
        request, service.load, intake.add_document, service.database, service.blobs, upload, collection, limit
    )
    with service.database.read() as tx:
        return _file(tx, caller.access, accepted.document)


@router.get(
    "",
    response_model=FileList,
    responses=problems(400, 404, 410),
    openapi_extra=needs(Right.READ),
)
def list_files(
    service: ServiceDep,
    caller: CallerDep,
    purpose: Annotated[Purpose | None, Query(description="Others than `assistants` have no files.")] = None,
    after: After = None,
    limit: Limit = paging.MOST,
    order: Order = "desc",
) -> FileList:
    """Every document, newest first."""
    paging.check_order(order)
    if purpose not in (None, "assistants"):
        return FileList(data=[], **paging.ends([], has_more=False))
    with service.database.read() as tx:
        last = None if after is None else document_catalog.get(tx, caller.access, after).id
        found, following = document_catalog.page_of(
            tx, caller.access, limit=min(limit, paging.MOST), after=last
        )
        places = {place.name: place for place in collections.all_of(tx, caller.access)}
    files = [library.file(one, places[one.collection]) for one in found]
    return FileList(data=files, **paging.ends(files, has_more=following is not None))


@router.get(
    "/{file_id}",
    response_model=library_schemas.File,
    responses=problems(404, 410),
    openapi_extra=needs(Right.READ),
)
def get_file(service: ServiceDep, caller: CallerDep, file_id: FileId) -> library_schemas.File:
    with service.database.read() as tx:
        return _file(tx, caller.access, document_catalog.get(tx, caller.access, file_id))


@router.get(
    "/{file_id}/content",
    response_class=FileResponse,
    responses={200: {"content": {"*/*": {}}, "description": "The file"}, **problems(404, 410)},
    openapi_extra=needs(Right.READ),
)
def get_file_content(service: ServiceDep, caller: CallerDep, file_id: FileId) -> FileResponse:
    """The original file, byte for byte."""
    with service.database.read() as tx:
        newest = document_catalog.get(tx, caller.access, file_id).newest
    return FileResponse(
        service.blobs.sound_path(newest.sha256),
        media_type=newest.media_type or "application/octet-stream",
        headers={
            "Content-Disposition": content_disposition(newest.name),
            "Content-Security-Policy": _SANDBOX,
        },
    )


@router.delete(
    "/{file_id}",
    response_model=FileDeleted,
    responses=problems(404, 410),
    openapi_extra=needs(Right.WRITE),
)
def delete_file(service: ServiceDep, caller: CallerDep, file_id: FileId) -> FileDeleted:
    """Remove a document for good, from its vector store too."""
    remove_document(service, caller.access, file_id)
    return FileDeleted(id=file_id)


def _file(tx: Tx, access: Access, document: Document) -> library_schemas.File:
    return library.file(document, collections.get(tx, access, document.collection))
