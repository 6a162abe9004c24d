"""How well a model answers from evidence it is given: its own sentences, verified as in the service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rag.evaluation.metrics import holds_answer
from rag.evaluation.model_questions import Case
from rag.generation import drafting
from rag.generation.drafting import Drafting
from rag.generation.drafts import DraftSentence
from rag.generation.verification import addresses, verify
from rag.models.text_generator import TextGenerator
from rag.records import Verdict

Tell = Callable[[int, int], None]
"""Hears how many of how many questions have been answered."""


@dataclass(frozen=True, slots=True)
class Answers:
    """1 or 0 for each question: ``held``, the draft holds the answer; ``verified``, a sentence of it passes
    verification; ``right``, one that passes holds the answer, which is what somebody gets to see."""

    held: Sequence[float]
    verified: Sequence[float]
    right: Sequence[float]


def ask(generator: TextGenerator, cases: Sequence[Case], at_once: int, tell: Tell) -> Answers:
    """Put every case to the model, in its own words, so many at once.

    Raises:
        Unavailable: the model cannot be used.
    """
    generator.warm(drafting.prefix(Drafting.FREE, generator.chat_format))
    rows: list[tuple[float, float, float]] = []
    with ThreadPoolExecutor(at_once) as pool:
        for row in pool.map(lambda case: _answered(generator, case), cases):
            rows.append(row)
            tell(len(rows), len(cases))
    held, verified, right = zip(*rows, strict=True) if rows else ((), (), ())
    return Answers(held, verified, right)


def _answered(generator: TextGenerator, case: Case) -> tuple[float, float, float]:
    planned = drafting.plan(Drafting.FREE, case.question, case.evidence, generator.chat_format)
    if planned is None:  # every sentence gives orders to its reader, and none is shown
        return 0.0, 0.0, 0.0
    drafts: list[DraftSentence] = []
    with generator.generate(planned.request) as events:
        for event in events:
            drafts += planned.reader.take(event)
    passed = [draft.text for draft in drafts if _passes(draft, case)]
    return (
        float(holds_answer(" ".join(draft.text for draft in drafts), case.answers)),
        float(bool(passed)),
        float(holds_answer(" ".join(passed), case.answers)),
    )


def _passes(draft: DraftSentence, case: Case) -> bool:
    evidence = case.evidence
    check = verify(draft.text, draft.claims, evidence, case.question)
    used = [item for item in evidence if item.number in check.citations]
    return check.verdict is not Verdict.UNSUPPORTED and all(
        addresses(draft.text, item, case.question) for item in used
    )
