"""A service of this process on a real socket, so that what goes on inside can be looked at."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from api.app import create_app
from api.assembly import Service

_PATIENCE_SECONDS = 30.0


class Serving:
    """``service`` on a free port of 127.0.0.1, on a thread with an event loop of its own.

    The service's own parts are not started: whoever tests puts in those that are needed.
    """

    def __init__(self, service: Service) -> None:
        service.start = lambda: None  # type: ignore[method-assign]  # no worker, no embedder
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(service), http="httptools", log_config=None, access_log=False, backlog=512
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_PATIENCE_SECONDS)
