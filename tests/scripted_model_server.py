"""A model's server that does exactly what a test tells it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Answering"], None]


@dataclass
class Script:
    """What the scripted server does with the next requests, and what it got. It writes "three." otherwise."""

    acts: list[Act] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)


class Answering(BaseHTTPRequestHandler):
    """One connection of the scripted server."""

    protocol_version = "HTTP/1.1"
    script: Script

    def do_GET(self) -> None:
        self.whole(200, {"data": [{"id": "scripted"}, {"id": "other"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.script.authorizations.append(self.headers["Authorization"])
        self.script.seen.append(body)
        trial = body["messages"][-1]["content"] == "One, two,"
        act = say("three.") if trial or not self.script.acts else self.script.acts.pop(0)
        act(self)

    def whole(self, status: int, body: object, **headers: str) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin(self) -> None:
        """A stream that ends with the connection."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Connection", "close")
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def write(self, text: str, **choice: Any) -> None:
        chunk = {"choices": [{"index": 0, "delta": {"content": text}, **choice}]}
        self.send(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def say(*texts: str, finish_reason: str = "stop") -> Act:
    def act(answering: Answering) -> None:
        answering.begin()
        for text in texts:
            answering.write(text)
        answering.write("", finish_reason=finish_reason)
        answering.send(b"data: [DONE]\n\n")

    return act


def refuse(status: int, body: object = None, **headers: str) -> Act:
    return lambda answering: answering.whole(status, body or {"error": {"message": "no"}}, **headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients break off on purpose here."""


@contextmanager
def scripted(script: Script, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    handler = type("Handler", (Answering,), {"script": script})
    server = _Server(("127.0.0.1", port), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
