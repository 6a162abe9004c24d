"""One HTTP request on a connection of its own, as cheap as a client can be: it shares the machine with what
it measures."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Reply:
    """``status`` is 0 where the connection ended without an answer; ``seconds`` until the last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def code(self) -> str:
        """The code of a problem document; empty for anything else."""
        try:
            return str(json.loads(self.body).get("code", ""))
        except (ValueError, AttributeError):
            return ""

    @property
    def retry_after(self) -> float:
        return float(self.headers.get("retry-after", 0))


async def exchange(
    address: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """Send it and read until the service closes the connection."""
    began = time.perf_counter()
    try:
        reader, writer = await connect(address, method, path, body, headers)
        try:
            received = await reader.read(-1)
        finally:
            writer.close()
    except OSError:
        received = b""
    return _parsed(received, time.perf_counter() - began)


async def connect(
    address: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the request and leave the answer to be read."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"Content-Length: {len(content)}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
    await writer.drain()
    return reader, writer


def _parsed(received: bytes, seconds: float) -> Reply:
    head, _, body = received.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) < 2 or not words[1].isdecimal():
        return Reply(0, {}, b"", seconds)
    pairs = (line.partition(":") for line in rest)
    return Reply(int(words[1]), {name.lower(): value.strip() for name, _, value in pairs}, body, seconds)
