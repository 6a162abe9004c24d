"""HTTP/1.1 on one connection: uvicorn's protocol with deadlines, a stricter head and clean refusals.

``uvicorn.Config(http=edge.protocol)`` has it used. What is refused here never reaches the application:
it gets a problem document like any other error, and the connection ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import secrets
import sys
import termios
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api import problems, request_heads
from api.connections import Activity, ConnectionLimits, Connections, Overdue, Standing
from api.middleware import SECURITY_HEADERS
from api.request_heads import MALFORMED, MAX_HEAD_BYTES, MAX_HEADERS, TOO_LARGE, Refusal
from api.request_log import Observer

_MAX_PIPELINED = 8
_RETRY_SECONDS = 1

TOO_SLOW = Refusal(408, "head_too_slow", "The head of the request did not arrive in time; send it again.")
NO_PLACE = Refusal(
    503, "too_many_connections", "All connections are in use; try again in a moment, and use fewer at once."
)


class _Refused(Exception):
    """Raised inside the parser's callbacks; carries the answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Edge:
    """What all connections of a server share: their limits, who is there, and who counts refusals."""

    def __init__(self, limits: ConnectionLimits, observe: Observer) -> None:
        self.connections = Connections(limits)
        self.observe = observe

    def protocol(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> GuardedProtocol:
        """A connection, made as uvicorn makes those of its own classes."""
        return GuardedProtocol(self, config, server_state, app_state, _loop)


class GuardedProtocol(HttpToolsProtocol):
    """One connection. ``_activity`` follows what arrives; whether an answer is under way, the cycle knows."""

    def __init__(
        self,
        edge: Edge,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._edge = edge
        self._active: RequestResponseCycle | None = None
        self._deaf = False  # refused: whatever still arrives is thrown away
        self._enter(Activity.HEAD)
        self._anything_received = False
        self._head_began = False
        self._message_over = True
        self._close_wanted = False
        self._events = 0  # what the parser told of; bytes of which it tells nothing it may be hoarding
        self._silent_bytes = 0
        self._trailers = 0
        self._unsent = 0
        self._taken_at = self.loop.time()

    # What uvicorn and the transport call

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        if not self._edge.connections.admit(self):
            self._refuse(NO_PLACE)
            if not self._edge.connections.may_linger():
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._edge.connections.forget(self)
        waiting = [cycle for cycle, _ in self.pipeline]
        super().connection_lost(exc)
        self.pipeline.clear()
        # uvicorn tells the newest request only; with several in line the one at work is another.
        for cycle in [*waiting, *([self._active] if self._active else [])]:
            if not cycle.response_complete:
                self._cut_off(cycle)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._activity is not Activity.LEAVING:
            self._unset_keepalive_if_required()
        if self._activity is Activity.IDLE:
            self._enter(Activity.HEAD)
        self._anything_received = True
        events = self._events
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._close_after_the_last()  # no other protocol is spoken; what follows would be in it
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, _Refused) else MALFORMED)
        else:
            silent = events == self._events
            self._silent_bytes = self._silent_bytes + len(data) if silent else 0
            if self._silent_bytes > MAX_HEAD_BYTES:  # a head, a chunk's extension or a trailer without end
                self._refuse(TOO_LARGE)

    def resume_writing(self) -> None:
        self._taken_at = self.loop.time()
        super().resume_writing()

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._events += 1
        self._message_over = False
        self._head_began = True

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_HEAD_BYTES:
            raise _Refused(TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_began:  # a trailer; uvicorn would add it to the headers that were checked
            self._trailers += 1
        else:
            super().on_header(name, value)
        if len(self.headers) + self._trailers > MAX_HEADERS or len(name) + len(value) > MAX_HEAD_BYTES:
            raise _Refused(TOO_LARGE)

    def on_headers_complete(self) -> None:
        fault = request_heads.fault(self.url, self.parser.get_http_version(), self.headers)
        if fault is None and len(self.pipeline) >= _MAX_PIPELINED:
            fault = NO_PLACE
        if fault is not None:
            raise _Refused(fault)
        super().on_headers_complete()
        self._events += 1
        self._trailers = 0
        self._head_began = False
        self._enter(Activity.BODY)
        # Whoever asks for the end of the connection, and is answered before the body has arrived, gets
        # the time to read that answer as well.
        self._close_wanted, self.cycle.keep_alive = not self.cycle.keep_alive, True

    def on_body(self, body: bytes) -> None:
        self._events += 1
        self._received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._events += 1
        self._message_over = True
        if not self.cycle.response_complete:
            self.cycle.keep_alive = self.cycle.keep_alive and not self._close_wanted
            self._enter(Activity.ANSWERING)
        elif self._close_wanted:
            self.transport.close()
        else:
            self._rest()  # it was answered before it had all arrived

    # What requests and answers call

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._active = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing() or self._answering():
            return
        if self._message_over:
            self._enter(Activity.IDLE)
        elif self._head_began:
            self._enter(Activity.HEAD)
        else:
            self._unset_keepalive_if_required()
            self._enter(Activity.LEAVING)

    # What ``Connections`` asks

    def standing(self, now: float) -> Standing:
        unsent = _unsent_bytes(self.transport)
        if unsent == 0 or unsent < self._unsent:
            self._taken_at = now
        self._unsent = unsent
        activity, seconds = self._activity, now - self._since
        if self._deaf and not self._answering():
            activity = Activity.LEAVING
        elif self._answering() and (activity is not Activity.BODY or self.flow.read_paused):
            activity = Activity.ANSWERING
        rate = self._received / seconds if seconds > 0 else 0.0
        return Standing(activity, seconds, rate, now - self._taken_at)

    def expire(self, missed: Overdue) -> None:
        if missed is Overdue.HEAD and self._anything_received and not self._deaf:
            self._refuse(TOO_SLOW)
        elif missed is Overdue.HEAD:
            self.transport.close()  # browsers connect ahead of need; an answer to nothing would confuse them
        else:
            self.transport.abort()

    def drop(self) -> None:
        self.transport.abort()

    # Own steps

    def _enter(self, activity: Activity) -> None:
        self._activity = activity
        self._since = self.loop.time()
        self._received = 0

    def _rest(self) -> None:
        self._enter(Activity.IDLE)
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _answering(self) -> bool:
        return self._active is not None and not self._active.response_complete

    def _refuse(self, refusal: Refusal) -> None:
        """Answer without the application, unless it is answering already; then end the connection."""
        self._edge.observe("-", "refused", refusal.status, self.loop.time() - self._since)
        in_body = not self._message_over and not self._head_began
        if in_body and self.cycle is self._active and self._answering():
            self._cut_off(self.cycle)
            if self.cycle.response_started:
                self.transport.abort()
                return
        elif in_body and self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        elif in_body:
            self.transport.close()
            return
        if self._answering() and not (self._active and self._active.disconnected):
            self._close_after_the_last()
            return
        self._deaf = True
        self._enter(Activity.LEAVING)
        self.flow.resume_reading()
        self.transport.write(_as_bytes(refusal))
        self.transport.write_eof()

    def _cut_off(self, cycle: RequestResponseCycle) -> None:
        """Tell the application that its client has gone: what it sends now goes nowhere."""
        cycle.disconnected = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()

    def _close_after_the_last(self) -> None:
        """Take nothing more in, give the answers that are owed, and close."""
        self._deaf = True
        last = self.pipeline[0][0] if self.pipeline else self._active
        if last is not None and not last.response_complete:
            last.keep_alive = False
        else:
            self.transport.close()


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """What the client has not taken yet of what waits here; 0 when nothing waits in this process.

    With the kernel's own queue where it tells it: that takes new bytes in only a megabyte at a time, so
    that a client on a slow line would seem to stand still for half a minute.
    """
    waiting = transport.get_write_buffer_size()
    if waiting == 0:
        return 0
    try:
        queued = fcntl.ioctl(transport.get_extra_info("socket"), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):  # not told on this system, or closed meanwhile
        return waiting
    return waiting + int.from_bytes(queued, sys.byteorder)


def _as_bytes(refusal: Refusal) -> bytes:
    request_id = secrets.token_hex(16)
    body = json.dumps(problems.document(*refusal, request_id)).encode()
    headers = {
        "Content-Type": problems.MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
        "X-Request-ID": request_id,
        **({"Retry-After": str(_RETRY_SECONDS)} if refusal.status == 503 else {}),
        **SECURITY_HEADERS,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[refusal.status] + head.encode("ascii") + b"\r\n" + body
