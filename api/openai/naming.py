"""Names of models and ids of answers, as they go by on either side.

``footnote`` answers as ``mode=auto`` does, ``footnote-answer`` and ``footnote-quote`` as these modes do;
``footnote:minutes`` looks in the collection ``minutes`` (its name or id) only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag.errors import NotFound
from rag.generation.asking import AskMode

MODES: Mapping[str, AskMode] = {
    "footnote": AskMode.AUTO,
    "footnote-answer": AskMode.ANSWER,
    "footnote-quote": AskMode.QUOTE,
}
EMBEDDING = "footnote-embedding"
OWNER = "footnote"

_ANSWER, _RESPONSE, _COMPLETION = "ans_", "resp_", "chatcmpl-"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What the name of a model asks for; ``collection`` None for all that the caller may see."""

    mode: AskMode
    collection: str | None


def chosen(model: str) -> ModelChoice:
    """Raises ``NotFound`` (``model_not_found``) for what answers nothing."""
    name, colon, collection = model.partition(":")
    if name not in MODES or (colon and not collection):
        raise unknown(model)
    return ModelChoice(MODES[name], collection or None)


def unknown(model: str) -> NotFound:
    shown = model[:100]
    return NotFound(
        "model_not_found",
        f"There is no model {shown!r} here; GET /v1/models lists what there is, footnote answers questions.",
    )


def response_id(answer_id: str) -> str:
    """What clients continue with: ``resp_…`` for the receipt ``ans_…``."""
    return _RESPONSE + answer_id.removeprefix(_ANSWER)


def completion_id(answer_id: str) -> str:
    return _COMPLETION + answer_id.removeprefix(_ANSWER)


def answer_id(response: str) -> str:
    """The receipt of a response; a receipt's own id stays as it is."""
    return _ANSWER + response.removeprefix(_RESPONSE).removeprefix(_ANSWER)
