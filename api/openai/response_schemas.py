"""The JSON of ``/v1/responses``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api import schemas as own
from api.openai.filters import Filters
from api.openai.marks import FlatFileAnnotation
from api.openai.schemas import (
    MAX_MESSAGES,
    MAX_PARTS,
    FootnoteAnswer,
    MaxTokens,
    MessagePart,
    ModelName,
    Options,
    Refused,
    Scalar,
    Temperature,
    Text,
    Tolerant,
    TopP,
)

MAX_RESULTS = 50
ResponseId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Included = Annotated[str, StringConstraints(max_length=100)]
MetadataKey = Annotated[str, StringConstraints(max_length=64)]
MetadataText = Annotated[str, StringConstraints(max_length=512)]


class InputItem(Tolerant):
    """A message, or an item of an earlier output; what was searched for then is passed over."""

    type: Annotated[str, StringConstraints(max_length=64)] = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Text | Annotated[list[MessagePart], Field(max_length=MAX_PARTS)] | None = None


class RankingOptions(Tolerant):
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class Tool(Tolerant):
    """``file_search`` over vector stores; no other tool is called here."""

    type: Annotated[str, StringConstraints(max_length=64)]
    vector_store_ids: Annotated[tuple[own.CollectionName, ...], Field(max_length=100)] = ()
    max_num_results: Annotated[int, Field(ge=1, le=MAX_RESULTS)] = MAX_RESULTS
    filters: Filters | None = None
    ranking_options: RankingOptions | None = None


class ResponseRequest(Tolerant):
    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "model": "footnote",
                    "input": "When was the reading room opened?",
                    "tools": [{"type": "file_search", "vector_store_ids": ["default"]}],
                }
            ]
        },
    )
    model: ModelName
    input: Text | Annotated[list[InputItem], Field(min_length=1, max_length=MAX_MESSAGES)]
    instructions: Text | None = None
    previous_response_id: ResponseId | None = None
    tools: Annotated[list[Tool], Field(max_length=8)] | None = None
    include: Annotated[list[Included], Field(max_length=20)] | None = None
    stream: bool | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    max_output_tokens: MaxTokens | None = None
    store: Annotated[
        bool | None, Field(description="False keeps no receipt, and nothing can continue from it.")
    ] = None
    metadata: Annotated[
        dict[MetadataKey, MetadataText] | None,
        Field(max_length=16, description="Given back with the answer and not kept."),
    ] = None
    footnote: Options | None = None
    tool_choice: Refused = None
    text: Refused = None
    background: Refused = None
    conversation: Refused = None
    prompt: Refused = None
    top_logprobs: Refused = None
    max_tool_calls: Refused = None


class SearchResult(BaseModel):
    file_id: str
    filename: str
    score: float
    text: str
    attributes: dict[str, Scalar]


class FileSearchCall(BaseModel):
    type: Literal["file_search_call"] = "file_search_call"
    id: str
    status: Literal["in_progress", "completed"]
    queries: list[str]
    results: list[SearchResult] | None = None


class OutputText(BaseModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: list[FlatFileAnnotation]
    logprobs: list[Any] = []


class OutputMessage(BaseModel):
    type: Literal["message"] = "message"
    id: str
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputText]


class InputDetails(BaseModel):
    cached_tokens: int
    cache_write_tokens: int = 0


class OutputDetails(BaseModel):
    reasoning_tokens: int = 0


class ResponseUsage(BaseModel):
    """Tokens that the language model read and wrote; 0 where it had no part in the answer."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class Incomplete(BaseModel):
    reason: Literal["max_output_tokens"]


class TextFormat(BaseModel):
    type: Literal["text"] = "text"


class TextConfig(BaseModel):
    format: TextFormat = TextFormat()


class Response(BaseModel):
    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "incomplete"]
    error: None = None
    incomplete_details: Incomplete | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    metadata: dict[str, str] = {}
    model: str
    output: list[FileSearchCall | OutputMessage]
    parallel_tool_calls: bool = False
    previous_response_id: str | None = None
    store: bool = True
    temperature: float | None = None
    text: TextConfig = TextConfig()
    tool_choice: Literal["auto"] = "auto"
    tools: list[dict[str, Any]] = []
    top_p: float | None = None
    truncation: Literal["disabled"] = "disabled"
    usage: ResponseUsage | None = None
    footnote: FootnoteAnswer | None = None


class ResponseDeleted(BaseModel):
    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True
