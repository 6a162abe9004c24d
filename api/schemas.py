"""The JSON that goes in and out. Requests refuse unknown members and bound every string and number."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.sources import MAX_CHARS as MAX_SOURCE
from rag.records import (
    DocumentState,
    JobState,
    PageKind,
    VersionStatus,
)

MAX_TEXT = 100_000
MAX_FILTER_VALUES = 1000
MAX_OFFSET = 2**31 - 1
MAX_CONVERSATION = 64
CONVERSATION_PATTERN = r"^[A-Za-z0-9_.:-]+$"

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
            max_length=MAX_CONVERSATION,
            pattern=CONVERSATION_PATTERN,
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
    source: Annotated[
        str | None,
        Field(
            min_length=1, max_length=MAX_SOURCE, description="Where it lies now; see `POST /v1/documents`."
        ),
    ] = None


class Notice(BaseModel):
    code: str
    detail: str


class Progress(BaseModel):
    done: int
    total: int | None


class Refinement(BaseModel):
    """How many chunks have the better of their two vectors. Searching does not wait for it."""

    done: int
    total: int


class Language(BaseModel):
    code: Annotated[str, Field(description="ISO 639-1.")]
    probability: Annotated[float, Field(ge=0, le=1)]
    spoken: Annotated[bool | None, Field(description="Whether the embedder speaks it; null: unknown.")]


class Quality(BaseModel):
    """How well a version was read, measured when it was."""

    pages: int
    pages_without_text: int
    pages_recognised: Annotated[int, Field(description="Pages read from their pictures (OCR).")]
    characters: int
    garbled: Annotated[float, Field(ge=0, le=1, description="Share of the text that stands for nothing.")]
    language: Language | None
    tables: int
    furniture_blocks: Annotated[
        int, Field(description="Running headers, footers and page numbers, kept out of the evidence.")
    ]
    chunks: int
    tokens: int
    tokens_truncated: Annotated[int, Field(description="Tokens the embedder did not see: always 0.")]
    self_retrieval: Annotated[
        float | None,
        Field(ge=0, le=1, description="Share of sampled passages that a search for their own words finds."),
    ]


class NearDuplicate(BaseModel):
    """Another document of the collection with nearly the same text."""

    document_id: str
    name: str
    similarity: Annotated[float, Field(ge=0, le=1, description="Jaccard index of the shingles, estimated.")]


class Document(BaseModel):
    """A document; ``version`` and what follows from the file are those of its newest version."""

    id: str
    name: str
    collection: str
    metadata: dict[str, Any]
    source: Annotated[str | None, Field(description="Its path in the folder it was taken from.")]
    parent: Annotated[str | None, Field(description="The document it was found in: an archive, a message.")]
    children: Annotated[int, Field(description="How many documents were found in it.")]
    state: DocumentState
    version: int
    live_version: Annotated[int | None, Field(description="The version that is searched, if any.")]
    media_type: str | None
    title: str | None
    size: int
    sha256: str
    characters: int | None
    pages: int | None
    page_kind: Annotated[PageKind | None, Field(description="What its pages are.")]
    pages_without_text: list[int]
    chunks: int
    refined: Refinement
    quality: Annotated[Quality | None, Field(description="Null until it has been read.")]
    near_duplicates: Annotated[
        list[NearDuplicate] | None, Field(description="Most alike first, at most 20; null in lists.")
    ]
    warnings: list[Notice]
    error: Notice | None
    created_at: datetime
    updated_at: datetime
    ready_at: datetime | None
    refined_at: datetime | None


class Version(BaseModel):
    """One immutable state of a document."""

    version: int
    status: VersionStatus
    live: Annotated[bool, Field(description="Whether this is the version that is searched.")]
    name: str
    state: DocumentState
    media_type: str | None
    title: str | None
    size: int
    sha256: str
    characters: int | None
    pages: int | None
    page_kind: PageKind | None
    chunks: int
    refined: Refinement
    quality: Quality | None
    warnings: list[Notice]
    error: Notice | None
    created_at: datetime
    ready_at: datetime | None
    refined_at: datetime | None


class VersionList(BaseModel):
    data: list[Version]
    next_cursor: str | None


class Rate(BaseModel):
    """The pace of a running job in its present stage."""

    pages_per_second: float | None
    chunks_per_second: float | None


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
    uploader: Annotated[str, Field(description="Whose turn it counts for.")]
    position: Annotated[
        int | None,
        Field(description="How many jobs wait before it; null in lists and when it does not wait."),
    ]
    rate: Rate
    eta_seconds: Annotated[float | None, Field(description="What its present stage still takes.")]
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


class Queue(BaseModel):
    paused: bool
    jobs: Annotated[dict[JobState, int], Field(description="How many are in each state.")]
    oldest_waiting_seconds: Annotated[float | None, Field(description="Null when nothing waits.")]


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
    status: VersionStatus


class WordBox(BaseModel):
    start: int
    end: int
    box: tuple[float, float, float, float]


class Page(BaseModel):
    """Sizes and boxes are PDF points, origin bottom left, ``[x0, y0, x1, y1]``."""

    page: int
    label: Annotated[str, Field(description="Its own name: a sheet's, or the number printed on it.")]
    text: str
    start: int
    end: int
    width: float
    height: float
    version: int
    status: VersionStatus
    words: list[WordBox]


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
