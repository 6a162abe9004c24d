"""What all requests here have in common. Unknown members are passed over: clients send many, and more with
every release; what would change the answer and cannot be done is refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api import schemas as own
from api.answer_schemas import Answer

MAX_MESSAGES = 1000
MAX_PARTS = 1000
MAX_STOPS = 4
"""As many as OpenAI takes."""

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Text = Annotated[str, StringConstraints(max_length=own.MAX_TEXT)]
Temperature = Annotated[float, Field(ge=0, le=2, description="Where the model writes freely.")]
TopP = Annotated[float, Field(ge=0, le=1, description="Where the model writes freely.")]
MaxTokens = Annotated[
    int,
    Field(ge=1, le=own.MAX_OFFSET, description="Of the draft and of the answer, which ends with a sentence."),
]
Scalar = str | float | bool
Attributes = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=64)],
        Annotated[str, StringConstraints(max_length=512)] | float | bool,
    ],
    Field(max_length=16),
]
Refused = Annotated[Any, Field(description="Refused unless it asks for nothing.")]


class Tolerant(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Options(own.Scoped):
    """Footnote's own wishes, in a member of that name. With ``collections`` the model's name must not name
    one as well."""

    max_citations: Annotated[own.Count | None, Field(ge=1, le=20)] = None
    conversation: Annotated[
        str | None,
        Field(min_length=1, max_length=own.MAX_CONVERSATION, pattern=own.CONVERSATION_PATTERN),
    ] = None


class MessagePart(Tolerant):
    type: Annotated[str, StringConstraints(max_length=64)] = "text"
    text: Text | None = None


class Spoken(Tolerant):
    """A message; ``content`` in one piece or in parts."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | Annotated[list[MessagePart], Field(max_length=MAX_PARTS)] | None = None


class FootnoteAnswer(Answer):
    """The answer as ``POST /v1/ask`` gives it. ``receipt`` is the id it is kept under; null if it is not."""

    receipt: str | None
