"""What an evaluation says, in values and in sentences: the same for the terminal, the page and programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rag.evaluation import abstention, measures
from rag.evaluation.abstention import Judged, OperatingPoint
from rag.evaluation.comparing import Compared, Comparison
from rag.evaluation.measures import MEASURES, Figure, Kind
from rag.evaluation.metrics import mean
from rag.evaluation.runs import Outcome, Question, Run

_SPACE = "\N{NO-BREAK SPACE}"

SHARES = (0.0, 0.01, 0.03, 0.05, 0.1, 0.2)
"""Shares of false refusals for which the operating points are shown."""


@dataclass(frozen=True, slots=True)
class Abstention:
    """How answerability tells questions apart.

    ``answerable`` and ``unanswerable`` are scores of all questions; ``delivered`` pairs each score
    with whether its answer was (or would have been) right, ``known`` of whether the answer was there.
    ``points`` have their thresholds from the development half and their rates from the held-out one.
    """

    answerable: Sequence[float]
    unanswerable: Sequence[float]
    delivered: Sequence[Judged]
    known: Sequence[Judged]
    points: Sequence[OperatingPoint]


def abstention_of(run: Run) -> Abstention:
    """Each question counts twice: with its document, and without it where that makes it unanswerable."""
    rows = _rows(run)
    answerable = [outcome.quoted.answerability for _, outcome in rows]
    unanswerable = [outcome.removed.answerability for question, outcome in rows if not question.elsewhere]
    delivered = [Judged(outcome.quoted.answerability, outcome.quoted.any_holds) for _, outcome in rows] + [
        Judged(score, False) for score in unanswerable
    ]
    known = [Judged(score, True) for score in answerable] + [Judged(score, False) for score in unanswerable]
    return Abstention(answerable, unanswerable, delivered, known, _points(rows))


def _points(rows: Sequence[tuple[Question, Outcome]]) -> list[OperatingPoint]:
    fitted = [outcome.quoted.answerability for question, outcome in rows if not question.held_out]
    with_document = [outcome.quoted.answerability for question, outcome in rows if question.held_out]
    without = [
        outcome.removed.answerability
        for question, outcome in rows
        if question.held_out and not question.elsewhere
    ]
    if not fitted or not with_document:
        return []
    # A few questions cannot tell small shares apart: the largest share stands for those of one threshold.
    thresholds = {abstention.threshold_for(fitted, share): share for share in SHARES}
    return [
        OperatingPoint(
            share,
            threshold,
            abstention.refused_share(with_document, threshold),
            abstention.refused_share(without, threshold),
        )
        for threshold, share in thresholds.items()
    ]


def _rows(run: Run) -> list[tuple[Question, Outcome]]:
    asked = {question.id: question for question in run.questions}
    return [(asked[outcome.question], outcome) for outcome in run.outcomes]


def shown(value: float, kind: Kind) -> str:
    """A figure as people read it."""
    if math.isnan(value):
        return "–"
    if kind is Kind.SHARE:
        return f"{100 * value:.1f}{_SPACE}%"
    return f"{value:.3f}" if kind is Kind.MEAN else f"{value:,.0f}{_SPACE}ms"


def shown_interval(figure: Figure) -> str:
    if math.isnan(figure.interval[0]):
        return ""
    low, high = (shown(edge, figure.measure.kind) for edge in figure.interval)
    return f"{low.rpartition(_SPACE)[0] or low} to {high}"


def conclusion(compared: Comparison | None) -> list[str]:
    """What the comparison with the last run comes to, plainly."""
    if compared is None:
        return []
    lines = [f"WORSE on held-out questions: {_told(one)}." for one in compared.clearly_worse]
    lines += [
        f"Lower on held-out questions, but chance may do that: {_told(one)}."
        for one in compared.perhaps_worse
    ]
    if not lines:
        lines.append("No guarded figure is worse than in the last run, on the held-out questions of both.")
    changed = "; ".join(f"{one.name}: {one.before} → {one.after}" for one in compared.differences)
    return [*lines, f"Changed since: {changed}." if changed else "Nothing it depends on has changed since."]


def _told(one: Compared) -> str:
    kind, seen = one.measure.kind, one.change
    return (
        f"{one.measure.name} {shown(seen.before, kind)} → {shown(seen.after, kind)} "
        f"({seen.lost} fell, {seen.gained} rose of {seen.n}; p = {seen.p:.3f})"
    )


def cautions(run: Run) -> list[str]:
    """What a reader must know to read the figures."""
    questions = run.questions
    by_model = sum(one.made_by == "model" for one in questions)
    confirmed = sum(one.confirmed for one in questions)
    elsewhere = sum(one.elsewhere for one in questions)
    lines = [
        f"{len(questions)} questions from {len({one.document for one in questions})} of "
        f"{run.library.documents:,} documents. {by_model} were written by the language model, "
        f"{len(questions) - by_model} are sentences with their answer asked for: those share their words "
        "with the document, and are easier to find, and to refuse without it, than what people ask.",
        _by_maker(run),
        f"{confirmed} passed the round trip when they were made: asked of their own document alone, three "
        "citations held the answer. The filter asks the service that is measured, so figures after it "
        "flatter evidence; figures before it count questions nobody could answer. The truth lies between.",
        f"{elsewhere} may be answered by another document as well and do not count where refusing is right.",
        "Held-out questions are those nothing was tuned on, as long as settings are tried on the other half "
        "alone. Questions about one document are on one side.",
    ]
    lines = [line for line in lines if line]
    if run.library.documents < 3:
        lines.append("With so few documents, finding the right one and refusing without it say little.")
    return [*lines, *run.notes]


def _by_maker(run: Run) -> str:
    """How much easier the easy questions are; empty where there is only one kind."""
    held = {
        maker: [
            float(outcome.quoted.any_holds) for question, outcome in _rows(run) if question.made_by == maker
        ]
        for maker in ("model", "cloze")
    }
    if not all(held.values()):
        return ""
    written, rest = (shown(mean(held[maker]), Kind.SHARE) for maker in ("model", "cloze"))
    return (
        f"One of three citations holds the answer for {written} of the written ones and {rest} of the others."
    )


def as_json(run: Run, compared: Comparison | None) -> dict[str, Any]:
    """For programs: every figure, over all and over the held-out questions, and the comparison."""
    return {
        "when": run.when.isoformat(),
        "questions": len(run.questions),
        "service": dict(run.service),
        "figures": {
            measure.key: {
                name: _plain(measures.figure(measure, run, which))
                for name, which in (
                    ("all", measures.everything),
                    ("held_out", measures.held_out),
                    ("confirmed", measures.confirmed),
                )
            }
            for measure in MEASURES
        },
        "verdicts": measures.verdicts(run),
        "worse": [] if compared is None else [one.measure.key for one in compared.clearly_worse],
        "compared": None if compared is None else {one.measure.key: _change(one) for one in compared.figures},
    }


def _plain(figure: Figure) -> dict[str, Any]:
    if math.isnan(figure.value):
        return {"n": 0, "value": None, "interval": None}
    return {
        "n": figure.n,
        "value": round(figure.value, 6),
        "interval": [round(edge, 6) for edge in figure.interval],
    }


def _change(one: Compared) -> dict[str, Any]:
    seen = one.change
    return {
        "n": seen.n,
        "before": seen.before,
        "after": seen.after,
        "gained": seen.gained,
        "lost": seen.lost,
        "p": seen.p,
    }
