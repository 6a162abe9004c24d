"""Lists, counts, comparisons and summaries over a library of which it is known what is in it.

``python -m tests.evals.surveys [--papers FOLDER]`` uploads a made library and, where FOLDER is there, its PDF
files, asks, and writes a dated table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation.metrics import mean, quantile
from rag.evaluation.reports import Figure, Report, at_least, at_most_ms, write
from rag.records import QuestionKind
from tests.evals.survey_library import Asked, make

ROOT = Path(__file__).parents[2]
DEFAULT_PAPERS = ROOT.parent / "shared" / "evals" / "papers"
REPORTS = ROOT / "data" / "reports"

COMPARED_PAPERS = (
    ("bert", "roberta", "What is the difference between BERT and RoBERTa in training data?"),
    ("bert", "distilbert", "Compare the number of parameters of BERT and DistilBERT."),
    ("hellaswag", "superglue", "Compare HellaSwag and SuperGLUE."),
    ("llama", "PAL", "Compare LLaMA and PAL."),
)


@dataclass(slots=True)
class Outcome:
    """Shares are lists of 0 and 1, or of a share a question."""

    kind_right: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)
    false_exact: list[str] = field(default_factory=list)
    sides: list[float] = field(default_factory=list)
    missing_said: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    sections: list[float] = field(default_factory=list)
    spread: list[float] = field(default_factory=list)
    right_paper: list[float] = field(default_factory=list)
    citations: int = 0
    false_quotes: int = 0
    not_verbatim: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)


class Run:
    """One service with a library in it. ``ids`` are of documents by name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.ids: dict[str, str] = {}
        self.outcome = Outcome()

    def upload(self, files: dict[str, bytes]) -> None:
        jobs = []
        for name, content in files.items():
            accepted = self._connection.call("POST", "/v1/documents", files={"file": (name, content)})
            self.ids[name] = accepted["document"]["id"]
            jobs.append(accepted["job"]["id"])
        for job in jobs:
            ended = self._connection.follow(job)
            assert ended["state"] == "succeeded", ended

    def ask(self, question: str, **options: Any) -> dict[str, Any]:
        began = time.perf_counter()
        body = {"question": question, "mode": "quote", **options}
        answer: dict[str, Any] = self._connection.call("POST", "/v1/ask", json=body)
        took = (time.perf_counter() - began) * 1000
        self.outcome.times.setdefault(answer["kind"], []).append(took)
        self.outcome.citations += len(answer["citations"])
        for citation in answer["citations"]:
            self.outcome.false_quotes += self._stored(citation) != citation["quote"]
        quotes = {one["number"]: " ".join(one["quote"].split()) for one in answer["citations"]}
        for sentence in answer["sentences"]:
            verbatim = sentence["verdict"] == "verbatim"
            quoted = any(sentence["text"] in quotes[number] for number in sentence["citations"])
            self.outcome.not_verbatim += verbatim and not quoted
        return answer

    def judge(self, asked: Asked, answer: dict[str, Any]) -> None:
        outcome = self.outcome
        outcome.kind_right.append(float(answer["kind"] == asked.kind))
        refused = answer["status"] == "not_in_documents"
        (outcome.answered if asked.answerable else outcome.refused).append(float(refused != asked.answerable))
        if not asked.answerable:
            return
        if asked.count is not None:
            self._judge_count(asked, answer)
        elif asked.truth:
            self._judge_list(asked, answer)
        elif asked.things:
            self._judge_comparison(asked, answer)

    def _judge_count(self, asked: Asked, answer: dict[str, Any]) -> None:
        """Right is the number, said as exact; a number that is not the truth must not be said as exact."""
        first = answer["sentences"][0]["text"] if answer["sentences"] else ""
        number = next((int(word) for word in first.split() if word.isdigit()), None)
        claims = answer["coverage"]["complete"] is not None and first.split()[:1] == [str(number)]
        self.outcome.counted.append(float(claims and number == asked.count))
        if claims and number != asked.count:
            self.outcome.false_exact.append(f"{asked.question} {first} (is {asked.count})")

    def _judge_list(self, asked: Asked, answer: dict[str, Any]) -> None:
        """An item counts as found when its document, or the very text, is cited; at most 20 can be."""
        named = {citation["document"]["name"] for citation in answer["citations"]}
        if asked.truth & set(self.ids):
            found = named
        else:
            found = {" ".join(one["text"].removeprefix("- ").split()) for one in answer["sentences"]}
        held = {item for item in asked.truth if any(item == one or item in one for one in found)}
        right = [one for one in found if any(item == one or item in one for item in asked.truth)]
        self.outcome.recall.append(len(held) / min(len(asked.truth), 20))
        self.outcome.precision.append(len(right) / len(found) if found else 0.0)

    def _judge_comparison(self, asked: Asked, answer: dict[str, Any]) -> None:
        for thing, fact in asked.things.items():
            said = [one["text"] for one in answer["sentences"] if thing in one["group"]]
            if fact:
                self.outcome.sides.append(float(any(fact in " ".join(one.split()) for one in said)))
            else:
                told = any(thing in note["detail"] for note in answer["notes"])
                self.outcome.missing_said.append(float(told and not said and answer["status"] == "partial"))

    def summarise(self, name: str) -> None:
        """Of a paper, called by its name: is it the one summarised, and is the summary of all of it."""
        answer = self.ask(f"Summarise {name}")
        cited = {citation["document"]["name"] for citation in answer["citations"]}
        self.outcome.right_paper.append(float(cited == {name}))
        coverage = answer["coverage"]
        if coverage["sections_total"]:
            most = min(coverage["sections_total"], 10)
            self.outcome.sections.append(coverage["sections_seen"] / most)
        document = self._connection.call("GET", f"/v1/documents/{self.ids[name]}")
        tenths = {10 * citation["start"] // document["characters"] for citation in answer["citations"]}
        self.outcome.spread.append(len(tenths) / 10)

    def compare(self, first: str, second: str, question: str) -> None:
        answer = self.ask(question)
        cited = {citation["document"]["name"] for citation in answer["citations"]}
        self.outcome.sides += [float(f"{name}.pdf" in cited) for name in (first, second)]

    def _stored(self, citation: dict[str, Any]) -> str:
        place = {key: citation[key] for key in ("start", "end")}
        place["version"] = citation["document"]["version"]
        path = f"/v1/documents/{citation['document']['id']}/text"
        return str(self._connection.call("GET", path, params=place)["text"])


def main() -> None:
    arguments = _arguments()
    made = make()
    papers = {path.name: path.read_bytes() for path in sorted(arguments.papers.glob("*.pdf"))}
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalService(Path(folder)) as service,
        Progress() as progress,
    ):
        run = Run(Connection(service.address))
        run.upload({name: text.encode() for name, text in made.files.items()})
        for asked in progress.track(made.questions, description="lists, counts, comparisons"):
            answer = run.ask(asked.question)
            run.judge(asked, answer)
            if arguments.verbose:
                print(
                    f"\n== {asked.question} [{answer['kind']}, {answer['status']}]\n{answer['answer'][:400]}"
                )
        run.upload(papers)
        for name in progress.track(list(papers), description="summaries"):
            run.summarise(name)
        for first, second, question in COMPARED_PAPERS if papers else ():
            run.compare(first, second, question)
    notes = [
        f"{len(made.files)} made documents with {len(made.questions)} questions whose answers are known, and "
        f"{len(papers)} papers. Of a list at most 20 items can be cited; recall is of these.",
        *(f"Wrong number said as exact: {one}" for one in run.outcome.false_exact),
    ]
    report = Report(
        "surveys", "Questions that need more than one passage", "make eval", _figures(run.outcome), notes
    )
    print(write(report, arguments.reports).read_text())


