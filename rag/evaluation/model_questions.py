"""Questions with the sentences they are answered from: what the forms of a model are tried on.

The built-in ones are made from a few invented places, each with the same kinds of facts, so that every
question has sentences beside the right one that are about the same place. A folder with paragraphs and
questions about them (``corpus.jsonl`` with ``id`` and ``text``; ``questions.jsonl`` with ``question``,
``document`` and ``answers[].text``, ``answers[].start``) gives others.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import BadRequest
from rag.generation.capability import TASKS
from rag.records import DocumentRef, Evidence
from rag.text.sentences import sentence_spans
from rag.text.words import words

SENTENCES = 3
_SEED = 20261122


@dataclass(frozen=True, slots=True)
class Case:
    """A question, its accepted answers and the sentences that are put before the model."""

    question: str
    answers: Sequence[str]
    sentences: Sequence[str]

    @property
    def evidence(self) -> list[Evidence]:
        document = DocumentRef("", "", 1)
        return [
            Evidence(number, document, 0, None, 0, len(text), text, "", 1.0)
            for number, text in enumerate(self.sentences, start=1)
        ]


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    founder: str
    opened: str
    height: str
    stone: str
    guests: str
    closed_by: str
    keeper: str


_PLACES = (
    _Place("Harrow Bridge", "Anna Velt", "1884", "41 metres", "granite", "320", "a flood", "Tom Birch"),
    _Place("the Lindow mill", "Peter Ash", "1791", "17 metres", "brick", "60", "a fire", "Clara Munn"),
    _Place("Carrick House", "Ruth Ferrol", "1923", "26 metres", "sandstone", "145", "a storm", "Omar Hale"),
    _Place("the Tolver lighthouse", "Ivo Lanner", "1856", "52 metres", "basalt", "12", "war", "Nils Rowe"),
    _Place("Ebbing Hall", "Maud Ketter", "1905", "33 metres", "marble", "880", "a landslide", "Jane Orrel"),
)

_FACTS = (
    ("founder", "Who designed {0}?", "The plans of {0} were drawn by {1}, who had no training."),
    ("opened", "When was {0} opened?", "{0} was opened in {1}, two years later than promised."),
    ("height", "How high is {0}?", "With its roof, {0} is {1} high."),
    ("stone", "What is {0} built of?", "The walls of {0} are of {1} from a quarry nearby."),
    ("guests", "How many visitors may enter {0} at once?", "At most {1} visitors may enter {0} at once."),
    ("closed_by", "Why was {0} closed for a year?", "{0} was closed for a year because of {1}."),
    ("keeper", "Who looks after {0} today?", "Today {0} is looked after by {1} and two assistants."),
)
"""What is asked of a place, the question, and the sentence that answers it."""


def built_in() -> list[Case]:
    """The tasks by which a model is tried, and a question about each fact of each place."""
    cases = [Case(task.question, (task.answer,), tuple(task.sources)) for task in TASKS]
    mixed = random.Random(_SEED)
    for place in _PLACES:
        facts = [getattr(place, name) for name, _, _ in _FACTS]
        texts = [
            _begun(text.format(place.name, fact)) for (_, _, text), fact in zip(_FACTS, facts, strict=True)
        ]
        for at, (_, question, _) in enumerate(_FACTS):
            shown = [texts[at], *mixed.sample([text for text in texts if text != texts[at]], SENTENCES - 1)]
            mixed.shuffle(shown)
            cases.append(Case(question.format(place.name), (facts[at],), tuple(shown)))
    return cases


def read(folder: Path, count: int) -> list[Case]:
    """At most ``count`` questions about paragraphs, drawn with a fixed seed, each with the sentence that
    holds its answer and the two others of the paragraph that share most words with the question, in order.

    Raises:
        BadRequest: ``bad_questions`` when the folder does not hold what it should.
    """
    try:
        texts = {row["id"]: row["text"] for row in _lines(folder / "corpus.jsonl")}
        cases = [
            Case(row["question"], [answer["text"] for answer in row["answers"]], sentences)
            for row in _lines(folder / "questions.jsonl")
            if (sentences := _around(texts[row["document"]], row["question"], row["answers"][0]["start"]))
        ]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise BadRequest(
            "bad_questions",
            f"The questions in {folder} cannot be read ({error}); docs/models.md says how they are written.",
        ) from error
    return random.Random(_SEED).sample(cases, min(count, len(cases)))


def _around(text: str, question: str, start: int) -> list[str]:
    spans = sentence_spans(text)
    right = next((at for at, (_, end) in enumerate(spans) if start < end), None)
    if right is None:
        return []
    asked = set(words(question))
    common = {
        at: len(asked & set(words(text[first:last]))) for at, (first, last) in enumerate(spans) if at != right
    }
    beside = sorted(common, key=lambda at: (-common[at], at))[: SENTENCES - 1]
    return [text[slice(*spans[at])] for at in sorted([right, *beside])]


def _begun(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
