"""Footnote from Python: ``from api.client import Footnote`` (or ``AsyncFootnote``).

Loads neither models nor the server; everything it raises is a ``ClientError`` (``api.client.errors``),
everything it returns is typed (``api.client.records``).
"""

from api.client.aio.footnote import AsyncFootnote
from api.client.blocking.footnote import Footnote
from api.client.errors import (
    BadRequest,
    Busy,
    ClientError,
    Conflict,
    DocumentRejected,
    Forbidden,
    Gone,
    Interrupted,
    JobFailed,
    NotFound,
    Refused,
    TimedOut,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from api.client.records import (
    Answer,
    AnswerDone,
    AnswerEvent,
    Document,
    Job,
    RetrievalFound,
    SentenceDelivered,
    TokenWritten,
)

__all__ = [
    "Answer",
    "AnswerDone",
    "AnswerEvent",
    "AsyncFootnote",
    "BadRequest",
    "Busy",
    "ClientError",
    "Conflict",
    "Document",
    "DocumentRejected",
    "Footnote",
    "Forbidden",
    "Gone",
    "Interrupted",
    "Job",
    "JobFailed",
    "NotFound",
    "Refused",
    "RetrievalFound",
    "SentenceDelivered",
    "TimedOut",
    "TokenWritten",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
]
