"""What the client returns: the models that the service itself answers with, and a few of the client's own.

They are one definition for both sides, so that they cannot come apart. Members that a newer service adds are
ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from api.answer_schemas import (
    Answer,
    Citation,
    Coverage,
    DocumentRef,
    Hit,
    RetrievalFound,
    SearchAnswer,
    Sentence,
    SentenceDelivered,
)
from api.conversation_schemas import Conversation, ConversationTurn
from api.receipt_schemas import ListedAnswer, Receipt, Replay
from api.schemas import (
    Accepted,
    Collection,
    Document,
    Job,
    Notice,
    Page,
    Patched,
    Queue,
    Readiness,
    TextRange,
    Version,
)

AskMode = Literal["auto", "answer", "quote"]
SearchMode = Literal["hybrid", "dense", "lexical"]
DocumentStateName = Literal["queued", "processing", "ready", "refined", "needs_ocr", "failed"]
JobStateName = Literal["queued", "running", "succeeded", "failed", "dead", "cancelled"]
KeyScopeName = Literal["read", "write", "admin"]

ENDED = ("succeeded", "failed", "dead", "cancelled")
"""The states in which a job changes no more."""


class Key(BaseModel):
    """A key as it is shown; never its token. ``collections`` is null for all of the tenant's."""

    id: str
    name: str
    tenant: str
    prefix: str
    scope: KeyScopeName
    collections: list[str] | None
    state: Literal["active", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class CreatedKey(BaseModel):
    """``token`` is what to send, told this once."""

    key: Key
    token: str


@dataclass(frozen=True, slots=True)
class TokenWritten:
    """Draft text of the model, not yet checked and perhaps never delivered."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The whole answer, the last event of a stream."""

    answer: Answer


AnswerEvent = RetrievalFound | TokenWritten | SentenceDelivered | AnswerDone

__all__ = [
    "ENDED",
    "Accepted",
    "Answer",
    "AnswerDone",
    "AnswerEvent",
    "AskMode",
    "Citation",
    "Collection",
    "Conversation",
    "ConversationTurn",
    "Coverage",
    "CreatedKey",
    "Document",
    "DocumentRef",
    "DocumentStateName",
    "Hit",
    "Job",
    "JobStateName",
    "Key",
    "KeyScopeName",
    "ListedAnswer",
    "Notice",
    "Page",
    "Patched",
    "Queue",
    "Readiness",
    "Receipt",
    "Replay",
    "RetrievalFound",
    "SearchAnswer",
    "SearchMode",
    "Sentence",
    "SentenceDelivered",
    "TextRange",
    "TokenWritten",
    "Version",
]
