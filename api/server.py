"""Running the service: uvicorn set up so that it starts once, announces itself and ends in bounded time."""

from __future__ import annotations

import gc
import os
import resource
import socket
import sys
import tempfile
import threading
import time

import uvicorn

from api.app import create_app
from api.assembly import Service
from api.connections import ConnectionLimits
from api.generators import server_of
from api.lifecycle import Lifecycle, Server
from api.protocol import Edge
from api.settings import Settings
from rag.errors import Conflict
from rag.observability import process, tracing
from rag.observability.process import Observing

_KEEP_ALIVE_SECONDS = 15
_BACKLOG = 512
_ANNOUNCE_SECONDS = 0.2
_SWITCH_SECONDS = 0.001
"""How long a thread keeps the interpreter while others want it. With Python's own 5 ms, the event loop waits
5 ms for each thread that computes, every time it has something to do."""
_LAST_SECONDS = 2
"""For the last words of requests that had to be broken off."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP. Raises ``FootnoteError`` when it cannot start."""
    writer = server_of(settings)
    process.enter(
        "api",
        Observing(settings.log_level, settings.log_format, settings.traces),
        allowed=[] if writer is None else [writer.endpoint],
    )
    life = Lifecycle()
    life.install()
    sys.setswitchinterval(_SWITCH_SECONDS)
    listening = _listen(settings.host, settings.port)
    service = Service(settings, life)
    if life.ending:
        service.close()
        return
    # Uploads that do not fit into memory wait on the data folder's own disk, not on a small /tmp.
    incoming = settings.data / "uploads"
    incoming.mkdir(exist_ok=True)
    tempfile.tempdir = str(incoming)
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(
        f"Footnote listens on http://{host}:{port} (data: {settings.data}, process {os.getpid()})", flush=True
    )
    threading.Thread(target=_see_it_start, args=(service,), name="start", daemon=True).start()
    try:
        edge = Edge(_connection_limits(settings), service.metrics.observe_request)
        server = Server(
            _configuration(create_app(service), settings, edge),
            life,
            settings.shutdown_seconds,
            on_ending=service.load.stop,
            on_overdue=service.load.interrupt,
        )
        server.run(sockets=[listening])
    finally:
        tracing.stop()


def _see_it_start(service: Service) -> None:
    _announce(service)
    # What has been loaded stays. Looking through it for garbage would stop everything for 0.2 s now and then.
    gc.collect()
    gc.freeze()


def _announce(service: Service) -> None:
    """Print each part's phase as it changes, until everything is ready or has failed."""
    shown: dict[str, str] = {}
    while True:
        parts = service.parts()
        for name, part in parts.items():
            if shown.get(name) != part.phase:
                shown[name] = part.phase
                print(f"  {name}: {part.phase}", flush=True)
        if all(part.state != "starting" for part in parts.values()):
            return
        time.sleep(_ANNOUNCE_SECONDS)


def _connection_limits(settings: Settings) -> ConnectionLimits:
    """As set, but never more connections than half the files this process may have open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ConnectionLimits(
        head_seconds=settings.head_seconds,
        write_seconds=settings.write_seconds,
        body_rate=settings.body_rate,
        connections=max(1, min(settings.max_connections, files // 2)),
    )


def _configuration(app: object, settings: Settings, edge: Edge) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's union of ASGI callables is narrower than Starlette's
        http=edge.protocol,  # type: ignore[arg-type]  # called like the class that uvicorn asks for
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before anything else is started. Raises ``Conflict`` (``port_in_use``)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it on, answers wait 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Now, so that whoever reads the address that is printed next finds somebody there.
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise Conflict(
            "port_in_use",
            f"Port {port} of {host} cannot be used ({error.strerror}); set FOOTNOTE_PORT to another.",
        ) from error
    listening.set_inheritable(False)
    return listening
