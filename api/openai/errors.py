"""Errors as OpenAI's clients expect them: ``{"error": {"message", "type", "param", "code"}}``.

Everything below makes problem documents, wherever it refuses: routes, the key, the limits on bodies, the
gate, the guard. For these addresses alone they are rewritten on their way out, in this one place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.strict_json import StrictRoute
from rag.errors import BadRequest

_PREFIXES = (
    "/v1/chat",
    "/v1/embeddings",
    "/v1/files",
    "/v1/models",
    "/v1/responses",
    "/v1/vector_stores",
)
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_EVENT = b"event: error\ndata: "
_RETRY_HOPELESS = 409
"""OpenAI's clients send again what was answered so; here the state it speaks of does not change by itself."""


class Error(BaseModel):
    message: Annotated[str, Field(description="For people; ends with what to do next.")]
    type: str
    param: Annotated[str | None, Field(description="The member of the request that is meant.")]
    code: Annotated[str, Field(description="For programs: stable, listed in docs/errors.md.")]


class OpenAIError(BaseModel):
    """What an OpenAI-compatible address answers with a status from 400 on."""

    error: Error


class ParameterRefused(BadRequest):
    """Something is asked for in the member ``param`` that Footnote does not do."""

    def __init__(self, param: str, detail: str, code: str = "unsupported_parameter") -> None:
        super().__init__(code, detail)
        self.param = param


class OpenAIRoute(StrictRoute):
    """A route that says which member of the request it refuses."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def refusing(request: Request) -> Response:
            try:
                return await handle(request)
            except ParameterRefused as refused:
                status = problems.status_of(refused)
                return JSONResponse(error(status, refused.code, refused.detail, refused.param), status)

        return refusing


def is_openai(path: str) -> bool:
    """Whether an address belongs to this interface."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in _PREFIXES)


def error(status: int, code: str, detail: str, param: str | None = None) -> dict[str, Any]:
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": detail, "type": kind, "param": param, "code": code}}


def status_here(status: int) -> int:
    """OpenAI says 400 for what its schema refuses, and its clients know no 422."""
    return 400 if status == 422 else status


def of_problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    """A problem document as an OpenAI error."""
    listed = problem.get("errors") or []
    field = str(listed[0].get("field", "")) if listed else ""
    param = field.removeprefix("body.") or None
    return error(status_here(int(problem["status"])), problem["code"], problem["detail"], param)


class OpenAIErrors:
    """Rewrites problem documents for these addresses, as answers and as events. Pure ASGI, outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_openai(scope["path"]):
            send = _Rewriting(send).send
        await self._app(scope, receive, send)


class _Rewriting:
    """Passes an answer on; a problem document is held until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: Message | None = None
        self._body = b""
        self._events = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            self._events = kind.startswith("text/event-stream")
            if kind.startswith(problems.MEDIA_TYPE):
                self._held = message
                return
        elif message["type"] == "http.response.body":
            if self._held is not None:
                await self._rewrite(self._held, message)
                return
            if self._events and message.get("body", b"").startswith(_EVENT):
                message = {**message, "body": _event(message["body"])}
        await self._send(message)

    async def _rewrite(self, start: Message, message: Message) -> None:
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        body = b""
        headers = MutableHeaders(raw=start["headers"])
        if self._body:  # HEAD has none
            body = json.dumps(of_problem(json.loads(self._body))).encode()
            headers["Content-Length"] = str(len(body))
        headers["Content-Type"] = "application/json"
        if start["status"] == _RETRY_HOPELESS:
            headers["x-should-retry"] = "false"
        await self._send({**start, "status": status_here(start["status"]), "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _event(event: bytes) -> bytes:
    problem = json.loads(event[len(_EVENT) :])
    return _EVENT + json.dumps(of_problem(problem)).encode() + b"\n\n"
