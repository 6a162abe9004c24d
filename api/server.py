"""Running the service: uvicorn set up so that it starts once, announces itself and ends in bounded time."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time

import structlog
import uvicorn

from api.app import create_app
from api.assembly import Service
from api.settings import Settings
from rag.errors import Conflict

_KEEP_ALIVE_SECONDS = 15
_BACKLOG = 512
_ANNOUNCE_SECONDS = 0.2


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ``FootnoteError`` when it cannot start."""
    _configure_logging()
    listening = _listen(settings.host, settings.port)
    service = Service(settings)
    # Uploads that do not fit into memory wait on the data folder's own disk, not on a small /tmp.
    incoming = settings.data / "uploads"
    incoming.mkdir(exist_ok=True)
    tempfile.tempdir = str(incoming)
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(
        f"Footnote listens on http://{host}:{port} (data: {settings.data}, process {os.getpid()})", flush=True
    )
    threading.Thread(target=_announce, args=(service,), name="announce", daemon=True).start()
    for ending in (signal.SIGTERM, signal.SIGINT):
        # uvicorn handles these while it runs and raises them once more at its end, where they mean nothing.
        signal.signal(ending, lambda *_: None)
    uvicorn.Server(_configuration(create_app(service), settings)).run(sockets=[listening])


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


def _configuration(app: object, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's union of ASGI callables is narrower than Starlette's
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before anything else is started. Raises ``Conflict`` (``port_in_use``)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it on, answers wait 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Conflict(
            "port_in_use",
            f"Port {port} of {host} cannot be used ({error.strerror}); set FOOTNOTE_PORT to another.",
        ) from error
    listening.set_inheritable(False)
    return listening


def _configure_logging() -> None:
    """Lines of JSON on stderr. No question, no text and no file name is ever put into one."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it would print what people sent
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
