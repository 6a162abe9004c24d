"""Documents: upload, list, look at, replace, describe, delete."""

from __future__ import annotations

import time
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import StringConstraints, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from api import gate, intake, problems, representations, schemas, strict_json, waiting
from api.assembly import Service
from api.callers import Caller
from api.dependencies import (
    CallerDep,
    Cursor,
    DocumentId,
    IdempotencyHeader,
    Limit,
    ServiceDep,
    SourceField,
    UploaderHeader,
    Wait,
)
from api.dependencies import problems as problem_responses
from api.filenames import display_name
from api.removing import remove_document
from api.rights import Right, needs
from api.sources import MAX_CHARS as MAX_SOURCE
from api.sources import checked_source
from rag.errors import BadRequest
from rag.records import DocumentState, JobState
from rag.stores import acceptance, collections, document_catalog, near_duplicates
from rag.stores.acceptance import Accepted
from rag.stores.blobs import Blob
from rag.stores.database import Tx
from rag.stores.document_catalog import Document
from rag.stores.job_queue import Job

router = APIRouter(prefix="/v1/documents", tags=["documents"], route_class=strict_json.StrictRoute)

_log = structlog.get_logger(__name__)

_MAX_METADATA_BYTES = 64 * 1024
_metadata = TypeAdapter(schemas.Metadata)

UploadedFile = Annotated[UploadFile, File(description="The document. Its kind is told by its content.")]
MetadataField = Annotated[
    str | None,
    Form(max_length=_MAX_METADATA_BYTES, description="A JSON object.", examples=['{"author": "A. Weber"}']),
]


@router.post(
    "",
    status_code=202,
    response_model=schemas.Accepted,
    responses={
        200: {"model": schemas.Accepted, "description": "These very bytes were there already"},
        **problem_responses(400, 404, 409, 413, 415, 429, 503, 507),
    },
    openapi_extra=needs(Right.WRITE),
)
async def upload_document(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    file: UploadedFile,
    collection: Annotated[schemas.CollectionName, Form(description="Its name.")] = collections.DEFAULT,
    metadata: MetadataField = None,
    source: SourceField = None,
    idempotency_key: IdempotencyHeader = None,
    uploader: UploaderHeader = None,
    wait: Wait = False,
) -> Response:
    """Take a document in. 202 means that it is stored for good; the job says when it can be searched."""
    upload = _upload(caller, file, metadata, idempotency_key, uploader, source)
    limit = service.settings.max_upload_bytes
    accepted = await gate.store(
        request, service.load, intake.add_document, service.database, service.blobs, upload, collection, limit
    )
    return await _acknowledge(service, caller, request, accepted, wait)


