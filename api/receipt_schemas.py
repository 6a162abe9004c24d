"""The JSON of kept answers: receipts, their list, and what a replay compares."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.answer_schemas import Answer, DocumentRef
from api.schemas import Notice
from rag.records import AnswerStatus, QuestionKind, VersionStatus


class AskSettings(BaseModel):
    """What was asked for besides the question. Without `collections`, in all of them."""

    collections: list[str] | None
    filter: dict[str, Any] | None
    mode: str
    max_citations: int
    survey_citations: Annotated[
        int, Field(description="The same for questions that need more than one passage.")
    ]


class Environment(BaseModel):
    """What made an answer besides the documents and the language model."""

    software: Annotated[str, Field(description="The version of Footnote.")]
    spaces: Annotated[list[str], Field(description="The embedders, by what makes their vectors differ.")]
    settings: Annotated[
        dict[str, str | int | float | None], Field(description="Those of the service that shape answers.")
    ]


class Evidence(BaseModel):
    """A piece of what the answer was made from, cited or not, read back from its version."""

    document: DocumentRef
    start: int
    end: int
    text: Annotated[str, Field(description="Empty once the document is deleted.")]
    score: float
    citation: Annotated[int | None, Field(description="The footnote it became.")]
    sha256: Annotated[str | None, Field(description="Of the text as it was offered, in UTF-8.")]
    intact: Annotated[
        bool | None, Field(description="Whether the text still has that hash; null when it is deleted.")
    ]


class Receipt(Answer):
    """An answer as it was given, with what made it.

    `document.status` of a citation is as of now. Of a deleted document only the place is left, and what
    the answer had from it is blank.
    """

    freshness: Annotated[
        VersionStatus, Field(description="Of the least fresh version that is cited; `current` without any.")
    ]
    created_at: datetime
    question: Annotated[str, Field(description="As it was asked.")]
    conversation: str | None
    replay_of: Annotated[str | None, Field(description="The answer that was asked for again.")]
    request: AskSettings
    environment: Environment
    prompt_sha256: Annotated[
        str | None, Field(description="Of what the model was sent; null when it was not called.")
    ]
    evidence: list[Evidence]


class ListedAnswer(BaseModel):
    """An answer as lists show it; `documents` are those it cites."""

    id: str
    created_at: datetime
    question: str
    conversation: str | None
    replay_of: str | None
    status: AnswerStatus
    kind: QuestionKind
    answer: str
    freshness: VersionStatus
    documents: list[DocumentRef]


class AnswerList(BaseModel):
    data: list[ListedAnswer]
    next_cursor: str | None


class StatusChange(BaseModel):
    before: AnswerStatus
    after: AnswerStatus


class KeptCitation(BaseModel):
    """The same place in the same document, by its footnote number in either answer."""

    before: int
    after: int


class CitationChanges(BaseModel):
    """Footnote numbers: `added` are those of the replay, `removed` of the original."""

    kept: list[KeptCitation]
    added: list[int]
    removed: list[int]


class Replay(BaseModel):
    """A question asked again. `reasons` are what is different between the two, whether or not it told."""

    same: Annotated[bool, Field(description="Whether both answers have the same text.")]
    status: StatusChange
    citations: CitationChanges
    reasons: list[Notice]
    original: Receipt
    replay: Receipt
