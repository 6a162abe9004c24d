"""Turns of a conversation, kept so that a follow-up can be understood."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete as sql_delete
from sqlalchemy import insert, select

from rag.errors import NotFound
from rag.stores.database import Tx
from rag.stores.tables import conversation_turns

TURNS_KEPT = 50
"""Of each conversation; older ones say nothing about the next question."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question as asked, the same as it was understood on its own, and the answer given."""

    question: str
    standalone: str
    answer: str


def add_turn(tx: Tx, conversation: str, turn: Turn, receipt: int | None = None) -> None:
    """Remember a turn; with the key of its answer's receipt it is forgotten when that is deleted."""
    tx.execute(
        insert(conversation_turns).values(
            conversation=conversation,
            question=turn.question,
            standalone=turn.standalone,
            answer=turn.answer,
            receipt_id=receipt,
            created_at=time.time(),
        )
    )
    oldest_kept = (
        select(conversation_turns.c.id)
        .where(conversation_turns.c.conversation == conversation)
        .order_by(conversation_turns.c.id.desc())
        .offset(TURNS_KEPT - 1)
        .limit(1)
        .scalar_subquery()
    )
    tx.execute(
        sql_delete(conversation_turns).where(
            conversation_turns.c.conversation == conversation, conversation_turns.c.id < oldest_kept
        )
    )


def recent_turns(tx: Tx, conversation: str, limit: int) -> Sequence[Turn]:
    """The last ``limit`` turns, oldest first; none for a conversation that has not begun."""
    rows = tx.execute(
        select(conversation_turns.c.question, conversation_turns.c.standalone, conversation_turns.c.answer)
        .where(conversation_turns.c.conversation == conversation)
        .order_by(conversation_turns.c.id.desc())
        .limit(limit)
    ).all()
    return [Turn(*row) for row in reversed(rows)]


def delete(tx: Tx, conversation: str) -> None:
    """Forget a conversation. Raises ``NotFound`` (``conversation_not_found``)."""
    forgotten = tx.execute(
        sql_delete(conversation_turns).where(conversation_turns.c.conversation == conversation)
    )
    if forgotten.rowcount == 0:
        raise NotFound(
            "conversation_not_found", f"Nothing was asked under {conversation!r}; there is nothing to delete."
        )
