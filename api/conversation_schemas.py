"""The JSON of kept conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from rag.records import AnswerStatus


class ConversationTurn(BaseModel):
    """`answer_id` and `status` are null where the answer itself is not kept."""

    question: str
    answer: Annotated[str, Field(description="Its text; empty once a document it rests on is deleted.")]
    answer_id: str | None
    status: AnswerStatus | None
    created_at: datetime


class Conversation(BaseModel):
    """`first` and `last` are the oldest and the newest of the turns that are kept."""

    name: str
    turns: int
    first: ConversationTurn
    last: ConversationTurn


class ConversationList(BaseModel):
    data: list[Conversation]
    next_cursor: str | None


class TurnList(BaseModel):
    data: list[ConversationTurn]
    next_cursor: str | None
