"""One request to a model's server over HTTP, as the pieces it answers with."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator
from typing import Any

import httpx

from rag.models.remote import failures
from rag.models.remote.server import ModelServer
from rag.models.remote.stream import MOST_BYTES, EventStream, Piece, whole

_CONNECT_S = 5.0
_LONGEST_KEY = 4096


def client(server: ModelServer) -> httpx.AsyncClient:
    """Verifies certificates against the system's (``SSL_CERT_FILE`` for others), goes through no proxy and
    follows nobody elsewhere: what is sent is somebody's document."""
    silence = server.silence_s
    return httpx.AsyncClient(
        verify=ssl.create_default_context(),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(connect=_CONNECT_S, read=silence, write=silence, pool=silence),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
    )


def headers(server: ModelServer) -> dict[str, str]:
    """With the key of the file, if there is one. Raises ``Unavailable`` (``model_server_refused``)."""
    found = {"Accept": "text/event-stream, application/json", "Accept-Encoding": "identity"}
    if server.key_file is not None:
        try:
            with server.key_file.open("rb") as file:
                key = file.read(_LONGEST_KEY).decode("ascii").strip()
        except (OSError, ValueError):
            raise failures.refused(
                "wants a key and its file cannot be read", "correct FOOTNOTE_GENERATOR_KEY_FILE"
            ) from None
        if not key.isprintable() or " " in key:
            raise failures.refused(
                "wants a key and its file holds something else", "correct FOOTNOTE_GENERATOR_KEY_FILE"
            )
        found["Authorization"] = f"Bearer {key}"
    return found


async def first_model(http: httpx.AsyncClient, server: ModelServer, sent: dict[str, str]) -> str:
    """The first model that the server lists.

    Raises:
        FootnoteError: as in ``complete``.
    """
    try:
        async with http.stream("GET", server.address("models"), headers=sent) as response:
            await _check(response)
            listed = json.loads(await _body(response))["data"][0]["id"]
    except httpx.HTTPError as error:
        raise failures.of_transport(error) from None
    except (ValueError, LookupError, TypeError, RecursionError):
        listed = None
    if not isinstance(listed, str) or not listed:
        raise failures.refused("lists no model", "set FOOTNOTE_GENERATOR_MODEL")
    return listed


async def complete(
    http: httpx.AsyncClient, server: ModelServer, sent: dict[str, str], wanted: dict[str, Any]
) -> AsyncGenerator[Piece, None]:
    """The pieces of a chat completion as they come; the first says nothing but that the server has begun.
    Leaving early closes the connection, by which servers know that nobody listens.

    Raises:
        TooLarge: ``prompt_too_long``.
        ServerBusy: ``model_server_busy``.
        Unavailable: ``model_server_unreachable``, ``_refused``, ``_failed``, ``_slow``.
    """
    try:
        async with http.stream(
            "POST", server.address("chat/completions"), headers=sent, json=wanted
        ) as response:
            await _check(response)
            yield Piece()
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "application/json":
                yield whole(await _body(response))
                return
            if kind != "text/event-stream":  # a web page, most likely
                raise failures.failed("answers with something else than a completion")
            events, complete = EventStream(), False
            async for received in response.aiter_bytes():
                for piece in events.feed(received):
                    complete = complete or piece.ended or piece.finish_reason is not None
                    yield piece
                    if piece.ended:
                        return
            if not complete:  # an end that nothing announced: the server died
                raise failures.unreachable("broke off")
    except httpx.HTTPError as error:
        raise failures.of_transport(error) from None


async def _check(response: httpx.Response) -> None:
    if response.status_code != httpx.codes.OK:
        body = await _body(response)
        raise failures.of_status(response.status_code, body, response.headers.get("retry-after"))


async def _body(response: httpx.Response) -> bytes:
    """The body, not more of it than a completion may have."""
    found = bytearray()
    async for received in response.aiter_bytes():
        found += received
        if len(found) > MOST_BYTES:
            raise failures.failed("answered without end")
    return bytes(found)
