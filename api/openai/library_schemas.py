"""The JSON of models, embeddings, files and vector stores."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api import schemas as own
from api.answer_schemas import Hit
from api.openai.filters import Filters
from api.openai.schemas import Attributes, ModelName, Refused, Scalar, Text, Tolerant

MAX_INPUTS = 2048
Chunking = Annotated[
    Refused, Field(description="Refused unless `auto`: Footnote cuts at blocks and sentences.")
]


class Listed(BaseModel):
    """A page of a list; ``last_id`` is where the next one begins (``after``)."""

    object: Literal["list"] = "list"
    first_id: str | None
    last_id: str | None
    has_more: bool


class OpenAIModel(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class EmbeddingRequest(Tolerant):
    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"model": "footnote-embedding", "input": "opening hours"}]},
    )
    model: ModelName
    input: (
        Annotated[Text, Field(min_length=1)]
        | Annotated[list[Annotated[Text, Field(min_length=1)]], Field(min_length=1, max_length=MAX_INPUTS)]
        | Annotated[list[int | list[int]], Field(max_length=MAX_INPUTS, description="Tokens: refused.")]
    )
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Refused = None


class Embedding(BaseModel):
    """``embedding`` is a unit vector: numbers, or in base64 its 32-bit floats, little-endian."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class File(BaseModel):
    """A document; ``filename`` is its name."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: Literal["assistants"] = "assistants"
    status: Literal["uploaded", "processed", "error"]
    status_details: str | None
    vector_store_id: Annotated[str, Field(description="The collection it is in.")]


class FileList(Listed):
    data: list[File]


class FileDeleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class NewVectorStore(Tolerant):
    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"name": "minutes"}]})
    name: own.CollectionName | None = None
    file_ids: Annotated[list[own.Identifier], Field(max_length=500)] | None = None
    chunking_strategy: Chunking = None
    expires_after: Refused = None
    metadata: Refused = None


class FileCounts(BaseModel):
    in_progress: int
    completed: int
    failed: int
    cancelled: Annotated[int, Field(description="Always 0: these are among those in progress.")] = 0
    total: int


class VectorStore(BaseModel):
    """A collection."""

    id: str
    object: Literal["vector_store"] = "vector_store"
    created_at: int
    name: str
    status: Literal["in_progress", "completed"]
    file_counts: FileCounts
    usage_bytes: int
    last_active_at: int | None = None
    expires_at: None = None
    metadata: dict[str, str] = Field(default_factory=dict)


class VectorStoreList(Listed):
    data: list[VectorStore]


class VectorStoreDeleted(BaseModel):
    id: str
    object: Literal["vector_store.deleted"] = "vector_store.deleted"
    deleted: Literal[True] = True


class NewVectorStoreFile(Tolerant):
    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"file_id": "doc_…"}]})
    file_id: own.Identifier
    attributes: Attributes | None = None
    chunking_strategy: Chunking = None


class ChangedAttributes(Tolerant):
    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"attributes": {"year": 1911}}]}
    )
    attributes: Attributes | None


class LastError(BaseModel):
    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class OtherChunking(BaseModel):
    type: Literal["other"] = "other"


class VectorStoreFile(BaseModel):
    """A document as part of its collection."""

    id: str
    object: Literal["vector_store.file"] = "vector_store.file"
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    last_error: LastError | None
    usage_bytes: int
    attributes: dict[str, Scalar]
    chunking_strategy: OtherChunking = OtherChunking()


class VectorStoreFileList(Listed):
    data: list[VectorStoreFile]


class VectorStoreFileDeleted(BaseModel):
    id: str
    object: Literal["vector_store.file.deleted"] = "vector_store.file.deleted"
    deleted: Literal[True] = True


class Content(BaseModel):
    type: Literal["text"] = "text"
    text: str


class FileContent(BaseModel):
    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"
    data: list[Content]
    has_more: Literal[False] = False
    next_page: None = None


class Ranking(Tolerant):
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class VectorStoreSearch(Tolerant):
    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [{"query": "opening hours"}]})
    query: own.Question | Annotated[list[own.Question], Field(min_length=1, max_length=16)]
    max_num_results: Annotated[int, Field(ge=1, le=50)] = 10
    filters: Filters | None = None
    ranking_options: Ranking | None = None


class SearchHit(BaseModel):
    """A passage. ``footnote`` says where it stands, and how it was ranked."""

    file_id: str
    filename: str
    score: float
    attributes: dict[str, Scalar]
    content: list[Content]
    footnote: Hit


class SearchPage(BaseModel):
    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[Annotated[str, StringConstraints()]]
    data: list[SearchHit]
    has_more: Literal[False] = False
    next_page: None = None
