"""Turns of a conversation, kept so that a follow-up can be understood."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from rag.stores.database import Tx
from rag.stores.tables import conversation_turns


@dataclass(frozen=True, slots=True)
class Turn:
    """A question as asked, the same as it was understood on its own, and the answer given."""

    question: str
    standalone: str
    answer: str


def add_turn(tx: Tx, conversation: str, turn: Turn) -> None:
    tx.execute(
        insert(conversation_turns).values(
            conversation=conversation,
            question=turn.question,
            standalone=turn.standalone,
            answer=turn.answer,
            created_at=time.time(),
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
