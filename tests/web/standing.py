"""A service that stands still: it takes documents and never reads them, so that waiting can be looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from api.app import create_app
from api.assembly import Service
from api.settings import Settings

_START_SECONDS = 120.0


@contextmanager
def standing(folder: Path, **settings: object) -> Iterator[httpx.Client]:
    """A client of one on a free port, without worker and models."""
    service = Service(Settings(data=folder / "data", **settings))  # type: ignore[arg-type]  # by name
    config = uvicorn.Config(create_app(service), port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10.0)
        service.close()
