"""The common part of searching and asking: what is asked, and of which documents."""

from __future__ import annotations

from api.schemas import Scoped
from rag.errors import TooLarge
from rag.stores.access import Access
from rag.stores.scopes import Scope


def scope_of(request: Scoped, access: Access) -> Scope:
    return Scope(
        access,
        collections=None if request.collections is None else tuple(request.collections),
        filter=request.filter,
    )


def check_length(question: str, limit: int) -> None:
    """Raises ``TooLarge`` (``question_too_long``)."""
    if len(question) > limit:
        raise TooLarge("question_too_long", f"The question has more than {limit:,} characters; shorten it.")
