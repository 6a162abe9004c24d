"""The generator's own process: ``python -I -m rag.models.generator_process FD PARENT``.

It owns the one llama.cpp model, so that a native crash or a bad model file takes nothing else down.
Messages come and go as JSON lines over the inherited socket ``FD``. One thread reads them; the main
thread computes. The process ends with its parent, however that ends.

Messages in: ``load`` (first, once), ``generate``, ``warm``, ``cancel``.
Messages out: ``ready`` or ``failed`` (once), then per generation ``progress``, ``token``, and last
``done`` or ``error``.
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
from pathlib import Path

from rag.errors import BadRequest, FootnoteError, TooLarge, Unavailable
from rag.models.engine import LlamaEngine
from rag.models.generation import (
    EngineEvent,
    FinishedEvent,
    FinishReason,
    GeneratorSettings,
    Usage,
)
from rag.models.wire import (
    LineBuffer,
    WireMessage,
    encode_line,
    event_to_wire,
    parts_from_wire,
    request_from_wire,
)

_PR_SET_PDEATHSIG = 1

_log = logging.getLogger(__name__)


class GeneratorServer:
    """Serves one parent over one socket, one generation at a time, in the order they came."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._inbox: queue.SimpleQueue[WireMessage] = queue.SimpleQueue()
        self._open: set[int] = set()
        self._cancelled: set[int] = set()

    def serve(self) -> None:
        """Run until the parent goes away."""
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        load = self._inbox.get()
        try:
            engine = LlamaEngine(Path(load["path"]), GeneratorSettings(**load["settings"]))
            ready = {"type": "ready", "chat_format": engine.chat_format.name, "context": engine.context}
        except FootnoteError as error:
            self._send({"type": "failed", **_describe(error)})
            return
        self._send(ready)
        while True:
            message = self._inbox.get()
            try:
                self._handle(engine, message)
            except FootnoteError as error:
                self._send({"type": "error", "id": message["id"], **_describe(error)})
            except Exception:
                _log.exception("a generation failed")
                failure = Unavailable("generator_failed", "The language model failed; ask again.")
                self._send({"type": "error", "id": message["id"], **_describe(failure)})
            finally:
                self._open.discard(message["id"])
                self._cancelled.discard(message["id"])

    def _handle(self, engine: LlamaEngine, message: WireMessage) -> None:
        if message["type"] == "warm":
            engine.warm(parts_from_wire(message["prompt"]))
            return
        number: int = message["id"]
        queued = time.monotonic() - message["received"]
        if number in self._cancelled:
            self._send_event(number, FinishedEvent(FinishReason.CANCELLED, Usage(0, 0), {"queue": queued}))
        else:
            request = request_from_wire(message["request"])
            for event in engine.generate(request, lambda: number in self._cancelled):
                if isinstance(event, FinishedEvent):
                    event.timings["queue"] = queued
                self._send_event(number, event)

    def _send_event(self, number: int, event: EngineEvent) -> None:
        self._send({"id": number, **event_to_wire(event)})

    def _send(self, message: WireMessage) -> None:
        self._connection.sendall(encode_line(message))

    def _read(self) -> None:
        lines = LineBuffer()
        with contextlib.suppress(OSError):  # broken off counts as closed
            while data := self._connection.recv(1 << 16):
                for message in lines.feed(data):
                    self._take(message)
        os._exit(0)  # the parent has gone; llama.cpp cannot be interrupted politely

    def _take(self, message: WireMessage) -> None:
        if message["type"] == "cancel":
            if message["id"] in self._open:  # else it has ended meanwhile
                self._cancelled.add(message["id"])
            return
        if message["type"] == "generate":
            self._open.add(message["id"])
        message["received"] = time.monotonic()
        self._inbox.put(message)


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
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    with socket.socket(fileno=descriptor) as connection:
        GeneratorServer(connection).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
