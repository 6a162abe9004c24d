"""A server over a small application, and requests as bytes on a socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from api.connections import ConnectionLimits
from api.protocol import Edge

HOST = "127.0.0.1"
_PATIENCE = 10.0


class Served:
    """What reached the application, and what was answered without it."""

    def __init__(self, port: int, edge: Edge) -> None:
        self.port = port
        self.edge = edge
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self.refused: list[int] = []

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        connection = socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(_PATIENCE)
        connection.connect((HOST, self.port))
        return connection

    def exchange(self, request: bytes) -> bytes:
        """Everything the server says until it closes the connection, or until it has been still for a bit."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_until_still(connection)


def read_until_still(connection: socket.socket, seconds: float = 0.15) -> bytes:
    """What arrives until the end of the connection or a pause of ``seconds``."""
    connection.settimeout(_PATIENCE)
    found = b""
    while True:
        try:
            more = connection.recv(65536)
        except TimeoutError:
            return found
        except ConnectionResetError:
            return found
        if not more:
            return found
        found += more
        connection.settimeout(seconds)


def is_closed(connection: socket.socket, within: float = _PATIENCE) -> bool:
    """Whether the server ends the connection in time, whatever it still sends before."""
    deadline = time.monotonic() + within
    while (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            if not connection.recv(65536):
                return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
    return False


@contextmanager
def serving(app: ASGIApp | None = None, limits: ConnectionLimits | None = None) -> Iterator[Served]:
    """A server of its own thread; ``app`` None answers ``ok`` after reading the body."""
    listening = socket.socket()
    listening.bind((HOST, 0))
    edge = Edge(limits or ConnectionLimits(), lambda _m, _r, status, _s: served.refused.append(status))
    served = Served(listening.getsockname()[1], edge)
    config = uvicorn.Config(
        app or _noting(served),
        http=edge.protocol,  # type: ignore[arg-type]  # as in api/server.py
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield served
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        listening.close()


def _noting(served: Served) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message: Any = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        served.requests.append(f"{scope['method']} {scope['path']}")
        served.bodies.append(body)
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    return app
