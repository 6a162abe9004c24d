"""What search and answers are as JSON. What both are asked with is in ``schemas``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from api.schemas import Notice
from rag.records import AnswerStatus, CachedPart, QuestionKind, Verdict, VersionStatus


class DocumentRef(BaseModel):
    id: str
    name: str
    version: int
    status: Annotated[
        VersionStatus,
        Field(
            description="`superseded` when a newer version of the document has been sent, `deleted` in kept "
            "answers when nothing of it is left."
        ),
    ]


Locator = Annotated[
    str, Field(description="Where it stands, in words: `page 3`, `sheet Prices, rows 4–9`, `lines 10–24`.")
]
Headings = Annotated[list[str], Field(description="What it stands under, outermost first.")]


class Hit(BaseModel):
    document: DocumentRef
    page: int | None
    locator: Locator
    headings: Headings
    start: int
    end: int
    text: str
    score: float
    scores: dict[str, float]


class Coverage(BaseModel):
    """What was looked at. The members after the first three are null for answers that need one passage."""

    documents: int
    passages_seen: int
    passages_matching: int
    documents_matching: Annotated[int | None, Field(description="Documents that hold what was asked for.")]
    sections_seen: Annotated[int | None, Field(description="Of a summary: sections that are quoted.")]
    sections_total: Annotated[int | None, Field(description="Of a summary: sections that there are.")]
    complete: Annotated[bool | None, Field(description="Whether all that matches was read and is shown.")]


class SearchAnswer(BaseModel):
    hits: list[Hit]
    coverage: Coverage
    timings: dict[str, float]


class Sentence(BaseModel):
    """``text`` is ``answer[start:end]``; ``citations`` are the numbers of its footnotes."""

    text: str
    start: int
    end: int
    verdict: Verdict
    support: float
    citations: list[int]
    group: Annotated[
        str, Field(description="What it is said of, where an answer speaks of several: a document, a thing.")
    ]


class Citation(BaseModel):
    """``quote`` is ``text[start:end]`` of that version, as ``GET /v1/documents/{id}/text`` returns it."""

    number: int
    document: DocumentRef
    page: int | None
    locator: Locator
    headings: Headings
    start: int
    end: int
    quote: str
    boxes: list[tuple[float, float, float, float]] | None
    score: float


class Model(BaseModel):
    name: Annotated[str, Field(description="With the host of the server, where another one runs it.")]
    sha256: Annotated[
        str, Field(description="Of the weights; empty where another server has them: nobody here can know.")
    ]


class Disagreement(BaseModel):
    """Citations that cannot all be right; ``values`` is what each says, in the order of ``citations``."""

    about: str
    citations: list[int]
    values: list[str]


class Cached(BaseModel):
    """Something of an earlier answer was used again: all of it (`answer`: everything that the asker may read
    is as it was then), or what the model wrote (`draft`: found and checked anew)."""

    answer: Annotated[str, Field(description="The earlier answer's id.")]
    created_at: datetime
    part: CachedPart


class Answer(BaseModel):
    """``nearest`` is filled only when the answer is not in the documents."""

    id: str
    status: AnswerStatus
    kind: Annotated[QuestionKind, Field(description="What the question needs: one passage, or many.")]
    understood_as: Annotated[
        str | None,
        Field(description="The question as it was searched for, if the conversation had to complete it."),
    ]
    notes: Annotated[
        list[Notice], Field(description="What to know about the answer: what was not found or not all seen.")
    ]
    answerability: Annotated[
        float, Field(ge=0, le=1, description="Calibrated likelihood that the documents hold the answer.")
    ]
    answer: str
    sentences: list[Sentence]
    citations: list[Citation]
    conflicts: Annotated[
        list[Disagreement], Field(description="Where the cited sources contradict each other.")
    ]
    coverage: Coverage
    timings: dict[str, float]
    model: Model | None
    nearest: list[Hit]
    cached: Annotated[Cached | None, Field(description="What of it was made before, if anything was.")]


class RetrievalFound(BaseModel):
    """Of the event `retrieval`."""

    coverage: Coverage
    hits: list[Hit]


class SentenceDelivered(BaseModel):
    """Of the event `sentence`."""

    sentence: Sentence
    citations: list[Citation]
