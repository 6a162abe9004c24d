"""The JSON that goes in and out. Requests refuse unknown members and bound every string and number."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from rag.records import AnswerStatus, DocumentState, JobState, Verdict

MAX_TEXT = 100_000
MAX_FILTER_VALUES = 1000
MAX_OFFSET = 2**31 - 1

_PRINTABLE_NAME = r"^[^\x00-\x1f\x7f/\\]+$"

CollectionName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_PRINTABLE_NAME)
]
Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Count = Annotated[int, Field(strict=True)]


def _bounded_filter(filter_: dict[str, Any]) -> dict[str, Any]:
    """What operators mean is checked where they are applied; here only that there are not too many values."""
    for wanted in filter_.values():
        for values in wanted.values() if isinstance(wanted, dict) else (wanted,):
            if isinstance(values, list) and len(values) > MAX_FILTER_VALUES:
                raise ValueError(f"a list in a filter holds at most {MAX_FILTER_VALUES} values")
    return filter_


Filter = Annotated[
    dict[Annotated[str, StringConstraints(max_length=100)], Any],
    Field(max_length=32, description="Conditions that all must hold; see docs/rest.md."),
    AfterValidator(_bounded_filter),
]
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=64)], Any], Field(max_length=64)
]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Scoped(Request):
    collections: Annotated[
        list[CollectionName] | None,
        Field(min_length=1, max_length=100, description="Names to look in; all collections when left out."),
    ] = None
    filter: Filter | None = None


class SearchRequest(Scoped):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"query": "opening hours of the reading room", "k": 5}]},
    )
    query: Question
    k: Annotated[Count, Field(ge=1, le=100, description="How many passages to return.")] = 10
    mode: Literal["hybrid", "dense", "lexical"] = "hybrid"


class AskRequest(Scoped):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": "When was the reading room opened?"}]},
    )
    question: Question
    mode: Annotated[
        Literal["auto", "answer", "quote"],
        Field(description="`quote` never calls the model; `answer` delivers what it wrote, with verdicts."),
    ] = "auto"
    max_citations: Annotated[Count | None, Field(ge=1, le=20)] = None
    conversation: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[A-Za-z0-9_.:-]+$",
            description="Any name of your choosing; questions under the same name may follow up each other.",
        ),
    ] = None
    stream: Annotated[bool, Field(strict=True)] = False


class NewCollection(Request):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "minutes"}]})
    name: CollectionName


class DocumentPatch(Request):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"metadata": {"author": "A. Weber"}}]}
    )
    name: Annotated[str | None, Field(min_length=1, max_length=1000)] = None
    metadata: Metadata | None = None


class Notice(BaseModel):
    code: str
    detail: str


class Document(BaseModel):
    """A document; ``version`` and what follows from the file are those of its newest version."""

    id: str
    name: str
    collection: str
    metadata: dict[str, Any]
    state: DocumentState
    version: int
    live_version: Annotated[int | None, Field(description="The version that is searched, if any.")]
    media_type: str | None
    title: str | None
    size: int
    sha256: str
    characters: int | None
    pages: int | None
    pages_without_text: list[int]
    chunks: int
    warnings: list[Notice]
    error: Notice | None
    created_at: datetime
    updated_at: datetime
    ready_at: datetime | None


class Progress(BaseModel):
    done: int
    total: int | None


class Job(BaseModel):
    id: str
    document_id: str
    version: int
    state: JobState
    stage: str
    pages: Progress
    chunks: Progress
    warnings: list[Notice]
    error: Notice | None
    attempts: int
    eta_seconds: float | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Accepted(BaseModel):
    document: Document
    job: Job
    duplicate: bool


class Patched(BaseModel):
    document: Document
    job: Annotated[Job | None, Field(description="The job that reads the new version, after a new name.")]


class DocumentList(BaseModel):
    data: list[Document]
    next_cursor: str | None


class JobList(BaseModel):
    data: list[Job]
    next_cursor: str | None


class Collection(BaseModel):
    id: str
    name: str
    documents: int
    created_at: datetime


class CollectionList(BaseModel):
    data: list[Collection]
    next_cursor: str | None


class TextRange(BaseModel):
    """``text`` is exactly the characters ``[start, end)``, counted in Unicode code points."""

    text: str
    start: int
    end: int
    version: int


class WordBox(BaseModel):
    start: int
    end: int
    box: tuple[float, float, float, float]


class Page(BaseModel):
    """Sizes and boxes are PDF points, origin bottom left, ``[x0, y0, x1, y1]``."""

    page: int
    text: str
    start: int
    end: int
    width: float
    height: float
    version: int
    words: list[WordBox]


class DocumentRef(BaseModel):
    id: str
    name: str
    version: int


class Hit(BaseModel):
    document: DocumentRef
    page: int | None
    start: int
    end: int
    text: str
    score: float
    scores: dict[str, float]


class Coverage(BaseModel):
    documents: int
    passages_seen: int
    passages_matching: int


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


class Citation(BaseModel):
    """``quote`` is ``text[start:end]`` of that version, as ``GET /v1/documents/{id}/text`` returns it."""

    number: int
    document: DocumentRef
    page: int | None
    start: int
    end: int
    quote: str
    boxes: list[tuple[float, float, float, float]] | None
    score: float


class Model(BaseModel):
    name: str
    sha256: str


class Answer(BaseModel):
    """``nearest`` is filled only when the answer is not in the documents."""

    id: str
    status: AnswerStatus
    answer: str
    sentences: list[Sentence]
    citations: list[Citation]
    coverage: Coverage
    timings: dict[str, float]
    model: Model | None
    nearest: list[Hit]


class RetrievalFound(BaseModel):
    """Of the event `retrieval`."""

    coverage: Coverage
    hits: list[Hit]


class SentenceDelivered(BaseModel):
    """Of the event `sentence`."""

    sentence: Sentence
    citations: list[Citation]


class Part(BaseModel):
    state: Literal["starting", "ready", "failed"]
    phase: str


class Readiness(BaseModel):
    ready: bool
    parts: dict[str, Part]


class Problem(BaseModel):
    """RFC 9457 problem details; ``code`` is stable and listed in docs/errors.md."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: Annotated[
        list[dict[str, str]] | None, Field(description="With `invalid_request`: what is wrong where.")
    ] = None
