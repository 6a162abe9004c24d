"""``footnote mcp``."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from api.cli.connection import address_of, fail
from api.client.addressing import KEY_VARIABLE, resolve
from rag.errors import FootnoteError


@dataclass(frozen=True, slots=True)
class Options:
    """``roots`` are the folders from which files may be added; ``write`` is whether anything may."""

    http: bool
    port: int
    write: bool
    roots: tuple[Path, ...]
    url: str | None
    key: str | None


def serve(options: Options) -> int:
    """Until the client goes away or SIGINT; returns the exit status.

    The service need not run yet: tools say that nothing answers until it does.
    """
    from api.mcp.calling import Callers
    from api.mcp.files import Roots
    from api.mcp.server import build

    if options.roots and not options.write:
        fail("--root says where files may be added from, which takes --write.")
    try:
        address = resolve(address_of(options.url), options.key or os.environ.get(KEY_VARIABLE))
    except FootnoteError as error:
        fail(error.detail)
    except ValueError as error:
        fail(f"{error}.")
    callers = Callers(address.url, address.key)
    server = build(callers, Roots(options.roots) if options.write else None)
    if not options.http:
        asyncio.run(server.run_stdio_async())
        return 0
    import uvicorn

    from api.mcp import http

    listening = _listen(http.HOST, options.port)
    port = int(listening.getsockname()[1])
    config = uvicorn.Config(
        http.app(server, callers, port), log_level="warning", server_header=False, access_log=False
    )
    where = f"http://{http.HOST}:{port}{http.PATH}"
    print(f"footnote: MCP for {address.url} at {where}", file=sys.stderr, flush=True)
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # whoever is told the address may use it at once
    except OSError as error:
        listening.close()
        fail(f"Port {port} cannot be listened on ({error.strerror}); choose another with --port.")
    return listening
