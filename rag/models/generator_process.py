"""The generator's own process: ``python -I -m rag.models.generator_process FD PARENT``.

It owns the one llama.cpp model, so that a native crash or a bad model file takes nothing else down.
Messages come and go as JSON lines over the inherited socket ``FD``. One thread reads them; the main
thread computes. The process ends with its parent, however that ends, and with any fault of its own: it is
replaced, and nobody waits for what it cannot finish.

Messages in: ``load`` (first, once), ``generate``, ``warm``, ``cancel``.
Messages out: ``ready`` or ``failed`` (once), then per generation ``progress``, ``token``, and last
``done`` or ``error``; ``refused`` with the connections that the process's guard has refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from rag.errors import BadRequest, FootnoteError, TooLarge
from rag.models.engine import Engine
from rag.models.generation import GeneratorSettings
from rag.models.wire import (
    LineBuffer,
    WireMessage,
    encode_line,
    event_to_wire,
    parts_from_wire,
    request_from_wire,
)
from rag.network_guard import NetworkGuard
from rag.observability import process

_PR_SET_PDEATHSIG = 1

_log = logging.getLogger(__name__)


class GeneratorServer:
    """Serves one parent over one socket: every step of the engine is followed by a look at what has come."""

    def __init__(self, connection: socket.socket, guard: NetworkGuard | None = None) -> None:
        self._connection = connection
        self._guard = guard or NetworkGuard()
        self._refused: Mapping[str, int] = {}
        self._inbox: queue.SimpleQueue[WireMessage] = queue.SimpleQueue()

    def serve(self) -> None:
        """Run until the parent goes away."""
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        load = self._inbox.get()
        try:
            engine = Engine(Path(load["path"]), GeneratorSettings(**load["settings"]))
            ready = {"type": "ready", "chat_format": engine.chat_format.name, "context": engine.context}
        except FootnoteError as error:
            self._send({"type": "failed", **_describe(error)})
            return
        self._send(ready)
        while True:
            self._tell_refused()
            self._take_in(engine)
            for number, event in engine.step():
                if isinstance(event, FootnoteError):
                    self._send({"type": "error", "id": number, **_describe(event)})
                else:
                    self._send({"id": number, **event_to_wire(event)})

    def _take_in(self, engine: Engine) -> None:
        """Everything that has come; waits while there is nothing to do."""
        while True:
            try:
                message = self._inbox.get(block=not engine.busy)
            except queue.Empty:
                return
            try:
                self._handle(engine, message)
            except FootnoteError as error:
                self._send({"type": "error", "id": message["id"], **_describe(error)})

    def _handle(self, engine: Engine, message: WireMessage) -> None:
        match message["type"]:
            case "warm":
                engine.warm(parts_from_wire(message["prompt"]))
            case "cancel":
                engine.cancel(message["id"])
            case "generate":
                waited = time.monotonic() - message["received"]
                engine.submit(message["id"], request_from_wire(message["request"]), waited)

    def _tell_refused(self) -> None:
        """Connections that the guard has refused are counted by the parent."""
        refused = self._guard.refused
        if refused != self._refused:
            self._refused = refused
            self._send({"type": "refused", "counts": dict(refused)})

    def _send(self, message: WireMessage) -> None:
        self._connection.sendall(encode_line(message))

    def _read(self) -> None:
        lines = LineBuffer()
        with contextlib.suppress(OSError):  # broken off counts as closed
            while data := self._connection.recv(1 << 16):
                for message in lines.feed(data):
                    message["received"] = time.monotonic()
                    self._inbox.put(message)
        os._exit(0)  # the parent has gone; llama.cpp cannot be interrupted politely


def _describe(error: FootnoteError) -> WireMessage:
    kinds = (TooLarge, BadRequest)
    kind = next((known.__name__ for known in kinds if isinstance(error, known)), "Unavailable")
    return {"kind": kind, "code": error.code, "detail": error.detail}


def _die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL at the parent's death (Linux); elsewhere the closed socket does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)  # it died before the request was in place


def main(arguments: list[str]) -> None:
    descriptor, parent = int(arguments[0]), int(arguments[1])
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes us
    guard = process.enter("generator", may_trace=False, relayed=True)
    with socket.socket(fileno=descriptor) as connection:
        GeneratorServer(connection, guard).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
