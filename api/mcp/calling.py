"""Whose request it is: each message of an MCP client reaches the service with that client's own key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError

from api.client.aio.footnote import AsyncFootnote
from api.client.errors import ClientError, NotFound

_PATIENCE_SECONDS = 20.0
"""An assistant's own time limit for a tool is often a minute."""

_SCHEME = "bearer "

_client: ContextVar[AsyncFootnote] = ContextVar("footnote")


class Callers:
    """Middleware of the MCP server: opens a client of the service for each message.

    Args:
        key: of whoever started the server on standard input and output. Over HTTP it is the caller's own,
            and nobody gets to use the server's.
    """

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url
        self._key = key

    async def __call__(
        self,
        ctx: ServerRequestContext[Any, Any],
        call_next: Callable[[ServerRequestContext[Any, Any]], Awaitable[HandlerResult]],
    ) -> HandlerResult:
        headers = getattr(ctx.request, "headers", None)
        key = self._key if headers is None else bearer(headers)
        async with self.client(key) as client:
            token = _client.set(client)
            try:
                return await call_next(ctx)
            finally:
                _client.reset(token)

    @asynccontextmanager
    async def client(self, key: str | None) -> AsyncIterator[AsyncFootnote]:
        async with AsyncFootnote(self._url, key=key or "", patience=_PATIENCE_SECONDS) as client:
            yield client


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of ``Authorization: Bearer``, if there is one that can be one."""
    value = headers.get("authorization", "")
    token = value[len(_SCHEME) :].strip() if value.lower().startswith(_SCHEME) else ""
    return token if token.isascii() and token.isprintable() and " " not in token else None


def footnote() -> AsyncFootnote:
    """The service, for the caller of this moment."""
    return _client.get()


def tool_failed(error: ClientError | OSError | ValueError) -> NoReturn:
    """Tell the model what went wrong and what to do; details end with that."""
    raise ToolError(str(error)) from error


def resource_failed(error: ClientError) -> NoReturn:
    kind = ResourceNotFoundError if isinstance(error, NotFound) else ResourceError
    raise kind(str(error)) from error
