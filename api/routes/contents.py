"""What is in a document: original file, canonical text, pages and their pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from api import representations, schemas
from api.dependencies import CallerDep, DocumentId, PageNumber, ServiceDep, VersionNumber, problems
from api.filenames import content_disposition
from api.rights import Right, needs
from api.schemas import MAX_OFFSET
from ingest import sniffing
from rag.errors import BadRequest, Conflict, NotFound
from rag.stores import document_catalog, texts
from rag.stores.access import Access
from rag.stores.database import Tx
from rag.stores.document_catalog import Document, Version

router = APIRouter(prefix="/v1/documents/{document_id}", tags=["contents"])

_DRAWN = frozenset({sniffing.PDF, sniffing.PNG, sniffing.JPEG, sniffing.TIFF, sniffing.WEBP})
_SANDBOX = "default-src 'none'; sandbox"


@router.get(
    "/file",
    response_class=FileResponse,
    responses={
        200: {"content": {"*/*": {}}, "description": "The file"},
        **problems(404, 410),
    },
    openapi_extra=needs(Right.READ),
)
def get_file(
    service: ServiceDep, caller: CallerDep, document_id: DocumentId, version: VersionNumber = None
) -> FileResponse:
    """The original file, byte for byte, as a download."""
    with service.database.read() as tx:
        _, found = _version(tx, caller.access, document_id, version)
    return FileResponse(
        service.blobs.sound_path(found.sha256),
        media_type=found.media_type or "application/octet-stream",
        headers={
            "Content-Disposition": content_disposition(found.name),
            "Content-Security-Policy": _SANDBOX,
        },
    )


@router.get(
    "/text",
    response_model=schemas.TextRange,
    responses=problems(400, 404, 409, 410),
    openapi_extra=needs(Right.READ),
)
def get_text(
    service: ServiceDep,
    caller: CallerDep,
    document_id: DocumentId,
    start: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    end: Annotated[int | None, Query(ge=0, le=MAX_OFFSET)] = None,
    version: VersionNumber = None,
) -> Response:
    """Characters ``[start, end)`` of the canonical text; both are cut to its length."""
    if end is not None and end < start:
        raise BadRequest("bad_range", "end lies before start; exchange them.")
    with service.database.read() as tx:
        document, found = _readable(tx, caller.access, document_id, version)
        length = found.characters or 0
        first, last = min(start, length), length if end is None else min(end, length)
        text = texts.read_text(tx, found.id, first, last)
    status = representations.status_of(found, document)
    answer = schemas.TextRange(text=text, start=first, end=last, version=found.number, status=status)
    # Serialised here, on a thread: the text may be a whole book.
    return Response(answer.model_dump_json(), media_type="application/json")


# Before the page itself: "3.png" would otherwise be taken for a page number.
@router.get(
    "/pages/{page}.png",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}}, "description": "The picture"},
        **problems(404, 409, 410, 503),
    },
    openapi_extra=needs(Right.READ),
)
def get_page_picture(
    service: ServiceDep,
    caller: CallerDep,
    document_id: DocumentId,
    page: PageNumber,
    scale: Annotated[float, Query(ge=0.25, le=4, allow_inf_nan=False, description="Pixels per point.")] = 1.5,
    version: VersionNumber = None,
) -> FileResponse:
    """A page of a PDF or of a scanned picture, drawn in a process of its own."""
    with service.database.read() as tx:
        _, found = _readable(tx, caller.access, document_id, version)
        if found.media_type not in _DRAWN:
            raise NotFound(
                "no_page_picture", "Only pages of PDF documents and pictures are drawn; use the page's text."
            )
        texts.read_page(tx, found.id, page)
    path = service.pictures.get(found.sha256, page, scale)
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


@router.get(
    "/pages/{page}",
    response_model=schemas.Page,
    responses=problems(404, 409, 410),
    openapi_extra=needs(Right.READ),
)
def get_page(
    service: ServiceDep,
    caller: CallerDep,
    document_id: DocumentId,
    page: PageNumber,
    version: VersionNumber = None,
) -> schemas.Page:
    """A page's text and where its words stand."""
    with service.database.read() as tx:
        document, found = _readable(tx, caller.access, document_id, version)
        layout = texts.read_page(tx, found.id, page)
        text = texts.read_text(tx, found.id, layout.start, layout.end)
    return representations.page(layout, text, found.number, representations.status_of(found, document))


def _version(tx: Tx, access: Access, document_id: str, number: int | None) -> tuple[Document, Version]:
    document = document_catalog.get(tx, access, document_id)
    return document, document_catalog.version(tx, document, number)


def _readable(tx: Tx, access: Access, document_id: str, number: int | None) -> tuple[Document, Version]:
    """Raises ``Conflict`` (``version_not_read``) while, or because, there is no text."""
    document, found = _version(tx, access, document_id, number)
    if found.characters is None:
        raise Conflict(
            "version_not_read",
            found.error_detail or "This version has not been read yet; wait for its job to finish.",
        )
    return document, found
