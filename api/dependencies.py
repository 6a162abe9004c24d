"""What routes ask for, by type."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Header, Path, Query, Request

from api.assembly import Service
from api.callers import Caller
from api.schemas import MAX_OFFSET, Identifier, Problem
from api.sources import MAX_CHARS as MAX_SOURCE


async def _service(request: Request) -> Service:
    # A coroutine: a plain function would wait for a thread, and a refusal must not.
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


async def _caller(request: Request) -> Caller:
    caller = request.scope["footnote.caller"]
    assert isinstance(caller, Caller)
    return caller


ServiceDep = Annotated[Service, Depends(_service)]
CallerDep = Annotated[Caller, Depends(_caller)]
KeyId = Annotated[Identifier, Path(description="A key's id, `key_…`.")]
DocumentId = Annotated[Identifier, Path(description="A document's id, `doc_…`.")]
JobId = Annotated[Identifier, Path(description="A job's id, `job_…`.")]
AnswerId = Annotated[Identifier, Path(description="An answer's id, `ans_…`.")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many entries to return.")]
Cursor = Annotated[
    str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the page before.")
]
VersionNumber = Annotated[
    int | None, Query(ge=1, le=MAX_OFFSET, description="A version; the live one when left out.")
]
PageNumber = Annotated[int, Path(ge=1, le=1_000_000, description="A page, counted from 1.")]
Wait = Annotated[bool, Query(description="Answer when the document has been read, or could not be.")]
SourceField = Annotated[
    str | None,
    Form(
        max_length=MAX_SOURCE,
        description="Its path in the folder it is taken from, `minutes/2025/may.pdf`. Another one with the "
        "same source is a new version of that document.",
    ),
]
UploaderHeader = Annotated[
    str | None,
    Header(
        alias="Footnote-Uploader",
        min_length=1,
        max_length=64,
        pattern=r"^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$",
        description="Whose turn it counts for: uploaders take turns. The collection when left out.",
    ),
]
IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Repeating a request with the same key does not do it twice.",
    ),
]

_MEANINGS = {
    400: "The request cannot be carried out as it stands",
    401: "No key, or one that opens nothing",
    403: "The key does not have the right",
    404: "No such thing, for this caller",
    408: "The request did not arrive in time",
    410: "It was there and has been deleted",
    409: "The present state does not allow it",
    413: "Too large",
    415: "This kind of file is not read",
    422: "Not acceptable as it stands, or the document cannot be read",
    429: "Too much at once; see Retry-After",
    431: "Too many or too long headers, or too long an address",
    503: "A part of the service cannot work right now",
    507: "The disk is full or failing",
}


def problems(*statuses: int) -> dict[int | str, dict[str, object]]:
    """OpenAPI entries for the problem documents a route may answer with."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {
                "application/problem+json": {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}
            },
        }
        for status in (*statuses, 422)
    }
