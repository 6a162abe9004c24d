"""JSON as RFC 8259 means it, and no more: what Python's reader lets through on top is refused here."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from api.forms import read_form
from api.problems import HttpProblem

MAX_DEPTH = 32
_LARGE = 64 * 1024


class InvalidJson(ValueError):
    """The text is not JSON that can be accepted; the message says why."""


def loads(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises ``InvalidJson`` for what is not JSON, for NaN and infinities, for an object that names a
    member twice (two readers would see two different requests), for more than 32 levels, for integers
    beyond 64 bits and for text that is not Unicode (lone surrogates).
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        raise InvalidJson(f"more than {MAX_DEPTH} levels of nesting") from None
    except UnicodeDecodeError:
        raise InvalidJson("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(f"{error.msg} at character {error.pos}") from None
    except ValueError as error:  # an integer of thousands of digits, or one of our own refusals
        raise InvalidJson(str(error)[:200]) from None
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidJson("an object names a member twice")
    return members


def _constant(name: str) -> Any:
    raise InvalidJson(f"{name} is not a JSON number")


def _check(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        following: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                following.extend(item)
                following.extend(item.values())
            elif isinstance(item, list):
                following.extend(item)
            else:
                _check_scalar(item)
        if not following:
            return
        level = following
    raise InvalidJson(f"more than {MAX_DEPTH} levels of nesting")


def _check_scalar(item: Any) -> None:
    if isinstance(item, str):
        if not item.isascii() and any("\ud800" <= character <= "\udfff" for character in item):
            raise InvalidJson("a string holds half a surrogate pair")
    elif isinstance(item, float):
        if not math.isfinite(item):
            raise InvalidJson("a number is too large")
    elif isinstance(item, int) and not -(2**63) <= item < 2**63:
        raise InvalidJson("an integer does not fit into 64 bits")


class _StrictRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        try:
            if len(body) > _LARGE:
                return await run_in_threadpool(loads, body)
            return loads(body)
        except InvalidJson as error:
            raise HttpProblem(400, "invalid_json", f"The body is not acceptable JSON: {error}.") from None

    async def _get_form(self, **limits: Any) -> FormData:
        """What Starlette's ``form`` awaits; with our own bounds whoever asks."""
        if self._form is None and self.headers.get("content-type", "").lower().startswith("multipart/"):
            self._form = await read_form(self)
        return await super()._get_form(**limits)


class StrictRoute(APIRoute):
    """A route whose JSON body is read by ``loads``, and whose form holds one file and few fields."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict
