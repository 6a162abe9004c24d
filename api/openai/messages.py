"""From a list of messages to a question and what was said before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.openai.errors import ParameterRefused
from api.openai.schemas import Spoken
from rag.records import Notice
from rag.retrieval.follow_up import Exchange, understood

REMEMBERED = 4
"""Exchanges that are looked at: what is further back says nothing about the next question."""

_INSTRUCTIONS = ("system", "developer")
_TEXT = ("text", "input_text", "output_text")
INSTRUCTIONS_NOT_USED = Notice(
    "instructions_not_used",
    "System messages have no influence: answers say what the documents say. Ask for less with the question.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The last message as a question, the exchanges before it, what the asker should know."""

    question: str
    history: tuple[Exchange, ...] = ()
    notes: tuple[Notice, ...] = ()


def asked(messages: Sequence[Spoken], param: str = "messages") -> Asked:
    """The conversation as Footnote takes it.

    Raises ``ParameterRefused`` for what is no text, for tools, and if the last message is not the user's.
    """
    spoken = [(one.role, _text(one, f"{param}.{place}")) for place, one in enumerate(messages)]
    instructed = any(role in _INSTRUCTIONS and text for role, text in spoken)
    said = [(role, text) for role, text in spoken if role not in _INSTRUCTIONS]
    if not said or said[-1][0] != "user":
        raise ParameterRefused(
            param, "The last message has to be the user's: it is the question.", "unsupported_message"
        )
    question = said[-1][1].strip()
    if not question:
        raise ParameterRefused(
            f"{param}.{len(spoken) - 1}.content",
            "The question is empty; ask something.",
            "unsupported_message",
        )
    notes = (INSTRUCTIONS_NOT_USED,) if instructed else ()
    return Asked(question, understood(_pairs(said[:-1])[-REMEMBERED:]), notes)


def _pairs(said: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Questions with the answers given to them; several messages in a row are one."""
    pairs: list[tuple[str, str]] = []
    for role, text in said:
        if role == "user":
            pairs.append((text, ""))
        elif pairs:
            question, answer = pairs[-1]
            pairs[-1] = (question, f"{answer} {text}".strip())
    return pairs


def _text(message: Spoken, param: str) -> str:
    if message.role in ("tool", "function"):
        raise ParameterRefused(
            f"{param}.role",
            "Footnote calls no tools; send system, user and assistant messages only.",
            "unsupported_message",
        )
    if isinstance(message.content, str) or message.content is None:
        return message.content or ""
    for place, part in enumerate(message.content):
        if part.type not in _TEXT:
            raise ParameterRefused(
                f"{param}.content.{place}.type",
                f"{part.type!r} is not read here, only text; upload a file to have it read.",
                "unsupported_content",
            )
    return "\n".join(part.text or "" for part in message.content)
