"""Reading comprehension: paragraphs as documents, questions with answer spans.

``python -m tests.evals.reading [--data FOLDER] [--questions N] [--drafts N]`` uploads every paragraph
to a service of its own, asks every question and writes a dated table. FOLDER holds ``corpus.jsonl``
(``id``, ``text``) and ``questions.jsonl`` (``question``, ``document``, ``answers[].text``).
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation.metrics import holds_answer, mean, quantile, reciprocal_rank, success_at
from rag.evaluation.reports import Figure, Report, at_least, at_most_ms, write
from tests.evals.framings import FRAMINGS, framed

ROOT = Path(__file__).parents[2]
DEFAULT_DATA = ROOT.parent / "shared" / "evals" / "reading"
REPORTS = ROOT / "data" / "reports"
_SEED = 20261121


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    document: str
    answers: Sequence[str]


@dataclass(slots=True)
class Outcome:
    """What the answers to a set of questions came to; shares are means of 0 and 1."""

    first_citation: list[float] = field(default_factory=list)
    any_citation: list[float] = field(default_factory=list)
    answer: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)
    uncited: int = 0
    citations: int = 0
    false_quotes: int = 0
    timings: dict[str, list[float]] = field(default_factory=dict)

    def times(self, name: str) -> Sequence[float]:
        return self.timings.get(name, [])


class Run:
    """One service with the corpus in it. ``names`` maps the corpus' ids to documents' ids."""

    def __init__(self, connection: Connection, track: Callable[..., Iterable[Any]]) -> None:
        self._connection = connection
        self._track = track
        self.names: dict[str, str] = {}

    def upload(self, corpus: Sequence[dict[str, str]]) -> None:
        jobs = []
        for paragraph in self._track(corpus, description="uploading"):
            file = (f"{paragraph['id']}.txt", paragraph["text"].encode(), "text/plain")
            accepted = self._connection.call("POST", "/v1/documents", files={"file": file})
            self.names[paragraph["id"]] = accepted["document"]["id"]
            jobs.append(accepted["job"]["id"])
        for job in self._track(jobs, description="reading"):
            with_events = self._connection.follow(job)
            assert with_events["state"] == "succeeded", with_events
        while self._connection.call("GET", "/v1/documents", params={"state": "ready", "limit": 1})["data"]:
            time.sleep(0.1)  # until all are refined: the same state for every run

    def search(self, questions: Sequence[Question]) -> tuple[list[list[str]], list[float]]:
        """The documents found for each question, best first, and the times in milliseconds."""
        found, times = [], []
        for question in self._track(questions, description="searching"):
            result = self._connection.call("POST", "/v1/search", json={"query": question.text, "k": 10})
            found.append(list(dict.fromkeys(hit["document"]["id"] for hit in result["hits"])))
            times.append(result["timings"]["total_ms"])
        return found, times

    def ask(self, questions: Sequence[Question], *, without_source: bool = False, **options: Any) -> Outcome:
        """Ask each question; ``without_source`` leaves the document that answers it out of the search."""
        outcome = Outcome()
        label = "asking " + " ".join(str(value) for value in options.values())
        for question in self._track(questions, description=label):
            body: dict[str, Any] = {"question": question.text, **options}
            if without_source:
                body["filter"] = {"document_id": {"$ne": self.names[question.document]}}
            self._judge(outcome, question, self._connection.call("POST", "/v1/ask", json=body))
        return outcome

    def _judge(self, outcome: Outcome, question: Question, answer: dict[str, Any]) -> None:
        citations = answer["citations"]
        held = [holds_answer(citation["quote"], question.answers) for citation in citations]
        outcome.first_citation.append(float(held[:1] == [True]))
        outcome.any_citation.append(float(any(held)))
        outcome.answer.append(float(holds_answer(answer["answer"], question.answers)))
        refused = answer["status"] == "not_in_documents"
        outcome.refused.append(float(refused))
        outcome.uncited += not refused and not citations
        outcome.uncited += sum(not sentence["citations"] for sentence in answer["sentences"])
        outcome.citations += len(citations)
        outcome.lengths += [float(len(citation["quote"])) for citation in citations]
        outcome.false_quotes += sum(self._stored(citation) != citation["quote"] for citation in citations)
        for name, value in answer["timings"].items():
            outcome.timings.setdefault(name, []).append(value)

    def _stored(self, citation: dict[str, Any]) -> str:
        place = {key: citation[key] for key in ("start", "end")} | {
            "version": citation["document"]["version"]
        }
        return str(
            self._connection.call("GET", f"/v1/documents/{citation['document']['id']}/text", params=place)[
                "text"
            ]
        )


def read_corpus(folder: Path) -> list[dict[str, str]]:
    return _lines(folder / "corpus.jsonl")


def read_questions(folder: Path) -> list[Question]:
    return [
        Question(row["question"], row["document"], [answer["text"] for answer in row["answers"]])
        for row in _lines(folder / "questions.jsonl")
    ]


def main() -> None:
    arguments = _arguments()
    corpus, questions = read_corpus(arguments.data), read_questions(arguments.data)
    questions = random.Random(_SEED).sample(questions, min(arguments.questions, len(questions)))
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalService(Path(folder)) as service,
        Progress() as progress,
    ):
        run = Run(Connection(service.address), progress.track)
        run.upload(corpus)
        found, times = run.search(questions)
        one = run.ask(questions, mode="quote", max_citations=1)
        three = run.ask(questions, mode="quote", max_citations=3)
        removed = run.ask(questions, without_source=True, mode="quote", max_citations=1)
        talked = run.ask(_as_said(questions), mode="quote", max_citations=1)
        drafted = run.ask(questions[: arguments.drafts], mode="auto", max_citations=3)
        gold = [{run.names[question.document]} for question in questions]
    figures = _retrieval(found, gold, times) + _answers(one, three, removed, talked, drafted)
    notes = [
        f"{len(corpus)} paragraphs, {len(questions)} questions, {len(drafted.answer)} of them answered with "
        "the model as well. A citation counts when its quote holds the answer, whatever the document.",
        "Development data: thresholds were fitted on it. Names of the documents say nothing about them.",
    ]
    report = Report("reading", "Reading: retrieval, citations, answers", "make eval", figures, notes)
    print(write(report, arguments.reports).read_text())


def _retrieval(found: Sequence[list[str]], gold: Sequence[set[str]], times: Sequence[float]) -> list[Figure]:
    pairs = list(zip(found, gold, strict=True))
    return [
        at_least("document first (R@1)", mean([success_at(*pair, 1) for pair in pairs]), 0.96),
        at_least("document in five (R@5)", mean([success_at(*pair, 5) for pair in pairs]), 0.99),
        Figure("mean reciprocal rank", f"{mean([reciprocal_rank(*pair) for pair in pairs]):.3f}"),
        at_most_ms("search, median", quantile(times, 0.5), 30),
        Figure("search, 95th percentile", f"{quantile(times, 0.95):,.0f} ms"),
    ]


def _as_said(questions: Sequence[Question]) -> list[Question]:
    """The questions with what people say around them."""
    framings = itertools.cycle(FRAMINGS)
    return [replace(question, text=framed(question.text, next(framings))) for question in questions]


def _answers(
    one: Outcome, three: Outcome, removed: Outcome, talked: Outcome, drafted: Outcome
) -> list[Figure]:
    every = (one, three, removed, talked, drafted)
    citations, false = sum(run.citations for run in every), sum(run.false_quotes for run in every)
    uncited = sum(run.uncited for run in every)
    return [
        at_least("answer in the cited sentence, one citation", mean(one.any_citation), 0.90),
        Figure(
            "answer in the cited sentence, one citation, asked with words around the question",
            f"{mean(talked.any_citation):.3f}",
        ),
        at_least("answer in a cited sentence, three citations", mean(three.any_citation), 0.97),
        at_least("the same with the model (mode auto)", mean(drafted.any_citation), 0.97),
        at_least("answer in the delivered text (mode auto)", mean(drafted.answer), 0.85),
        Figure("length of the one quotation, mean", f"{mean(one.lengths):.0f} characters"),
        Figure("citations that are the stored text", f"{citations - false} of {citations}", "all", not false),
        Figure("answers or sentences without a citation", str(uncited), "0", uncited == 0),
        Figure("answerable questions refused", f"{mean(one.refused):.3f}"),
        Figure(
            "answerable questions refused, asked with words around the question",
            f"{mean(talked.refused):.3f}",
        ),
        Figure("refused with the document left out", f"{mean(removed.refused):.3f}"),
        at_most_ms("first token, median", quantile(drafted.times("first_token_ms"), 0.5), 1000),
        at_most_ms("whole answer with the model, median", quantile(drafted.times("total_ms"), 0.5), 2500),
        Figure("whole answer by quotation, median", f"{quantile(three.times('total_ms'), 0.5):,.0f} ms"),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--questions", type=int, default=10_000, help="ask at most this many")
    parser.add_argument("--drafts", type=int, default=100, help="of these, ask the model as well")
    return parser.parse_args()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
