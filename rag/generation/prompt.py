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
COPYING_INSTRUCTIONS = (
    "You answer questions from numbered sources. Reply with the shortest phrase of the sources that answers "
    "the question, in the words of the source."
)
_COPYING_EXAMPLES = (
    (
        ("The museum was opened in 1887 by the mayor, Clara Holm.", "It has four floors and a roof garden."),
        "Who opened the museum?",
        "Clara Holm",
    ),
    (
        ("Most visitors come in spring.", "The bridge is 312 metres long and was built of oak and iron."),
        "What was the bridge made of?",
        "oak and iron",
    ),
    (
        ("Farmers in the valley grow barley because the soil is too salty for wheat.",),
        "Why do farmers grow barley?",
        "the soil is too salty for wheat",
    ),
    (
        ("The choir had 46 members in 1990.", "It sang in Oslo and Riga."),
        "How many members did the choir have?",
        "46",
    ),
)
"""Small models take the length of an answer from examples, not from instructions."""
MAX_ANSWER_TOKENS = 72
MAX_COPIED_TOKENS = 40
_REPEAT_PENALTY = 1.05


def prefix(layout: ChatFormat) -> list[PromptPart]:
    """The beginning every prompt shares, to be computed ahead."""
    return render([Message("system", INSTRUCTIONS)], layout, open_answer=False)


def copying_prefix(layout: ChatFormat) -> list[PromptPart]:
    """The beginning every prompt for a copied answer shares."""
    return render(_copying_turns(), layout, open_answer=False)


def copying_request(question: str, evidence: Sequence[Evidence], layout: ChatFormat) -> GenerationRequest:
    """Ask for the words of ``evidence`` that answer; nothing else can be written."""
    turns = [*_copying_turns(), _asking(question, [(item.number, item.text) for item in evidence])]
    return GenerationRequest(
        prompt=tuple(render(turns, layout)),
        max_tokens=MAX_COPIED_TOKENS,
        copy_from=tuple(item.text for item in evidence),
    )


def drafting_request(question: str, evidence: Sequence[Evidence], layout: ChatFormat) -> GenerationRequest:
    """Ask for an answer from ``evidence`` alone; only its numbers can be cited."""
    sources = [(item.number, item.text) for item in evidence]
    turns = [Message("system", INSTRUCTIONS), _asking(question, sources)]
    return GenerationRequest(
        prompt=tuple(render(turns, layout)),
        max_tokens=MAX_ANSWER_TOKENS,
        repeat_penalty=_REPEAT_PENALTY,
        stop=("\n", *layout.stop),
        citations=tuple(item.number for item in evidence),
    )


def _copying_turns() -> list[Message]:
    turns = [Message("system", COPYING_INSTRUCTIONS)]
    for texts, question, answer in _COPYING_EXAMPLES:
        turns += [_asking(question, list(enumerate(texts, start=1))), Message("assistant", answer)]
    return turns


def _asking(question: str, texts: Sequence[tuple[int, str]]) -> Message:
    sources = "\n".join(f"[{number}] {_one_line(text)}" for number, text in texts)
    return Message("user", f"{sources}\n\nQuestion: {_one_line(question)}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
