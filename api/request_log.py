"""What is kept of every request: a line in the log, a figure and, if that was asked for, a span."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from starlette.types import Scope
from structlog.contextvars import bound_contextvars

from rag.observability import tracing

_log = structlog.get_logger(__name__)

CLIENT_GONE = 499
"""A status as nginx logs it: the client left before there was an answer."""

_ASKED_ALL_THE_TIME = frozenset({"/livez", "/readyz", "/metrics"})
_SERVER_FAULT = 500

Observer = Callable[[str, str, int, float], None]
"""Called with method, route template, status and seconds when a request has been answered."""


class RequestRecord:
    """One request from its first byte to its last; every line logged within carries its id.

    A context manager around the application. ``status`` is to be set when the response starts.
    """

    def __init__(self, scope: Scope, request_id: str, observe: Observer) -> None:
        self.status = 0
        self._scope = scope
        self._request_id = request_id
        self._observe = observe
        self._context = bound_contextvars(request_id=request_id)
        self._span = tracing.span("request", {"footnote.request_id": request_id})

    def __enter__(self) -> RequestRecord:
        self._began = time.perf_counter()
        self._context.__enter__()
        self._open = self._span.__enter__()
        return self

    def __exit__(self, *failure: Any) -> None:
        seconds = time.perf_counter() - self._began
        method, route = self._scope["method"], template_of(self._scope)
        status = self.status or CLIENT_GONE
        self._open.set(
            {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        )
        if status >= _SERVER_FAULT:
            self._open.fail(str(status))
        self._span.__exit__(*failure)
        self._observe(method, route, status, seconds)
        write = _log.debug if route in _ASKED_ALL_THE_TIME else _log.info
        write(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=self._request_id,
            key=key_of(self._scope),
        )
        self._context.__exit__(None, None, None)


def template_of(scope: Scope) -> str:
    """The route as it is written, never the address itself: that may hold names, and is without bound."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


def key_of(scope: Scope) -> str | None:
    """The public id of the caller's key; None before there is one."""
    return getattr(scope.get("footnote.caller"), "key", None)
