"""Research papers: is the right one found and cited first, and ten answers for a person to judge.

``python -m tests.evals.papers [--data FOLDER]`` uploads the papers of FOLDER to a service of its own and asks
every question of its ``questions.jsonl`` (``question``, ``answer``, ``documents``: file names). Whether an
answer in words is right cannot be computed; whether it rests on the right paper can.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation.metrics import mean, quantile, success_at
from rag.evaluation.reports import Figure, Report, at_least, write

ROOT = Path(__file__).parents[2]
DEFAULT_DATA = ROOT.parent / "shared" / "evals" / "papers"
REPORTS = ROOT / "data" / "reports"
_SEED = 20261122
_SHOWN = 10


def main() -> None:
    arguments = _arguments()
    lines = (arguments.data / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines][: arguments.questions]
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalService(Path(folder)) as service,
        Progress() as progress,
    ):
        connection = Connection(service.address)
        papers = sorted(arguments.data.glob("*.pdf"))
        for paper in progress.track(papers, description="uploading"):
            _upload(connection, paper)
        found, answers = [], []
        for question in progress.track(questions, description="asking"):
            body = {"query": question["question"], "k": 5}
            found.append(connection.call("POST", "/v1/search", json=body)["hits"])
            asked = {"question": question["question"], "mode": arguments.mode}
            answers.append(connection.call("POST", "/v1/ask", json=asked))
    shown = random.Random(_SEED).sample(range(len(questions)), min(_SHOWN, len(questions)))
    notes = [
        f"{len(papers)} papers, {len(questions)} questions, mode {arguments.mode}. A question that was "
        "refused cites nothing and counts as wrong for the citation.",
        *(_judged(questions[at], answers[at]) for at in sorted(shown)),
    ]
    report = Report("papers", "Research papers", "make eval", _figures(questions, found, answers), notes)
    print(write(report, arguments.reports).read_text())


def _upload(connection: Connection, paper: Path) -> None:
    file = (paper.name, paper.read_bytes(), "application/pdf")
    accepted = connection.call("POST", "/v1/documents", files={"file": file})
    done = connection.follow(accepted["job"]["id"])
    assert done["state"] == "succeeded", done


def _figures(
    questions: list[dict[str, Any]], found: list[list[dict[str, Any]]], answers: list[dict[str, Any]]
) -> list[Figure]:
    gold = [set(question["documents"]) for question in questions]
    hits = [[hit["document"]["name"] for hit in one] for one in found]
    cited = [[citation["document"]["name"] for citation in answer["citations"]] for answer in answers]
    refused = [float(answer["status"] == "not_in_documents") for answer in answers]
    times = [answer["timings"]["total_ms"] for answer in answers]
    return [
        at_least(
            "right paper cited first",
            mean([success_at(*one, 1) for one in zip(cited, gold, strict=True)]),
            0.90,
        ),
        at_least(
            "right paper is the first hit",
            mean([success_at(*one, 1) for one in zip(hits, gold, strict=True)]),
            0.90,
        ),
        Figure(
            "right paper in five hits",
            f"{mean([success_at(*one, 5) for one in zip(hits, gold, strict=True)]):.3f}",
        ),
        Figure("refused", f"{mean(refused):.3f}"),
        Figure("whole answer, median", f"{quantile(times, 0.5):,.0f} ms"),
    ]


def _judged(question: dict[str, Any], answer: dict[str, Any]) -> str:
    """Question, what was answered with what it rests on, and what was expected, as one item of a list."""
    citations = [
        f'[{one["number"]}] {one["document"]["name"]}, page {one["page"]}: "{one["quote"]}"'
        for one in answer["citations"]
    ]
    lines = [
        f"**{question['question']}**",
        f"Answer ({answer['status']}): {answer['answer'] or 'none'}",
        *citations,
        f"Expected ({', '.join(question['documents'])}): {question['answer'].strip()}",
    ]
    return "<br>\n  ".join(" ".join(line.split()) for line in lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--questions", type=int, default=10_000, help="ask at most this many")
    parser.add_argument("--mode", default="quote", help="auto, quote or answer")
    return parser.parse_args()


if __name__ == "__main__":
    main()