def _figures(outcome: Outcome) -> list[Figure]:
    citations = outcome.citations
    figures = [
        at_least("kind of question recognised", mean(outcome.kind_right), 0.95),
        at_least("lists: recall of known items", mean(outcome.recall), 0.95),
        at_least("lists: precision", mean(outcome.precision), 0.95),
        at_least("counts: exact and said to be", mean(outcome.counted), 0.85),
        Figure(
            "counts: wrong numbers said as exact", str(len(outcome.false_exact)), "0", not outcome.false_exact
        ),
        at_least("comparisons: the fact is shown for each thing", mean(outcome.sides), 0.90),
        at_least("comparisons: what is missing is said", mean(outcome.missing_said), 0.90),
        at_least("answerable questions answered", mean(outcome.answered), 0.97),
        at_least("questions about nothing in the library refused", mean(outcome.refused), 0.85),
        Figure(
            "citations that are the stored text",
            f"{citations - outcome.false_quotes} of {citations}",
            "all",
            not outcome.false_quotes,
        ),
        Figure("verbatim sentences that are not", str(outcome.not_verbatim), "0", outcome.not_verbatim == 0),
    ]
    if outcome.spread:
        figures += [
            at_least("summaries: of the document that was named", mean(outcome.right_paper), 1.0),
            at_least("summaries: share of ten (or all) sections quoted", mean(outcome.sections), 0.9),
            Figure("summaries: tenths of the document quoted from", f"{mean(outcome.spread):.3f}"),
        ]
    return figures + _latencies(outcome)


def _latencies(outcome: Outcome) -> list[Figure]:
    limits = {QuestionKind.LIST: 500, QuestionKind.COUNT: 500, QuestionKind.COMPARISON: 1500}
    return [
        at_most_ms(
            f"{kind}: whole answer, median", quantile(times, 0.5), limits.get(QuestionKind(kind), 2500)
        )
        for kind, times in sorted(outcome.times.items())
        if kind != QuestionKind.LOOKUP
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=Path, default=DEFAULT_PAPERS)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--verbose", action="store_true", help="print every answer")
    return parser.parse_args()


if __name__ == "__main__":
    main()
