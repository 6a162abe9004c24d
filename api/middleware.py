"""What every request passes through, outermost first: context, guard, body limits.

Pure ASGI. Starlette's ``BaseHTTPMiddleware`` anywhere in the stack would hide disconnects from handlers,
and with them the chance to stop a model that nobody listens to any more.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Iterable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.request_heads import MAX_HEAD_BYTES, MAX_HEADERS, size
from api.request_log import Observer, RequestRecord

_log = structlog.get_logger(__name__)

MULTIPART_OVERHEAD = 1024 * 1024
"""What the other parts and the framing of an upload may add to the file."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}

_HOST = re.compile(r"(?:(?P<name>[a-z0-9.-]+)|\[(?P<address>[0-9a-f:.]+)\])(?::\d{1,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestContext:
    """Gives the request an id, the response its headers, bugs a clean 500, and tells the observer."""

    def __init__(self, app: ASGIApp, observe: Observer) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope["footnote.request_id"] = request_id
        record = RequestRecord(scope, request_id, self._observe)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with record:
            try:
                await self._app(scope, receive, send_with_headers)
            except ClientDisconnect:
                _log.info("client_gone", request_id=request_id)
            except Exception:
                _log.exception("internal_error", request_id=request_id)
                if record.status == 0:
                    await problems.unexpected(request_id)(scope, receive, send_with_headers)


class Guard:
    """Refuses what a page of another site could send to a service on this machine.

    A browser that was sent to ``evil.example`` resolving to 127.0.0.1 (DNS rebinding) names that host;
    a page that posts across sites names its own origin. Requests without an Origin come from programs
    or from the address bar. Also refuses heads that two readers could understand differently.
    """

    def __init__(self, app: ASGIApp, host: str, allowed: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = {"127.0.0.1", "localhost", "::1", host, *allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers, request_id = Headers(scope=scope), scope["footnote.request_id"]
        if len(headers.raw) > MAX_HEADERS or size(b"", headers.raw) > MAX_HEAD_BYTES:
            return problems.response(
                431,
                "headers_too_large",
                "The request has too many or too long headers; send fewer.",
                request_id,
            )
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or _host_name(hosts[0]) not in self._hosts:
            return problems.response(
                403,
                "host_not_allowed",
                "This service answers under its own address only; use the one that `footnote serve` prints.",
                request_id,
            )
        if any(origin.lower() not in _own_origins(hosts[0]) for origin in origins):
            return problems.response(
                403,
                "origin_not_allowed",
                "Pages of other origins may not use this service; call it from a program or its own pages.",
                request_id,
            )
        return None


class BodyLimits:
    """Refuses bodies that are too large or too slow, counted while they arrive.

    Too slow is a pause of more than ``pause_seconds``, and less than ``rate`` bytes a second on the whole
    after that time. Only the time in which the application waits for the body counts.
    """

    def __init__(
        self, app: ASGIApp, *, json_bytes: int, upload_bytes: int, pause_seconds: float, rate: float = 0.0
    ) -> None:
        self._app = app
        self._json_bytes = json_bytes
        self._upload_bytes = upload_bytes
        self._pause_seconds = pause_seconds
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        multipart = headers.get("content-type", "").lower().startswith("multipart/form-data")
        limit = self._upload_bytes + MULTIPART_OVERHEAD if multipart else self._json_bytes
        too_large = problems.HttpProblem(
            413, "body_too_large", f"The request body is larger than {limit:,} bytes; send less."
        )
        announced = headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > limit):
            refusal = problems.response(413, too_large.code, too_large.detail, scope["footnote.request_id"])
            await refusal(scope, receive, send)
            return
        seen, waited, complete, started = 0, 0.0, False, False

        async def limited() -> Message:
            nonlocal seen, waited, complete
            if complete:  # what follows is only the news of a disconnect, however late
                return await receive()
            began = time.perf_counter()
            try:
                message = await asyncio.wait_for(receive(), self._pause_seconds)
            except TimeoutError:
                if started:  # too late for another answer; this one ends as if its client had left
                    return {"type": "http.disconnect"}
                raise _too_slow() from None
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                waited += time.perf_counter() - began
                complete = not message.get("more_body", False)
                if seen > limit:
                    raise too_large
                if not complete and waited > self._pause_seconds and seen < self._rate * waited:
                    raise _too_slow()
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        await self._app(scope, limited, noted)


def _too_slow() -> problems.HttpProblem:
    return problems.HttpProblem(
        408, "body_too_slow", "The request body stopped arriving or came too slowly; send it again."
    )


def _request_id(headers: Headers) -> str:
    """The caller's own id when it is harmless in logs, else a fresh one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _own_origins(host: str) -> tuple[str, str]:
    """What a page of this service sends; https when a proxy in front of it adds that."""
    return f"http://{host.lower()}", f"https://{host.lower()}"


def _host_name(host: str) -> str:
    """The name in a Host header without port and brackets; empty for anything else than RFC 9110 allows."""
    found = _HOST.fullmatch(host.lower())
    return (found["name"] or found["address"]) if found else ""
