"""Refusing before a byte of the body is read, and places for uploads.

Turning away has to be cheap when it has to be done often: nothing is parsed or validated for it. Uploads get
their place here and give it back once the document is stored; what else has places takes them in its route.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import ParamSpec, TypeVar

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.admission import Admission, Place, key_of
from api.load import Load
from rag.errors import FootnoteError

_PLACE = "footnote.upload_place"
_QUEUES = {
    "/v1/ask": "asks",
    "/v1/chat/completions": "asks",
    "/v1/responses": "asks",
    "/v1/search": "searches",
    "/v1/embeddings": "searches",
}

P = ParamSpec("P")
T = TypeVar("T")


class Gate:
    """Refuses what has no room: questions, searches, uploads. Pure ASGI.

    What is refused is not read: the connection ends with the answer. An upload that waits for its place is
    not read either; a client that has left meanwhile is found out by the first read.
    """

    def __init__(self, app: ASGIApp, load: Load) -> None:
        self._app = app
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT"):
            await self._app(scope, receive, send)
            return
        try:
            place = await self._admit(scope)
        except FootnoteError as error:
            answer = problems.of_error(error, scope["footnote.request_id"])
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        scope[_PLACE] = place
        with place or nullcontext():
            await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> Place | None:
        """A place for an upload; for anything else nothing, if there may be one."""
        if _is_upload(scope):
            self._load.backlog.check()
            return await self._load.uploads.enter(key_of(scope))
        if scope["path"] in _QUEUES:
            queue: Admission = getattr(self._load, _QUEUES[scope["path"]])
            queue.check(key_of(scope))
        return None


async def store(
    request: Request, load: Load, function: Callable[P, T], *arguments: P.args, **named: P.kwargs
) -> T:
    """Run what makes an upload durable on a thread for uploads, then give the place to the next.

    A request that waits for its document to be read keeps nobody out meanwhile.
    """
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(load.uploads.executor, lambda: function(*arguments, **named))
    finally:
        place = request.scope.get(_PLACE)
        if place is not None:
            place.leave()


def _is_upload(scope: Scope) -> bool:
    kind = Headers(scope=scope).get("content-type", "")
    return kind.lower().startswith("multipart/form-data")
