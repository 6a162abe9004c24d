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


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Not started: SQL and files work, search and models do not."""
    made = Service(Settings(data=tmp_path / "data", max_upload_bytes=100_000))
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> Client:
    return Client(create_app(service))