@router.get(
    "",
    response_model=schemas.DocumentList,
    responses=problem_responses(404, 410),
    openapi_extra=needs(Right.READ),
)
def list_documents(
    service: ServiceDep,
    caller: CallerDep,
    collection: Annotated[
        schemas.CollectionName | None, Query(description="Only of this collection.")
    ] = None,
    state: Annotated[DocumentState | None, Query(description="Only in this state.")] = None,
    name: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=255)] | None,
        Query(description="Only those whose name contains this."),
    ] = None,
    source_prefix: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=MAX_SOURCE)] | None,
        Query(description="Only those whose source begins with this."),
    ] = None,
    parent: Annotated[
        schemas.Identifier | None, Query(description="Only those found in this document.")
    ] = None,
    sha256: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None,
        Query(description="Only those whose newest version has these bytes."),
    ] = None,
    media_type: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=100)]] | None,
        Query(max_length=20, description="Only those of this kind, or of these: it may be repeated."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> schemas.DocumentList:
    """Documents, newest first."""
    with service.database.read() as tx:
        found, following = document_catalog.page_of(
            tx,
            caller.access,
            limit=limit,
            after=None if cursor is None else int(cursor),
            collection=None if collection is None else collections.get(tx, caller.access, collection),
            state=state,
            name_contains=name,
            source_prefix=source_prefix,
            parent=None if parent is None else document_catalog.get(tx, caller.access, parent),
            sha256=sha256,
            media_types=media_type,
        )
    return schemas.DocumentList(
        data=[representations.document(one) for one in found],
        next_cursor=None if following is None else str(following),
    )


@router.get(
    "/{document_id}",
    response_model=schemas.Document,
    responses=problem_responses(404, 410),
    openapi_extra=needs(Right.READ),
)
def get_document(service: ServiceDep, caller: CallerDep, document_id: DocumentId) -> schemas.Document:
    """A document with the report on how well it was read, and what resembles it."""
    with service.database.read() as tx:
        return _whole(tx, document_catalog.get(tx, caller.access, document_id))


@router.get(
    "/{document_id}/versions",
    response_model=schemas.VersionList,
    responses=problem_responses(404, 410),
    openapi_extra=needs(Right.READ),
)
def list_versions(service: ServiceDep, caller: CallerDep, document_id: DocumentId) -> schemas.VersionList:
    """Every version of a document, newest first."""
    with service.database.read() as tx:
        document = document_catalog.get(tx, caller.access, document_id)
        found = document_catalog.versions_of(tx, document)
    return schemas.VersionList(
        data=[representations.version(one, document) for one in found], next_cursor=None
    )


@router.put(
    "/{document_id}",
    status_code=202,
    response_model=schemas.Accepted,
    responses={
        200: {
            "model": schemas.Accepted,
            "description": "The newest version has these very bytes and this name",
        },
        **problem_responses(400, 404, 409, 410, 413, 415, 429, 503, 507),
    },
    openapi_extra=needs(Right.WRITE),
)
async def replace_document(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    document_id: DocumentId,
    file: UploadedFile,
    metadata: MetadataField = None,
    idempotency_key: IdempotencyHeader = None,
    uploader: UploaderHeader = None,
    wait: Wait = False,
) -> Response:
    """Take in a new version. The old one is searched until the new one is ready, and stays citable."""
    upload = _upload(caller, file, metadata, idempotency_key, uploader)
    limit = service.settings.max_upload_bytes
    accepted = await gate.store(
        request, service.load, intake.add_version, service.database, service.blobs, upload, document_id, limit
    )
    return await _acknowledge(service, caller, request, accepted, wait)


@router.patch(
    "/{document_id}",
    response_model=schemas.Patched,
    responses={
        202: {"model": schemas.Patched, "description": "A new version is being read under the new name"},
        **problem_responses(400, 404, 409, 410),
    },
    openapi_extra=needs(Right.WRITE),
)
def describe_document(
    service: ServiceDep,
    caller: CallerDep,
    document_id: DocumentId,
    patch: schemas.DocumentPatch,
    response: Response,
) -> schemas.Patched:
    """Change metadata and source (at once) or the name (a new version over the same bytes)."""
    source = None if patch.source is None else checked_source(patch.source)
    with service.database.write() as tx:
        document = document_catalog.get(tx, caller.access, document_id)
        if source is not None:
            document_catalog.set_source(tx, document, source)
        if patch.metadata is not None:
            document_catalog.set_metadata(tx, document, patch.metadata)
        job: Job | None = None
        name = document.name if patch.name is None else display_name(patch.name)
        if name != document.name:
            blob = Blob(document.newest.sha256, document.newest.size)
            job = acceptance.accept_version(tx, document, blob, name).job
            response.status_code = 202
            response.headers["Location"] = f"/v1/jobs/{job.public_id}"
        changed = _whole(tx, document_catalog.get(tx, caller.access, document_id))
    return schemas.Patched(
        document=changed,
        job=None if job is None else representations.job(job, time.time()),
    )


@router.delete(
    "/{document_id}", status_code=204, responses=problem_responses(404, 410), openapi_extra=needs(Right.WRITE)
)
def delete_document(service: ServiceDep, caller: CallerDep, document_id: DocumentId) -> Response:
    """Remove a document for good: from every search at once, with its text, versions and file."""
    remove_document(service, caller.access, document_id)
    return Response(status_code=204)


def _whole(tx: Tx, document: Document) -> schemas.Document:
    """The document with what resembles the version that is searched."""
    live = document_catalog.version(tx, document)
    return representations.document(document, near_duplicates.of_version(tx, live.id))


def _upload(
    caller: Caller,
    file: UploadFile,
    metadata: str | None,
    idempotency_key: str | None,
    uploader: str | None,
    source: str | None = None,
) -> intake.Upload:
    return intake.Upload(
        caller.access,
        file.file,
        display_name(file.filename or ""),
        _parse_metadata(metadata),
        idempotency_key,
        None if source is None else checked_source(source),
        uploader,
    )


def _parse_metadata(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        return _metadata.validate_python(strict_json.loads(text))
    except strict_json.InvalidJson as error:
        raise BadRequest(
            "bad_metadata", f"metadata is not acceptable JSON: {error}. Send an object."
        ) from None
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise BadRequest(
            "bad_metadata", f"metadata is not acceptable: {reason}. Send a JSON object of named values."
        ) from None


async def _acknowledge(
    service: Service, caller: Caller, request: Request, accepted: Accepted, wait: bool
) -> Response:
    # The worker's lines name the job: this one says which request it came with.
    _log.info("document_accepted", document=accepted.document.public_id, job=accepted.job.public_id)
    if wait:
        job = await waiting.until_finished(
            service.database,
            caller.access,
            accepted.job.public_id,
            service.settings.wait_seconds,
            request,
            service.life,
        )
        if job.state in (JobState.FAILED, JobState.DEAD, JobState.CANCELLED):
            return _not_read(job, problems.request_id_of(request))
        accepted = await run_in_threadpool(_refreshed, service, accepted, job)
    return JSONResponse(
        representations.accepted(accepted, time.time()).model_dump(mode="json"),
        status_code=200 if accepted.duplicate else 202,
        headers={"Location": f"/v1/jobs/{accepted.job.public_id}"},
    )


def _refreshed(service: Service, accepted: Accepted, job: Job) -> Accepted:
    with service.database.read() as tx:
        return Accepted(document_catalog.by_id(tx, accepted.document.id), job, accepted.duplicate)


def _not_read(job: Job, request_id: str) -> Response:
    """The answer to ``wait`` when there is nothing to search: stored, but not readable."""
    return problems.response(
        422 if job.state is not JobState.CANCELLED else 409,
        job.error_code or "job_cancelled",
        job.error_detail or "Reading was cancelled; send the file again to have it read.",
        request_id,
        document_id=job.document_public_id,
        job_id=job.public_id,
    )
