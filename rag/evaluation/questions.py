"""Questions made from a passage and an answer that stands in it.

Two ways: a language model is shown the sentence and the answer and writes the question (answer-aware
generation, Q. Zhou et al., NLPCC 2017), or the answer is taken out of the sentence (W. L. Taylor's cloze
procedure, Journalism Quarterly 30, 1953). What a model writes is held to ``faults``; nothing here calls one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.evaluation.answer_spans import Target
from rag.evaluation.metrics import holds_answer
from rag.models.chat_formats import ChatFormat, Message, render
from rag.models.generation import GenerationRequest
from rag.text.sentences import sentence_spans
from rag.text.words import STOPWORDS, stems, words

_SYSTEM = (
    "You write quiz questions. You are given a text and an answer that stands in it. Reply with one short "
    "question whose answer is exactly that answer. Name what you ask about; never repeat the answer."
)
_BRIDGE = (
    "Bridges of the Calder\nThe stone bridge at Mill Lane was built in 1784 by the mason Thomas Hale, "
    "after a flood had carried the wooden one away."
)
_EXAMPLES = (
    (
        _BRIDGE,
        "1784",
        "When was the stone bridge at Mill Lane built?",
    ),
    (
        _BRIDGE,
        "Thomas Hale",
        "Who built the stone bridge at Mill Lane?",
    ),
    (
        "Care of the pump\nThe filter must be rinsed every two weeks to prevent limescale.",
        "to prevent limescale",
        "Why must the filter of the pump be rinsed every two weeks?",
    ),
)
_MAX_TOKENS = 40
_LONGEST_TEXT = 600
"""Characters of the passage around the answer that a model is shown."""
_CLOZE_WORDS = 24
"""Words of a sentence kept on each side of the gap."""
_FEWEST_WORDS, _MOST_WORDS = 4, 40
_FEWEST_TERMS = 2
_FEWEST_CLOZE_TERMS = 3
_SHARE_OF_PASSAGE = 0.6
_ASKS = frozenset("what when where which who whom whose why how in on at for by to from of with".split())
_SPEAKS_OF_TEXT = frozenset("text passage sentence paragraph document answer author excerpt".split())

_WANTS: dict[str, re.Pattern[str]] = {
    "number": re.compile(
        r"\bwhen\b|\bhow (?:many|much|long|old|far|often|high|large|big)\b"
        r"|\b(?:what|which)\b.*"
        r"\b(?:year|date|day|month|age|number|percent\w*|share|amount|cost|price|rate)\b"
    ),
    "name": re.compile(r"^(?!when|why|how)"),
    "term": re.compile(r"^(?!when|why|who)"),
    "reason": re.compile(r"\bwhy\b|\bwhat\b.*\b(?:reason|purpose|aim|cause|for)\b"),
}
"""How a question speaks that asks for an answer of this kind."""

_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_MONTHS = frozenset(
    "january february march april may june july august september october november december".split()
)
_GAP = {"number": "what number", "name": "who or what", "term": "what", "reason": "what"}
BLANK = "____"


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document with its title, and what language it is in (ISO 639-1, empty: unknown)."""

    text: str
    title: str
    language: str = ""


def sentence_around(text: str, target: Target) -> tuple[int, int] | None:
    """Where the sentence that holds the answer begins and ends; None if none holds all of it."""
    return next(
        (span for span in sentence_spans(text) if span[0] <= target.start and target.end <= span[1]), None
    )


def request(passage: Passage, target: Target, layout: ChatFormat) -> GenerationRequest:
    """Ask a model for the question. The passage stays plain text: none of it can become a control token."""
    turns = [Message("system", _SYSTEM)]
    for text, answer, question in _EXAMPLES:
        turns += [Message("user", _task(text, answer)), Message("assistant", question)]
    shown = f"{passage.title}\n{_near(passage.text, target)}"
    turns.append(Message("user", _task(shown, passage.text[target.start : target.end])))
    return GenerationRequest(
        prompt=tuple(render(turns, layout)),
        max_tokens=_MAX_TOKENS,
        stop=("\n", *layout.stop),
        citations=(),
        cache_scope="questions",
    )


def tidy(written: str) -> str:
    """The question a model wrote, without what it put before or after it."""
    line = " ".join(written.split())
    line = re.sub(r"^(?:question|q)\s*:\s*", "", line, flags=re.IGNORECASE)
    return line[: line.rfind("?") + 1].strip(" \"'“”")


def faults(question: str, passage: Passage, target: Target) -> Sequence[str]:
    """Why a written question cannot be used; nothing for one that can.

    It must be a question, name what it asks about in words of the passage, and not give itself away.
    """
    said = words(question)
    terms = set(stems(question)) if set(said) - STOPWORDS else set()
    known = set(stems(f"{passage.title} {passage.text}"))
    answer = passage.text[target.start : target.end]
    checks = (
        ("no question", question.endswith("?") and bool(said) and said[0] in _ASKS),
        ("too short or too long", _FEWEST_WORDS <= len(said) <= _MOST_WORDS),
        ("asks for something else", bool(_WANTS[target.kind].search(question.lower()))),
        ("gives the answer away", not holds_answer(question, [answer])),
        ("speaks of the text itself", not _SPEAKS_OF_TEXT & set(said)),
        ("says too little", len(terms & known) >= _FEWEST_TERMS),
        ("speaks of something else", len(terms & known) >= _SHARE_OF_PASSAGE * len(terms)),
    )
    return [fault for fault, passed in checks if not passed]


def cloze(passage: Passage, target: Target) -> str | None:
    """The sentence with its answer asked for instead; None where too little is left to go by.

    In English the gap becomes a question word, so that the question's type can be told; in any other
    language it stays a gap.
    """
    around = sentence_around(passage.text, target)
    if around is None:
        return None
    before = passage.text[around[0] : target.start].split()
    after = passage.text[target.end : around[1]].rstrip(" .!;:").split()
    if len({*stems(" ".join(before)), *stems(" ".join(after))} - {""}) < _FEWEST_CLOZE_TERMS:
        return None
    asked = _asked(passage.text[target.start : target.end], target.kind)
    gap = asked if passage.language in ("", "en") else BLANK
    asked_for = " ".join([*before[-_CLOZE_WORDS:], gap, *after[:_CLOZE_WORDS]]) + "?"
    question = re.sub(r" (?=[,;:.)’'])", "", asked_for)
    answer = passage.text[target.start : target.end]
    return None if holds_answer(question, [answer]) else question[0].upper() + question[1:]


def _asked(answer: str, kind: str) -> str:
    if kind == "number" and _MONTHS & set(words(answer)):
        return "what date"
    if _YEAR.fullmatch(answer):
        return "what year"
    return _GAP[kind]


def _near(text: str, target: Target) -> str:
    """The sentences around the answer, as many as fit."""
    spans = sentence_spans(text)
    kept = [at for at, (start, end) in enumerate(spans) if start < target.end and target.start < end]
    first, last = kept[0], kept[-1]
    while True:
        if first > 0 and spans[last][1] - spans[first - 1][0] <= _LONGEST_TEXT:
            first -= 1
        elif last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= _LONGEST_TEXT:
            last += 1
        else:
            return " ".join(text[spans[first][0] : spans[last][1]].split())


def _task(text: str, answer: str) -> str:
    return f"Text: {text}\nAnswer: {' '.join(answer.split())}\nQuestion:"
