"""OpenAI's filters over attributes as Footnote's over metadata. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.openai.errors import ParameterRefused
from api.openai.schemas import Tolerant
from api.schemas import MAX_FILTER_VALUES

_Value = Annotated[str, StringConstraints(max_length=1000)] | bool | int | float
_FIELDS = {"file_id": "document_id", "filename": "name"}


class Comparison(Tolerant):
    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    value: _Value | Annotated[list[_Value], Field(max_length=MAX_FILTER_VALUES)]


class Compound(Tolerant):
    type: Literal["and", "or"]
    filters: Annotated[list[Comparison | Compound], Field(min_length=1, max_length=32)]


Filters = Comparison | Compound


def translated(filters: Filters | None, param: str) -> Mapping[str, Any] | None:
    """``attributes.key`` is ``metadata.key``; ``file_id`` and ``filename`` are the document's own.

    Raises ``ParameterRefused`` for an "or" of different attributes or of too many values, and for two
    different conditions of one kind on one attribute.
    """
    if filters is None:
        return None
    made: dict[str, dict[str, Any]] = {}
    for one in _flat(filters, param):
        conditions = made.setdefault(_FIELDS.get(one.key, f"metadata.{one.key}"), {})
        operator = f"${one.type}"
        if conditions.get(operator, one.value) != one.value:
            raise ParameterRefused(param, f"{one.key!r} is compared twice with {one.type!r}; do so once.")
        conditions[operator] = one.value
    return made


def _flat(filters: Filters, param: str) -> list[Comparison]:
    """The comparisons that all must hold."""
    if isinstance(filters, Comparison):
        return [filters]
    if filters.type == "or":
        return [_either(filters, param)]
    return [one for inner in filters.filters for one in _flat(inner, param)]


def _either(either: Compound, param: str) -> Comparison:
    """An "or" as one comparison, which it can be where it lists values of one attribute."""
    values: list[Any] = []
    keys = set()
    for one in either.filters:
        if isinstance(one, Comparison) and one.type in ("eq", "in"):
            keys.add(one.key)
            values += one.value if isinstance(one.value, list) else [one.value]
        else:
            keys |= {"", str(one.type)}
    if len(keys) != 1:
        raise ParameterRefused(
            param,
            "An `or` may only list values (eq, in) of one attribute here; search once for each alternative.",
        )
    if len(values) > MAX_FILTER_VALUES:
        raise ParameterRefused(
            param, f"An `or` may list {MAX_FILTER_VALUES:,} values; this one has {len(values):,}."
        )
    return Comparison(type="in", key=keys.pop(), value=values)
