"""What is sent to a server: messages instead of a rendered prompt, and how long they are at most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rag.models.chat_formats import Message, messages_of
from rag.models.generation import GenerationRequest, PromptPart
from rag.models.remote.untrusted import neutralised

_AROUND_A_MESSAGE = 8
"""Tokens that a layout spends on a turn, generously."""
_MOST_STOPS = 4
"""OpenAI's limit; the others are found here (``writing``)."""
_PIECES = re.compile(r"[A-Za-z]+|[^\x00-\x7f]|[^\sA-Za-z]")
_LETTERS_A_TOKEN = 3
_BEYOND_ASCII = 2


def body(request: GenerationRequest, model: str) -> dict[str, Any]:
    """The JSON of a streamed chat completion. Only what every server knows is in it: what it cannot be told
    (a penalty for repetition, which footnotes and which words may be written) is seen to as the text
    comes, or found by verification."""
    wanted: dict[str, Any] = {
        "model": model,
        "messages": [{"role": one.role, "content": one.content} for one in messages(request.prompt)],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.seed is not None:
        wanted["seed"] = request.seed & 0x7FFF_FFFF  # servers in C take 32 bits
    if request.stop:
        wanted["stop"] = list(request.stop[:_MOST_STOPS])
    return wanted


def messages(prompt: Sequence[PromptPart]) -> list[Message]:
    """The conversation behind a prompt; text outside any turn is the user's."""
    return [Message(one.role, neutralised(_encodable(one.content))) for one in messages_of(prompt)]


def estimated_tokens(text: str) -> int:
    """About as many tokens as ``text`` has in any common vocabulary, rather more: three letters a token,
    one for every digit and sign, two for whatever is beyond ASCII."""
    return sum(
        -(-len(piece) // _LETTERS_A_TOKEN) if piece.isascii() else _BEYOND_ASCII
        for piece in _PIECES.findall(text)
    )


def _encodable(text: str) -> str:
    """Without halves of surrogate pairs, which no UTF-8 has."""
    return text.encode("utf-8", "replace").decode()


def estimated_prompt_tokens(prompt: Sequence[PromptPart]) -> int:
    found = messages(prompt)
    return sum(estimated_tokens(one.content) + _AROUND_A_MESSAGE for one in found)
