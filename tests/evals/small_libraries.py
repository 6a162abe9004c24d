"""Libraries of a few pages: how often the answer is quoted, and how often it is said not to be there.

``python -m tests.evals.small_libraries [--data FOLDER] [--questions N]`` deals the paragraphs of FOLDER (see
``tests.evals.reading``) out to collections of 1, 5 and 20, each with a key that opens nothing else: whoever
has it has a library of that size. Every question is asked of the library that holds its paragraph and of one
that does not. Writes a dated table.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation.metrics import holds_answer, mean
from rag.evaluation.reports import Figure, Report, write
from tests.evals.reading import DEFAULT_DATA, REPORTS, Question, read_corpus, read_questions

SIZES = (1, 5, 20)
_SEED = 20261123


@dataclass(frozen=True, slots=True)
class Dealt:
    """Libraries of one size: a connection to each, by its name, and where each paragraph lies."""

    libraries: dict[str, Connection]
    place: dict[str, str]

    def holding(self, question: Question) -> Connection:
        return self.libraries[self.place[question.document]]

    def other(self, question: Question, chance: random.Random) -> Connection:
        own = self.place[question.document]
        return self.libraries[chance.choice([name for name in self.libraries if name != own])]


def main() -> None:
    arguments = _arguments()
    if not arguments.data.is_dir():
        raise SystemExit(f"There is no evaluation data at {arguments.data}; name a folder with --data.")
    corpus, questions = read_corpus(arguments.data), read_questions(arguments.data)
    questions = random.Random(_SEED).sample(questions, min(arguments.questions, len(questions)))
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalService(Path(folder)) as service,
        Progress() as progress,
    ):
        admin = _admin(service.address)
        for size in SIZES:
            dealt = _deal(service.address, admin, corpus, size, progress.track)
            figures += _measured(dealt, size, questions, progress.track)
    notes = [
        f"{len(corpus)} paragraphs, {len(questions)} questions by quotation alone, one citation. A library "
        "of one page knows of itself nothing about which words of a question are usual.",
        "Development data: the threshold for refusing was fitted on it, in one library of all paragraphs.",
    ]
    command = "python -m tests.evals.small_libraries"
    report = Report("small-libraries", "Libraries of a few pages", command, figures, notes)
    print(write(report, arguments.reports).read_text())


def _admin(address: str) -> Connection:
    made = Connection(address).call("POST", "/v1/keys", json={"name": "admin", "scope": "admin"})
    return Connection(address, key=made["token"])


def _deal(
    address: str,
    admin: Connection,
    corpus: Sequence[dict[str, str]],
    size: int,
    track: Callable[..., Iterable[Any]],
) -> Dealt:
    shuffled = random.Random(_SEED).sample(corpus, len(corpus))
    dealt, jobs = Dealt({}, {}), []
    for first in track(range(0, len(shuffled), size), description=f"dealing out by {size}"):
        name = f"of-{size}-from-{first}"
        admin.call("POST", "/v1/collections", json={"name": name})
        key = {"name": name, "scope": "read", "collections": [name]}
        dealt.libraries[name] = Connection(address, key=admin.call("POST", "/v1/keys", json=key)["token"])
        for paragraph in shuffled[first : first + size]:
            file = (f"{paragraph['id']}.txt", paragraph["text"].encode(), "text/plain")
            sent = admin.call("POST", "/v1/documents", files={"file": file}, data={"collection": name})
            dealt.place[paragraph["id"]] = name
            jobs.append(sent["job"]["id"])
    for job in jobs:
        ended = admin.follow(job)
        assert ended["state"] == "succeeded", ended
    return dealt


def _measured(
    dealt: Dealt, size: int, questions: Sequence[Question], track: Callable[..., Iterable[Any]]
) -> list[Figure]:
    chance = random.Random(_SEED)
    held, refused, rightly = [], [], []
    for question in track(questions, description=f"asking libraries of {size}"):
        body = {"question": question.text, "mode": "quote", "max_citations": 1}
        answer = dealt.holding(question).call("POST", "/v1/ask", json=body)
        held.append(float(any(holds_answer(one["quote"], question.answers) for one in answer["citations"])))
        refused.append(float(_is_refusal(answer)))
        rightly.append(float(_is_refusal(dealt.other(question, chance).call("POST", "/v1/ask", json=body))))
    pages = "1 page" if size == 1 else f"{size} pages"
    return [
        Figure(f"{pages}: answer in the cited sentence", f"{mean(held):.3f}"),
        Figure(f"{pages}: answerable questions refused", f"{mean(refused):.3f}"),
        Figure(f"{pages}: refused where another library holds the answer", f"{mean(rightly):.3f}"),
    ]


def _is_refusal(answer: dict[str, Any]) -> bool:
    return bool(answer["status"] == "not_in_documents")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--questions", type=int, default=10_000, help="ask at most this many")
    return parser.parse_args()


if __name__ == "__main__":
    main()
