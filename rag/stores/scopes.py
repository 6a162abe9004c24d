"""What a question may look at, resolved inside SQL: collections, and a filter over documents.

A filter maps ``document_id``, ``name``, ``media_type`` or ``metadata.<key>`` to a value, to a list of
values (any of them) or to an object of operators: ``$eq $ne $in $nin $gt $gte $lt $lte``. All must hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from rag.errors import BadRequest, NotFound
from rag.stores import collections as collection_store
from rag.stores.access import Access, is_everything
from rag.stores.database import Tx
from rag.stores.tables import chunks, documents, versions

_METADATA_KEY = re.compile(r"metadata\.([\w .:-]{1,64})")
_FIELDS: Mapping[str, ColumnElement[Any]] = {
    "document_id": documents.c.public_id,
    "name": documents.c.name,
    "media_type": versions.c.media_type,
}
_OPERATORS: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "$eq": lambda column, value: column == value,
    "$ne": lambda column, value: column.is_distinct_from(value),
    "$in": lambda column, value: column.in_(value),
    "$nin": lambda column, value: column.not_in(value),
    "$gt": lambda column, value: column > value,
    "$gte": lambda column, value: column >= value,
    "$lt": lambda column, value: column < value,
    "$lte": lambda column, value: column <= value,
}
_TAKES_LIST = ("$in", "$nin")
_ORDERS = ("$gt", "$gte", "$lt", "$lte")

Range = tuple[int, int]
"""First and last chunk id, inclusive."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the caller may see, names of the collections to search (None: all of those) and a filter (None: no
    filter)."""

    access: Access
    collections: tuple[str, ...] | None = None
    filter: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ResolvedScope:
    """A scope as SQL sees it at one moment.

    ``ranges`` are the chunk ids inside it, None for all; ``where`` selects its live documents.
    """

    ranges: Sequence[Range] | None
    where: tuple[ColumnElement[bool], ...]

    def chunks(self, of: int) -> int:
        """How many chunks are inside the scope, of so many that there are."""
        return of if self.ranges is None else sum(last - first + 1 for first, last in self.ranges)

    def chunk_ids(self) -> Select[tuple[int]]:
        """A sub-select of the chunk ids inside the scope."""
        return (
            select(chunks.c.id)
            .join(versions, versions.c.id == chunks.c.version_id)
            .join(documents, documents.c.live_version_id == versions.c.id)
            .where(*self.where)
        )


EVERYWHERE = ResolvedScope(None, ())


def readable(tx: Tx, access: Access) -> ResolvedScope:
    """Everything that ``access`` may read: what words are known from, and how rare they are."""
    return EVERYWHERE if is_everything(tx, access) else _resolved(tx, [_permitted(access)])


def resolve(tx: Tx, scope: Scope) -> ResolvedScope:
    """What ``scope`` means now.

    Raises:
        NotFound: an unknown collection, or a document that is not inside the collections.
        BadRequest: ``bad_filter``.
    """
    where: list[ColumnElement[bool]] = []
    if scope.collections is not None:
        ids = [collection_store.get(tx, scope.access, name).id for name in scope.collections]
        where.append(documents.c.collection_id.in_(ids))
    elif not is_everything(tx, scope.access):
        where.append(_permitted(scope.access))
    if scope.filter:
        _require_documents(tx, scope, where)
        where.extend(_conditions(scope.filter))
    return _resolved(tx, where) if where else EVERYWHERE


def _permitted(access: Access) -> ColumnElement[bool]:
    return access.covers(documents.c.collection_id)


def _resolved(tx: Tx, where: Sequence[ColumnElement[bool]]) -> ResolvedScope:
    rows = tx.execute(
        select(versions.c.first_chunk, versions.c.last_chunk)
        .join(documents, documents.c.live_version_id == versions.c.id)
        .where(versions.c.first_chunk.is_not(None), *where)
        .order_by(versions.c.first_chunk)
    )
    return ResolvedScope(_merged([(first, last) for first, last in rows]), tuple(where))


def live_documents(tx: Tx, scope: ResolvedScope) -> int:
    """How many searchable documents are inside the scope."""
    return (
        tx.scalar(
            select(func.count())
            .select_from(documents)
            .join(versions, versions.c.id == documents.c.live_version_id)
            .where(*scope.where)
        )
        or 0
    )


def _conditions(filter_: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for field, wanted in filter_.items():
        column = _column(field)
        if isinstance(wanted, list):
            wanted = {"$in": wanted}
        elif not isinstance(wanted, dict):
            wanted = {"$eq": wanted}
        for operator, value in wanted.items():
            found.append(_condition(field, column, operator, value))
    return found


def _condition(field: str, column: ColumnElement[Any], operator: str, value: Any) -> ColumnElement[bool]:
    if operator not in _OPERATORS:
        raise BadRequest(
            "bad_filter", f"{operator!r} is not an operator; use one of {', '.join(_OPERATORS)}."
        )
    values = value if operator in _TAKES_LIST else [value]
    ordering = operator in _ORDERS and isinstance(value, bool)  # neither is larger than the other
    if ordering or not isinstance(values, list) or not all(_is_scalar(one) for one in values):
        raise BadRequest("bad_filter", f"{operator} of {field!r} takes {_taken_by(operator)}.")
    return _OPERATORS[operator](column, value)


def _taken_by(operator: str) -> str:
    if operator in _TAKES_LIST:
        return "a list of strings, numbers or booleans"
    return "one string or number" if operator in _ORDERS else "one string, number or boolean"


def _column(field: str) -> ColumnElement[Any]:
    if field in _FIELDS:
        return _FIELDS[field]
    key = _METADATA_KEY.fullmatch(field)
    if key is None:
        raise BadRequest(
            "bad_filter", f"Cannot filter by {field!r}; use {', '.join(_FIELDS)} or metadata.<key>."
        )
    return func.json_extract(documents.c.metadata, f'$."{key[1]}"')


def _is_scalar(value: Any) -> bool:
    # SQLite integers have 64 bits; a longer one would be an error of the driver's.
    return isinstance(value, str | float | bool) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def _require_documents(tx: Tx, scope: Scope, where: Sequence[ColumnElement[bool]]) -> None:
    """Naming a document that is not inside the collections is a mistake to report, not an empty result."""
    wanted = (scope.filter or {}).get("document_id")
    if isinstance(wanted, dict):
        wanted = wanted.get("$in", wanted.get("$eq"))
    named = {one for one in (wanted if isinstance(wanted, list) else [wanted]) if isinstance(one, str)}
    if not named:
        return
    known = set(tx.scalars(select(documents.c.public_id).where(documents.c.public_id.in_(named), *where)))
    if named - known:
        raise NotFound(
            "document_not_found",
            f"No document {min(named - known)!r} in these collections; see GET /v1/documents.",
        )


def _merged(ranges: Sequence[Range]) -> list[Range]:
    merged: list[Range] = []
    for first, last in ranges:
        if merged and merged[-1][1] + 1 == first:
            merged[-1] = (merged[-1][0], last)
        else:
            merged.append((first, last))
    return merged
