"""Making a set of questions from the documents of a service."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from api.cli.evaluation.library import Drawn, Source, passages, twins
from api.cli.evaluation.service import Asking
from api.cli.evaluation.writing import Writer
from rag.evaluation import questions as wording
from rag.evaluation.answer_spans import Target, targets
from rag.evaluation.metrics import holds_answer
from rag.evaluation.runs import MadeBy, Question
from rag.text.words import stems

Track = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Passes items on and shows how many of how many have been, under a title."""

_TRIES = 6
"""Passages drawn for each question wanted before giving up: some have nothing to ask for."""
_PER_PASSAGE = 4
_SAME_MATTER = 0.5
"""Share of the question's terms that another document's passage must have to count as answering it."""
_LOOKED_AT = 20


def make(
    asking: Asking,
    found: Sequence[Source],
    writer: Writer,
    wanted: int,
    seed: int,
    track: Track,
) -> list[Question]:
    """Up to ``wanted`` questions, half of them held out; fewer where the documents are short."""
    chance = random.Random(seed)
    made: dict[str, Question] = {}
    known_twins: dict[str, tuple[str, ...]] = {}
    drawn = islice(passages(asking.service, found, chance), wanted * _TRIES)
    for _ in track(range(wanted), wanted, "Writing questions"):
        question = next((one for each in drawn if (one := _question(each, writer, made, chance))), None)
        if question is None:
            break
        if question.document not in known_twins:
            known_twins[question.document] = twins(asking.service, question.document)
        made[question.id] = _examined(asking, replace(question, twins=known_twins[question.document]))
    return divided(list(made.values()), chance)


def divided(questions: Sequence[Question], chance: random.Random) -> list[Question]:
    """Half held out. Questions about one document stay together, unless there is only one document."""
    by_document: dict[str, list[Question]] = {}
    for one in questions:
        by_document.setdefault(one.document, []).append(one)
    groups = [[one] for one in questions] if len(by_document) == 1 else list(by_document.values())
    chance.shuffle(groups)
    groups.sort(key=len, reverse=True)  # stable: large ones first, so that the halves come out even
    sides: tuple[list[Question], list[Question]] = ([], [])
    for group in groups:
        side = len(sides[1]) <= len(sides[0])
        sides[side].extend(replace(one, held_out=side) for one in group)
    held = {one.id: one for side in sides for one in side}
    return [held[one.id] for one in questions]


def _question(
    drawn: Drawn, writer: Writer, made: dict[str, Question], chance: random.Random
) -> Question | None:
    """The first question that can be made of a passage and is not there already."""
    for target in targets(drawn.passage.text, _PER_PASSAGE, chance):
        begin, end = drawn.offset + target.start, drawn.offset + target.end
        if any(
            one.document == drawn.source.id and one.start < end and begin < one.end for one in made.values()
        ):
            continue
        written = writer(drawn.passage, target)
        text = written or wording.cloze(drawn.passage, target)
        if text is not None:
            question = _of(drawn, target, text, "model" if written else "cloze")
            if question.id not in made:
                return question
    return None


def _of(drawn: Drawn, target: Target, text: str, made_by: MadeBy) -> Question:
    source = drawn.source
    identity = f"{source.id}\n{source.version}\n{text}"
    return Question(
        id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        text=text,
        answer=" ".join(drawn.passage.text[target.start : target.end].split()),
        kind=target.kind,
        made_by=made_by,
        document=source.id,
        version=source.version,
        name=source.name,
        media_type=source.media_type,
        start=drawn.offset + target.start,
        end=drawn.offset + target.end,
        twins=(),
        held_out=False,
        confirmed=False,
        elsewhere=False,
    )


def _examined(asking: Asking, question: Question) -> Question:
    """With what the service shows of it: whether its own document answers it, and whether others do."""
    alone = asking.ask(question.text, {"document_id": question.document})
    asking.forget(alone)
    confirmed = any(holds_answer(one["quote"], [question.answer]) for one in alone["citations"])
    others = asking.search(question.text, _LOOKED_AT, without(question))
    terms = set(stems(question.text))
    elsewhere = any(
        holds_answer(hit["text"], [question.answer])
        and len(terms & set(stems(" ".join([*hit["headings"], hit["text"]])))) >= _SAME_MATTER * len(terms)
        for hit in others["hits"]
    )
    return replace(question, confirmed=confirmed, elsewhere=elsewhere)


def without(question: Question) -> dict[str, Any]:
    """The filter that takes a question's document and its near-duplicates out of the search."""
    return {"document_id": {"$nin": [question.document, *question.twins]}}
