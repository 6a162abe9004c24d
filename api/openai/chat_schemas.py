"""The JSON of ``/v1/chat/completions``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.openai.marks import ChatAnnotation
from api.openai.schemas import (
    MAX_MESSAGES,
    MAX_STOPS,
    FootnoteAnswer,
    MaxTokens,
    ModelName,
    Options,
    Refused,
    Spoken,
    Temperature,
    Tolerant,
    TopP,
)

Stop = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class StreamOptions(Tolerant):
    include_usage: bool = False


class ChatRequest(Tolerant):
    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "model": "footnote",
                    "messages": [{"role": "user", "content": "When was the reading room opened?"}],
                }
            ]
        },
    )
    model: ModelName
    messages: Annotated[list[Spoken], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    seed: Annotated[int | None, Field(ge=-(2**63), lt=2**63)] = None
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=MAX_STOPS)] | None = None
    store: Annotated[
        bool | None, Field(description="False keeps no receipt of the answer; otherwise there is one.")
    ] = None
    footnote: Options | None = None
    n: Refused = None
    tools: Refused = None
    tool_choice: Refused = None
    functions: Refused = None
    function_call: Refused = None
    logprobs: Refused = None
    top_logprobs: Refused = None
    logit_bias: Refused = None
    modalities: Refused = None
    audio: Refused = None
    response_format: Refused = None
    prediction: Refused = None
    web_search_options: Refused = None


class ChatUsage(BaseModel):
    """Tokens that the language model read and wrote; 0 where it had no part in the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[ChatAnnotation]


class ChatChoice(BaseModel):
    index: int = 0
    message: ChatMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage
    footnote: FootnoteAnswer


class ChatDelta(BaseModel):
    role: Literal["assistant"] | None = None
    content: str | None = None
    annotations: list[ChatAnnotation] | None = None


class ChunkChoice(BaseModel):
    index: int = 0
    delta: ChatDelta
    logprobs: None = None
    finish_reason: Literal["stop", "length"] | None = None


class ChatChunk(BaseModel):
    """One event of a stream. ``footnote`` comes with the finish reason."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: ChatUsage | None = None
    footnote: FootnoteAnswer | None = None

    def sent(self, *, with_usage: bool) -> dict[str, Any]:
        """As it goes out: ``usage`` is there, if only as null, where it was asked for."""
        sent = self.model_dump(mode="json", exclude={"footnote", "choices", "usage"})
        sent["choices"] = [
            {
                "index": one.index,
                "delta": one.delta.model_dump(mode="json", exclude_none=True),
                "logprobs": None,
                "finish_reason": one.finish_reason,
            }
            for one in self.choices
        ]
        if with_usage:
            sent["usage"] = None if self.usage is None else self.usage.model_dump()
        if self.footnote is not None:
            sent["footnote"] = self.footnote.model_dump(mode="json")
        return sent
