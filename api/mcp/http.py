"""Streamable HTTP on a loopback address, with the checks a server there needs."""

from __future__ import annotations

import http
import json

from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.client.errors import ClientError, Forbidden, Refused, Unauthenticated
from api.mcp.calling import Callers, bearer
from api.mcp.server import FootnoteServer

HOST = "127.0.0.1"
PATH = "/mcp"
_NAMES = (HOST, "localhost", "[::1]")


class KeyCheck:
    """Lets in whom the service lets in. Asked for each request, so that a revoked key ends at once."""

    def __init__(self, app: ASGIApp, callers: Callers) -> None:
        self._app = app
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, headers: Headers) -> Response | None:
        try:
            async with self._callers.client(bearer(headers)) as client:
                await client.jobs.queue()
        except (Unauthenticated, Forbidden) as error:
            return _problem(error.status, error.code, error.detail)
        except Refused as error:
            return _problem(503, error.code, error.detail)
        except ClientError as error:
            return _problem(503, "service_unreachable", str(error))
        return None


def app(server: FootnoteServer, callers: Callers, port: int) -> ASGIApp:
    """The server as an application for this port.

    Host and Origin are checked by the protocol's own library: a page of another site, or a name that was
    made to point here (DNS rebinding), is refused.
    """
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[f"{name}:{port}" for name in _NAMES],
        allowed_origins=[f"http://{name}:{port}" for name in _NAMES],
    )
    inner = server.streamable_http_app(
        streamable_http_path=PATH, stateless_http=True, transport_security=security, host=HOST
    )
    return KeyCheck(inner, callers)


def _problem(status: int, code: str, detail: str) -> Response:
    """RFC 9457, as the service itself answers."""
    members = {
        "type": f"urn:footnote:problem:{code}",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    headers = {"WWW-Authenticate": 'Bearer realm="footnote"'} if status == 401 else {}
    return Response(
        json.dumps(members), status_code=status, headers=headers, media_type="application/problem+json"
    )
