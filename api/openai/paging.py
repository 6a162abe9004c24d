"""OpenAI's pages of a list, over ours. Newest first, as both have it when nothing else is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Protocol

from fastapi import Query

from api.openai.errors import ParameterRefused
from api.schemas import Identifier

MOST = 200
"""Entries of one page; clients that ask for more are told that there are more, and fetch them."""

After = Annotated[Identifier | None, Query(description="The last entry of the page before.")]
Limit = Annotated[int, Query(ge=1, le=10_000, description=f"How many; never more than {MOST}.")]
Order = Annotated[Literal["asc", "desc"], Query(description="Newest first (`desc`) is the only order.")]


class _Named(Protocol):
    @property
    def id(self) -> str: ...


def check_order(order: str) -> None:
    """Raises ``ParameterRefused`` for oldest first."""
    if order != "desc":
        raise ParameterRefused("order", "Lists are newest first here; leave order out, or say desc.")


def ends(entries: Sequence[_Named], *, has_more: bool) -> dict[str, Any]:
    """What a page says besides its entries."""
    first, last = (entries[0].id, entries[-1].id) if entries else (None, None)
    return {"first_id": first, "last_id": last, "has_more": has_more}
