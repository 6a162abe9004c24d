"""What the generator is asked. The system turn never changes, so that its computed form is reused."""

from __future__ import annotations

from collections.abc import Sequence

from rag.models.chat_formats import ChatFormat, Message, render
from rag.models.generation import GenerationRequest, PromptPart
from rag.records import Evidence

INSTRUCTIONS = (
    "You answer questions from numbered sources. Reply with one short sentence that states the answer, "
    "using the words of the source. End it with the number of the source, like [1]."
)
MAX_ANSWER_TOKENS = 72
_REPEAT_PENALTY = 1.05


def prefix(layout: ChatFormat) -> list[PromptPart]:
    """The beginning every prompt shares, to be computed ahead."""
    return render([Message("system", INSTRUCTIONS)], layout, open_answer=False)


def drafting_request(question: str, evidence: Sequence[Evidence], layout: ChatFormat) -> GenerationRequest:
    """Ask for an answer from ``evidence`` alone; only its numbers can be cited."""
    sources = "\n".join(f"[{item.number}] {_one_line(item.text)}" for item in evidence)
    turns = [
        Message("system", INSTRUCTIONS),
        Message("user", f"{sources}\n\nQuestion: {_one_line(question)}"),
    ]
    return GenerationRequest(
        prompt=tuple(render(turns, layout)),
        max_tokens=MAX_ANSWER_TOKENS,
        repeat_penalty=_REPEAT_PENALTY,
        stop=("\n", *layout.stop),
        citations=tuple(item.number for item in evidence),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
