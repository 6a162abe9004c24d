"""The application over a real data folder, in this process and without its models."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.assembly import Service
from api.cli.connection import Connection
from api.settings import Settings


class Client:
    """Requests straight into an ASGI application, each on an event loop of its own."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def upload(self, name: str = "note.txt", content: bytes = b"A note.", **options: Any) -> httpx.Response:
        return self.post("/v1/documents", files={"file": (name, content)}, **options)


class AppTransport(httpx.BaseTransport):
    """Takes what a synchronous client sends straight into an ASGI application; safe to use from threads."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.seen: list[tuple[str, str]] = []
        self.broken: httpx.TransportError | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.broken is not None:
            raise self.broken
        self.seen.append((request.method, request.url.path))
        content = request.read()

        async def send() -> tuple[httpx.Response, bytes]:
            transport = httpx.ASGITransport(self.app)
            forwarded = httpx.Request(request.method, request.url, headers=request.headers, content=content)
            answer = await transport.handle_async_request(forwarded)
            return answer, await answer.aread()

        answer, body = asyncio.run(send())
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Not started: SQL and files work, search and models do not."""
    made = Service(Settings(data=tmp_path / "data", max_upload_bytes=100_000))
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> Client:
    return Client(create_app(service))


@pytest.fixture
def wire(client: Client) -> AppTransport:
    """What the command line's requests go through; notes their methods and paths."""
    return AppTransport(client.app)


@pytest.fixture
def connection(wire: AppTransport) -> Iterator[Connection]:
    made = Connection("http://127.0.0.1", transport=wire)
    yield made
    made.close()
