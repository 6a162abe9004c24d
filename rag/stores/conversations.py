"""Turns of a conversation, kept so that a follow-up can be understood."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, insert, or_, select
from sqlalchemy import delete as sql_delete

from rag.errors import NotFound
from rag.records import AnswerStatus
from rag.stores.access import Owner
from rag.stores.database import Tx
from rag.stores.tables import answers, conversation_turns, deleted_answers

TURNS_KEPT = 50
"""Of each conversation; older ones say nothing about the next question."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question as asked, the same as it was understood on its own, and the answer given."""

    question: str
    standalone: str
    answer: str


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """A turn as it is shown; ``answer_id`` and ``status`` are of its receipt, None where none is kept."""

    question: str
    answer: str
    answer_id: str | None
    status: AnswerStatus | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Conversation:
    """``first`` is the oldest turn that is kept, ``last`` the newest; ``key`` orders the list."""

    name: str
    turns: int
    first: KeptTurn
    last: KeptTurn
    key: int


def add_turn(tx: Tx, owner: Owner, conversation: str, turn: Turn, receipt: int | None = None) -> None:
    """Remember a turn; with the key of its answer's receipt it is forgotten when that is deleted."""
    tx.execute(
        insert(conversation_turns).values(
            conversation=conversation,
            question=turn.question,
            standalone=turn.standalone,
            answer=turn.answer,
            receipt_id=receipt,
            created_at=time.time(),
            **owner.columns(),
        )
    )
    oldest_kept = (
        select(conversation_turns.c.id)
        .where(_of(owner, conversation))
        .order_by(conversation_turns.c.id.desc())
        .offset(TURNS_KEPT - 1)
        .limit(1)
        .scalar_subquery()
    )
    tx.execute(
        sql_delete(conversation_turns).where(_of(owner, conversation), conversation_turns.c.id < oldest_kept)
    )


def recent_turns(tx: Tx, owner: Owner, conversation: str, limit: int) -> Sequence[Turn]:
    """The last ``limit`` turns, oldest first; none for a conversation that has not begun."""
    rows = tx.execute(
        select(conversation_turns.c.question, conversation_turns.c.standalone, conversation_turns.c.answer)
        .where(_of(owner, conversation))
        .order_by(conversation_turns.c.id.desc())
        .limit(limit)
    ).all()
    return [Turn(*row) for row in reversed(rows)]


def page_of(
    tx: Tx, owner: Owner, *, limit: int, after: int | None = None, containing: str | None = None
) -> tuple[Sequence[Conversation], int | None]:
    """Up to ``limit`` conversations, the one asked in last first, and the cursor of the next page.

    ``containing``: only those with these characters in a question or an answer, whatever their case.
    """
    turns = conversation_turns.c
    newest = func.max(turns.id)
    found = (
        select(turns.conversation, newest.label("last"), func.min(turns.id).label("first"), func.count())
        .where(owner.owns(conversation_turns))
        .group_by(turns.conversation)
        .order_by(newest.desc())
        .limit(limit + 1)
    )
    if after is not None:
        found = found.having(newest < after)
    if containing:
        said = or_(
            turns.question.icontains(containing, autoescape=True),
            turns.answer.icontains(containing, autoescape=True),
        )
        matching = select(turns.conversation).where(owner.owns(conversation_turns), said)
        found = found.where(turns.conversation.in_(matching))
    rows = tx.execute(found).all()
    shown = _shown(tx, {key for row in rows[:limit] for key in (row.first, row.last)})
    page = [
        Conversation(name, many, shown[first], shown[last], last) for name, last, first, many in rows[:limit]
    ]
    return page, (page[-1].key if len(rows) > limit else None)


def turns_of(tx: Tx, owner: Owner, conversation: str) -> Sequence[KeptTurn]:
    """Every turn that is kept, oldest first. Raises ``NotFound`` (``conversation_not_found``)."""
    keys = tx.scalars(select(conversation_turns.c.id).where(_of(owner, conversation))).all()
    if not keys:
        raise NotFound(
            "conversation_not_found",
            f"Nothing was asked under {conversation!r}; list conversations with GET /v1/conversations.",
        )
    shown = _shown(tx, set(keys))
    return [shown[key] for key in sorted(shown)]


def delete_with_answers(tx: Tx, owner: Owner, conversation: str) -> None:
    """Forget a conversation and delete the receipts of its answers for good. Raises as ``delete`` does."""
    mine = and_(owner.owns(answers), answers.c.conversation == conversation)
    marks = select(answers.c.public_id, answers.c.tenant_id, answers.c.key_id).where(mine)
    now = time.time()
    kept = [{**row._mapping, "deleted_at": now} for row in tx.execute(marks)]
    turns = tx.execute(sql_delete(conversation_turns).where(_of(owner, conversation))).rowcount
    if not turns and not kept:
        raise _nothing(conversation)
    tx.execute(sql_delete(answers).where(mine))
    if kept:
        tx.execute(insert(deleted_answers), kept)


def delete(tx: Tx, owner: Owner, conversation: str) -> None:
    """Forget a conversation. Raises ``NotFound`` (``conversation_not_found``)."""
    forgotten = tx.execute(sql_delete(conversation_turns).where(_of(owner, conversation)))
    if forgotten.rowcount == 0:
        raise _nothing(conversation)


def _nothing(conversation: str) -> NotFound:
    return NotFound(
        "conversation_not_found", f"Nothing was asked under {conversation!r}; there is nothing to delete."
    )


def _shown(tx: Tx, keys: set[int]) -> dict[int, KeptTurn]:
    """Turns by their key, with what their receipts say. ``keys`` are a page's or one conversation's: few."""
    turns = conversation_turns.c
    rows = tx.execute(
        select(
            turns.id, turns.question, turns.answer, answers.c.public_id, answers.c.status, turns.created_at
        )
        .select_from(conversation_turns.outerjoin(answers, answers.c.id == turns.receipt_id))
        .where(turns.id.in_(sorted(keys)))
    )
    return {
        key: KeptTurn(
            question, answer, public_id, None if status is None else AnswerStatus(status), created_at
        )
        for key, question, answer, public_id, status, created_at in rows
    }


def _of(owner: Owner, conversation: str) -> ColumnElement[bool]:
    """The turns of one conversation: the same name used by another tenant is another conversation."""
    return and_(owner.owns(conversation_turns), conversation_turns.c.conversation == conversation)
