"""Errors as RFC 9457 problem documents: the one place where an error meets an HTTP status."""

from __future__ import annotations

import errno
import http
import math
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from rag import errors

_log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS_OF: Mapping[type[errors.FootnoteError], int] = {
    errors.BadRequest: 400,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    errors.Gone: 410,
    errors.NotFound: 404,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.Conflict: 409,
    errors.DocumentRejected: 422,
    errors.Unavailable: 503,
    errors.ServerBusy: 503,
    errors.Busy: 429,
    errors.StorageFailed: 507,
}

_ROUTING = {
    404: ("route_not_found", "There is nothing at this address; GET /openapi.json lists what there is."),
    405: ("method_not_allowed", "This address does not answer to this method; see the Allow header."),
    400: ("malformed_body", "The request body could not be read; send it as the documentation shows."),
}
DISK_FULL = ("disk_full", "The disk is full; free some space and try again.")
_MAX_LISTED_ERRORS = 20


class HttpProblem(HTTPException):
    """A refusal made by the HTTP layer itself, before anything of Footnote was asked."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(status, detail)
        self.code = code


def status_of(error: errors.FootnoteError) -> int:
    """The status of the error's nearest listed class."""
    return next(STATUS_OF[cls] for cls in type(error).__mro__ if cls in STATUS_OF)


def document(status: int, code: str, detail: str, request_id: str, **more: Any) -> dict[str, Any]:
    """The members of a problem document (RFC 9457, section 3.1, and our ``code`` and ``request_id``)."""
    return {
        "type": f"urn:footnote:problem:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **more,
    }


def response(status: int, code: str, detail: str, request_id: str, **more: Any) -> JSONResponse:
    return JSONResponse(
        document(status, code, detail, request_id, **more), status_code=status, media_type=MEDIA_TYPE
    )


def of_error(error: errors.FootnoteError, request_id: str) -> JSONResponse:
    answer = response(status_of(error), error.code, error.detail, request_id)
    if isinstance(error, errors.Busy):
        answer.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return answer


def unexpected_document(request_id: str) -> dict[str, Any]:
    """For a bug: says nothing about its cause, which is in the log under the request id."""
    detail = "Something went wrong in the server; report the request id, its log has the cause."
    return document(500, "internal_error", detail, request_id)


def unexpected(request_id: str) -> JSONResponse:
    return JSONResponse(unexpected_document(request_id), status_code=500, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Turn every error raised under ``app`` into a problem document."""
    app.add_exception_handler(errors.FootnoteError, _footnote_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(OSError, _os_error)
    app.add_exception_handler(RequestValidationError, _validation_error)


async def _footnote_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.FootnoteError)
    if isinstance(error, errors.Unavailable):
        _log.warning("request_failed", code=error.code, request_id=request_id_of(request))
    return of_error(error, request_id_of(request))


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if is_disk_full(error.__cause__):  # met while the body was received, which FastAPI takes for a bad body
        return of_error(errors.StorageFailed(*DISK_FULL), request_id_of(request))
    if isinstance(error, HttpProblem):
        code, detail = error.code, error.detail
    else:
        code, detail = _ROUTING.get(error.status_code, ("http_error", str(error.detail)))
    answer = response(error.status_code, code, detail, request_id_of(request))
    answer.headers.update(error.headers or {})
    return answer


async def _os_error(request: Request, error: Exception) -> JSONResponse:
    if is_disk_full(error):
        return of_error(errors.StorageFailed(*DISK_FULL), request_id_of(request))
    raise error


def is_disk_full(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = _listed(error.errors())
    first = f"{found[0]['field']}: {found[0]['message']}" if found else "the request"
    return response(
        422,
        "invalid_request",
        f"Not acceptable: {first}. Correct it and send the request again.",
        request_id_of(request),
        errors=found,
    )


def _listed(problems: Sequence[Any]) -> list[dict[str, str]]:
    """Field, message and kind; never the input itself, which may be huge or not even be Unicode."""
    return [
        {
            "field": ".".join(str(step) for step in problem["loc"])[:200].encode(errors="replace").decode(),
            "message": str(problem["msg"])[:300].encode(errors="replace").decode(),
            "kind": str(problem["type"]),
        }
        for problem in problems[:_MAX_LISTED_ERRORS]
    ]


def request_id_of(request: Request) -> str:
    return str(request.scope.get("footnote.request_id", ""))
