"""How a conversation is laid out for a model: our own small table.

A model file brings its own template, a Jinja program by whoever made the file. It is never run;
only its wording is looked at to recognise one of the layouts below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.models.generation import PromptPart

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. ``content`` is never trusted, whatever the role."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """The fixed strings around each turn.

    Attributes:
        marker: the control token by which a model file shows that it wants this layout.
        prefix: what opens a turn, by role.
        suffix: what closes a turn.
        stop: strings that end an answer, for models without an end-of-turn token.
        system_in_user: the layout has no system role; its text opens the first user turn instead.
    """

    name: str
    marker: str
    prefix: dict[Role, str]
    suffix: str
    stop: tuple[str, ...] = ()
    system_in_user: bool = False


CHATML = ChatFormat(
    name="chatml",
    marker="<|im_start|>",
    prefix={
        "system": "<|im_start|>system\n",
        "user": "<|im_start|>user\n",
        "assistant": "<|im_start|>assistant\n",
    },
    suffix="<|im_end|>\n",
)
LLAMA3 = ChatFormat(
    name="llama3",
    marker="<|start_header_id|>",
    prefix={
        "system": "<|start_header_id|>system<|end_header_id|>\n\n",
        "user": "<|start_header_id|>user<|end_header_id|>\n\n",
        "assistant": "<|start_header_id|>assistant<|end_header_id|>\n\n",
    },
    suffix="<|eot_id|>",
)
GEMMA = ChatFormat(
    name="gemma",
    marker="<start_of_turn>",
    prefix={
        "system": "<start_of_turn>user\n",
        "user": "<start_of_turn>user\n",
        "assistant": "<start_of_turn>model\n",
    },
    suffix="<end_of_turn>\n",
    system_in_user=True,
)
PLAIN = ChatFormat(
    name="plain",
    marker="",
    prefix={"system": "", "user": "Question: ", "assistant": "Answer: "},
    suffix="\n\n",
    stop=("\nQuestion:", "\n\n\n"),
)

_TURN = "\x1e"
_ROLE_ENDS = "\x1f"
MESSAGES = ChatFormat(
    name="messages",
    marker="",
    prefix={
        "system": f"{_TURN}system{_ROLE_ENDS}",
        "user": f"{_TURN}user{_ROLE_ENDS}",
        "assistant": f"{_TURN}assistant{_ROLE_ENDS}",
    },
    suffix="",
)
"""No model's layout: for a server that lays out messages itself, see ``messages_of``."""

FORMATS: dict[str, ChatFormat] = {fmt.name: fmt for fmt in (CHATML, LLAMA3, GEMMA, PLAIN)}


def detect(template: str | None, control_tokens: Sequence[str]) -> ChatFormat:
    """The layout of a model file.

    A layout is taken only when the file's template mentions its marker *and* the marker is one of the
    file's control tokens: base models often know a marker they were never trained to use.

    Args:
        template: the file's ``tokenizer.chat_template``, if any; read as a string, never run.
        control_tokens: the spelling of its control tokens.
    """
    known = set(control_tokens)
    for fmt in FORMATS.values():
        if fmt.marker and template and fmt.marker in template and fmt.marker in known:
            return fmt
    return PLAIN


def render(messages: Sequence[Message], fmt: ChatFormat, *, open_answer: bool = True) -> list[PromptPart]:
    """The prompt for a conversation: trusted layout, untrusted contents.

    Args:
        open_answer: end with the opening of the assistant's turn; False renders only what stands
            before, for example a prefix to warm.
    """
    parts: list[PromptPart] = []
    for message in _merge_system(messages) if fmt.system_in_user else messages:
        parts += (
            PromptPart(fmt.prefix[message.role], trusted=True),
            PromptPart(message.content),
            PromptPart(fmt.suffix, trusted=True),
        )
    if open_answer:
        parts.append(PromptPart(fmt.prefix["assistant"].rstrip(" "), trusted=True))
    return coalesce(parts)


def messages_of(prompt: Sequence[PromptPart]) -> list[Message]:
    """The messages that ``render`` was given with ``MESSAGES``. Only trusted parts can begin a turn, whatever
    an untrusted one holds; text before any turn is the user's."""
    roles: list[Role] = ["user"]
    contents = [""]
    for part in prompt:
        if not part.trusted:
            contents[-1] += part.text
            continue
        before, *turns = part.text.split(_TURN)
        contents[-1] += before
        for turn in turns:
            role, _, content = turn.partition(_ROLE_ENDS)
            roles.append(next(known for known in MESSAGES.prefix if known == role))
            contents.append(content)
    return [Message(role, content) for role, content in zip(roles, contents, strict=True) if content]


def coalesce(parts: Sequence[PromptPart]) -> list[PromptPart]:
    """Join neighbours of equal trust and drop empty parts, so that each run is tokenized in one go."""
    joined: list[PromptPart] = []
    for part in parts:
        if not part.text:
            continue
        if joined and joined[-1].trusted == part.trusted:
            joined[-1] = PromptPart(joined[-1].text + part.text, part.trusted)
        else:
            joined.append(part)
    return joined


def _merge_system(messages: Sequence[Message]) -> list[Message]:
    merged: list[Message] = []
    pending = ""
    for message in messages:
        if message.role == "system":
            pending += message.content + "\n\n"
        elif message.role == "user" and pending:
            merged.append(Message("user", pending + message.content))
            pending = ""
        else:
            merged.append(message)
    if pending:
        merged.append(Message("user", pending.rstrip("\n")))
    return merged
