"""Runs made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rag.evaluation.runs import Library, Outcome, Question, Reply, Run

WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def question(number: int, **changes: Any) -> Question:
    made = Question(
        id=f"q{number}",
        text=f"When was harbour {number} dredged?",
        answer="1911",
        kind="number",
        made_by="cloze",
        document=f"doc_{number}",
        version=1,
        name=f"harbour-{number}.txt",
        media_type="text/plain",
        start=10,
        end=14,
        twins=(),
        held_out=number % 2 == 0,
        confirmed=True,
        elsewhere=False,
    )
    return replace(made, **changes)


def reply(*, holds: bool = True, refused: bool = False, score: float = 0.9, **changes: Any) -> Reply:
    made = Reply(
        status="not_in_documents" if refused else "answered",
        answerability=score,
        first_holds=holds and not refused,
        any_holds=holds and not refused,
        text_holds=holds and not refused,
        citations=0 if refused else 2,
        false_quotes=0,
        uncited=0,
        verdicts={} if refused else {"verbatim": 1},
        timings={"total_ms": 20.0},
    )
    return replace(made, **changes)


def outcome(number: int, **changes: Any) -> Outcome:
    made = Outcome(
        question=f"q{number}",
        document_rank=1,
        passage_rank=2,
        search_ms=8.0 + number,
        quoted=reply(),
        removed=reply(refused=True, score=0.1),
        drafted=reply(timings={"first_token_ms": 200.0, "total_ms": 900.0}),
    )
    return replace(made, **changes)


def run(outcomes: Sequence[Outcome], questions: Sequence[Question] | None = None, **changes: Any) -> Run:
    made = Run(
        when=WHEN,
        collections=(),
        service={"software": "1.0", "settings": {"abstention": 0.05}},
        machine="2 cores",
        library=Library(len(outcomes), 1000, "f" * 64),
        questions=tuple(questions or (question(int(one.question[1:])) for one in outcomes)),
        outcomes=tuple(outcomes),
    )
    return replace(made, **changes)
