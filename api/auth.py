"""Who may do what, decided before a byte of the body is read.

Pure ASGI, around everything but the request's context and the guard against other sites' pages. What a route
needs comes from the route table, so there is no route that was forgotten: the table is refused if one is
(``rights.doors_of``). What no route takes is answered 404 or 405 inside, but only for known callers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems, sse
from api.callers import LOCAL_CALLER, Caller, Callers, invalid_key
from api.rights import Door, Need, Right, need_of
from rag.errors import Busy, FootnoteError, Forbidden, Unauthenticated

RECHECK_SECONDS = 2.0
"""How often the key of an answer that goes on is looked at again: it ends within five seconds of being
revoked."""
_BUSY_PAUSE_SECONDS = 0.05
_BUSY_TRIES = 100
"""Readers of the database wait for nobody, except while it is brought back to order after a crash."""


class Authentication:
    """Lets in whoever may, and shows out whose key is revoked or expires while being answered."""

    def __init__(self, app: ASGIApp, callers: Callers, doors: Sequence[Door]) -> None:
        self._app = app
        self._callers = callers
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        need = need_of(self._doors, scope)
        if need is not None and need.right is Right.PUBLIC:
            await self._app(scope, receive, send)
            return
        try:
            caller = await self._let_in(scope, need)
        except FootnoteError as error:
            await _refuse(error, scope, receive, send)
            return
        if caller is LOCAL_CALLER:
            await self._app(scope, receive, send)
        else:
            await self._while_valid(caller, scope, receive, send)

    async def _let_in(self, scope: Scope, need: Need | None) -> Caller:
        authorization = Headers(scope=scope).getlist("authorization")
        caller = await self._identify(authorization)
        scope["footnote.caller"] = caller
        if need is not None and not caller.may(need):
            raise Forbidden(
                "right_missing",
                f"This needs a key with the right {need.right.value}"
                + (" for everything of the default tenant" if need.operator else "")
                + "; ask whoever made yours.",
            )
        return caller

    async def _identify(self, authorization: list[str]) -> Caller:
        """On the event loop: waiting for a thread takes longer than looking up, above all when many ask."""
        for _ in range(_BUSY_TRIES):
            with suppress(Busy):
                return self._callers.identify(authorization)
            await asyncio.sleep(_BUSY_PAUSE_SECONDS)
        return self._callers.identify(authorization)

    async def _while_valid(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        running = asyncio.ensure_future(self._app(scope, receive, answer.send))
        try:
            while not (await asyncio.wait({running}, timeout=RECHECK_SECONDS))[0]:
                with suppress(FootnoteError):  # a database that is busy shows nobody out
                    if not self._callers.still_valid(caller):
                        await _cancelled(running)
                        await answer.end(scope, receive)
                        return
            running.result()
        finally:
            if not running.done():
                await _cancelled(running)


class _Answer:
    """Passes an answer on, and knows how far it is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = self._events = self._complete = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            self._events = (
                Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
            )
        elif message["type"] == "http.response.body":
            self._complete = not message.get("more_body", False)
        await self._send(message)

    async def end(self, scope: Scope, receive: Receive) -> None:
        """Say why it ends where that can be said; otherwise the server cuts the connection."""
        error = invalid_key()
        if not self._started:
            await _refuse(error, scope, receive, self._send)
        elif self._events and not self._complete:
            said = problems.document(401, error.code, error.detail, scope["footnote.request_id"])
            await self._send({"type": "http.response.body", "body": sse.event("error", said)})


async def _cancelled(task: asyncio.Future[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _refuse(error: FootnoteError, scope: Scope, receive: Receive, send: Send) -> None:
    response = problems.of_error(error, scope["footnote.request_id"])
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="footnote"'
    if _announces_body(scope):
        MutableHeaders(raw=response.raw_headers)["Connection"] = (
            "close"  # rather than read what is not wanted
        )
    await response(scope, receive, send)


def _announces_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
