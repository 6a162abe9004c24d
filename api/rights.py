"""What a caller must be allowed to do for a route. A route that does not say so is not served.

The right stands in the OpenAPI document (``x-footnote-right``), where clients see it too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path
from starlette.types import Scope

_EXTENSION = "x-footnote-right"
_OPERATORS = "x-footnote-operator"


class Right(StrEnum):
    """Each includes the ones before it; ``PUBLIC`` needs no key."""

    PUBLIC = "public"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def includes(self, other: Right) -> bool:
        order = list(Right)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Need:
    """``operator``: of the service as a whole, hence only for unrestricted keys of the default tenant."""

    right: Right
    operator: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """A route: ``pattern`` matches its paths."""

    path: str
    pattern: re.Pattern[str]
    methods: frozenset[str]
    need: Need


def needs(right: Right, *, operator: bool = False) -> dict[str, Any]:
    """For a route's ``openapi_extra``."""
    return {_EXTENSION: right.value} | ({_OPERATORS: True} if operator else {})


def is_public(declared: Mapping[str, Any]) -> bool:
    """Whether what ``needs`` gave, also as part of an OpenAPI operation, needs no key."""
    return declared.get(_EXTENSION) == Right.PUBLIC


def doors_of(app: FastAPI) -> Sequence[Door]:
    """Every route of the application with what it needs, in the order in which they are tried.

    Raises ``ValueError`` for a route that does not declare a right: deny by default, and at the start.
    """
    doors = []
    for route in iter_route_contexts(app.routes):
        declared = getattr(route, "openapi_extra", None) or {}
        if route.path == app.openapi_url:  # FastAPI's own route; the document holds nothing of anybody
            declared = needs(Right.PUBLIC)
        if _EXTENSION not in declared or route.path is None or not route.methods:
            raise ValueError(f"{route.path} declares no right; give its route openapi_extra=needs(Right.…)")
        need = Need(Right(declared[_EXTENSION]), bool(declared.get(_OPERATORS)))
        doors.append(Door(route.path, compile_path(route.path)[0], frozenset(route.methods), need))
    return doors


def need_of(doors: Sequence[Door], scope: Scope) -> Need | None:
    """What a request needs; None where no route takes it."""
    return next(
        (
            door.need
            for door in doors
            if scope["method"] in door.methods and door.pattern.match(scope["path"])
        ),
        None,
    )
