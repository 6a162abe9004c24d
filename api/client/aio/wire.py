"""Requests and their answers: retries, errors, event streams, pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from api.client.addressing import Address
from api.client.errors import ClientError, Refused, broken, refusal, refusal_of
from api.client.patience import Patience
from api.client.sse import Events
from api.client.uploading import Content, OnProgress, opened

M = TypeVar("M", bound=BaseModel)

_CONNECT_SECONDS = 5.0
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """The file of a form. It is opened anew for each attempt."""

    name: str
    content: Content
    on_progress: OnProgress | None = None


class AsyncWire:
    """Speaks HTTP with the service.

    Every method raises ``Refused`` for an answer that is not a success, and ``Unreachable``.

    Args:
        patience: seconds that a call may wait altogether while the service is busy.
        timeout: seconds without any byte of an answer.
        transport: httpx's own way of reaching a service that listens nowhere.
    """

    def __init__(
        self,
        address: Address,
        patience: float,
        timeout: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = address.url
        self._patience = patience
        self._http = httpx.AsyncClient(
            base_url=address.url,
            headers=address.headers,
            timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
            transport=transport,
            # Proxies and certificates of the environment are for other machines.
            trust_env=not address.is_local,
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        upload: Upload | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """The answer, whole. ``options`` are those of httpx: ``json``, ``params``, ``data``, ``files``."""
        sent = {name: value for name, value in (headers or {}).items() if value}
        patience = Patience(self._patience, repeatable=method == "GET" or "Idempotency-Key" in sent)
        while True:
            try:
                with nullcontext() if upload is None else opened(upload.content, upload.on_progress) as file:
                    if upload is not None:
                        options["files"] = {"file": (upload.name, file)}
                    answer = await self._http.request(method, path, headers=sent, **options)
                if answer.is_success:
                    return answer
                error: ClientError = refusal_of(answer)
            except httpx.TransportError as failure:
                error = broken(self.url, failure)
                error.__cause__ = failure
            await self._wait_or_raise(patience, error)

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of the answer as it is; None when it has no content. Options as of ``send``."""
        answer = await self.send(method, path, **options)
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            raise Refused(_not_footnote("what came is no JSON", answer.status_code)) from None

    async def get(self, model: type[M], path: str, **params: Any) -> M:
        return parsed(model, await self.call("GET", path, params=given(params)))

    async def post(self, model: type[M], path: str, **options: Any) -> M:
        return parsed(model, await self.call("POST", path, **options))

    async def pages(self, model: type[M], path: str, **params: Any) -> AsyncIterator[M]:
        """Every entry of a list, page by page."""
        wanted = {"limit": _PAGE, **given(params)}
        while True:
            page = await self.call("GET", path, params=wanted)
            for entry in page["data"]:
                yield parsed(model, entry)
            if page["next_cursor"] is None:
                return
            wanted["cursor"] = page["next_cursor"]

    async def events(self, method: str, path: str, **options: Any) -> AsyncIterator[tuple[str, Any]]:
        """Name and data of each server-sent event but heartbeats; an ``error`` event is raised.

        Only the beginning is tried again: what was begun cannot be repeated unseen.
        """
        patience = Patience(self._patience, repeatable=method == "GET")
        while True:
            begun = False
            try:
                async with self._http.stream(method, path, **options) as answer:
                    if not answer.is_success:
                        await answer.aread()
                        raise refusal_of(answer)
                    begun = True
                    events = Events()
                    async for received in answer.aiter_bytes():
                        for name, data in events.feed(received):
                            if name != "heartbeat":
                                yield _event(name, data)
                    return
            except httpx.TransportError as failure:
                error: ClientError = broken(self.url, failure)
                error.__cause__ = failure
            except Refused as refused:
                error = refused
            if begun:
                raise error
            await self._wait_or_raise(patience, error)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _wait_or_raise(self, patience: Patience, error: ClientError) -> None:
        pause = patience.pause_after(error)
        if pause is None:
            raise error
        await asyncio.sleep(pause)


def parsed(model: type[M], data: Any) -> M:
    """Raises ``Refused`` (``not_understood``) when the service speaks another version."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise Refused(
            {
                "code": "not_understood",
                "detail": f"The answer is no {model.__name__} as this client knows it ({where}); "
                "use the same version on both sides.",
            }
        ) from error


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that have a value."""
    return {name: value for name, value in options.items() if value is not None}


def _event(name: str, data: bytes) -> tuple[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        raise Refused(_not_footnote("an event is no JSON", 0)) from None
    if name == "error":
        raise refusal(value)
    return name, value


def _not_footnote(what: str, status: int) -> dict[str, Any]:
    detail = f"{what}; is this address a Footnote service?"
    return {"code": "not_footnote", "detail": detail, "status": status}
