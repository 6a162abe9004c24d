"""The same question once more: how much sooner comes its answer?

``python -m tests.benchmarks.repeating [--questions N]`` writes a dated table. Every question is
asked three times in one run: anew, again over the same documents, and once more after another document has
come, each time to the end of its answer as a client sees it. Ratios compare the same questions.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation.metrics import quantile
from rag.evaluation.reports import Figure, Report, write
from tests.evals.reading import DEFAULT_DATA, REPORTS, Question, Run, read_corpus, read_questions

_ANEW = {"Cache-Control": "no-cache"}
_ANOTHER = {"id": "another", "text": "The quay of Ostvik was paved with slate in the autumn of 1831."}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was made before of an answer (None: nothing), its text and status, and how long it took."""

    part: str | None
    answer: str
    status: str
    milliseconds: float


def main() -> None:
    arguments = _arguments()
    corpus = read_corpus(arguments.data)
    questions = read_questions(arguments.data)[: arguments.questions]
    named = {question.document for question in questions}
    corpus = [one for one in corpus if one["id"] in named] + [one for one in corpus if one["id"] not in named]
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalService(Path(folder)) as service,
        Progress() as progress,
    ):
        connection = Connection(service.address)
        run = Run(connection, progress.track)
        run.upload(corpus[: arguments.paragraphs])
        anew, again = [], []
        for question in progress.track(questions, description="asking twice"):
            anew.append(_ask(connection, question, _ANEW))
            again.append(_ask(connection, question))
        run.upload([_ANOTHER])
        later = [
            _ask(connection, question) for question in progress.track(questions, description="once more")
        ]
    figures = [*_figures(anew, again, "again"), *_figures(anew, later, "with another document")]
    notes = [f"{min(arguments.paragraphs, len(corpus))} paragraphs, {len(questions)} questions, mode auto."]
    report = Report("repeating", "The same question once more", "make bench", figures, notes)
    print(write(report, arguments.reports).read_text())


def _figures(anew: Sequence[Asked], later: Sequence[Asked], when: str) -> list[Figure]:
    pairs = list(zip(anew, later, strict=True))
    figures = []
    for part, name in (("answer", "given again whole"), ("draft", "drafted before, checked anew")):
        found = [(first, second) for first, second in pairs if second.part == part]
        figures.append(Figure(f"{when}: {name}", f"{len(found)} of {len(pairs)}"))
        if found:
            before = quantile([first.milliseconds for first, _ in found], 0.5)
            after = quantile([second.milliseconds for _, second in found], 0.5)
            figures.append(Figure(f"{when}: {name}, median", f"{after:,.0f} ms instead of {before:,.0f} ms"))
            figures.append(Figure(f"{when}: {name}, share of the time", f"{after / before:.0%}"))
    whole = [(first, second) for first, second in pairs if second.part == "answer"]
    if whole:
        same = sum(first.answer == second.answer for first, second in whole)
        figures.append(
            Figure(f"{when}: the same words", f"{same} of {len(whole)}", "all", same == len(whole))
        )
    return figures


def _ask(connection: Connection, question: Question, headers: dict[str, str] | None = None) -> Asked:
    began = time.monotonic()
    answer: dict[str, Any] = connection.call(
        "POST", "/v1/ask", json={"question": question.text}, headers=headers or {}
    )
    took = (time.monotonic() - began) * 1000
    part = None if answer["cached"] is None else str(answer["cached"]["part"])
    return Asked(part, answer["answer"], answer["status"], took)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--paragraphs", type=int, default=10_000, help="at most this many as documents")
    return parser.parse_args()


if __name__ == "__main__":
    main()
