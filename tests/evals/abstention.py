"""Refusing: each question with its document, without it, and without anything on its subject.

``python -m tests.evals.abstention [--data FOLDER] [--questions N]`` asks by quotation alone, of a service
that never refuses, and reads what every threshold would have done off the answers' answerability. Writes a
dated table and the risk-coverage curve as a picture beside it. FOLDER is as for ``tests.evals.reading``;
paragraphs with the same ``title`` are of one article: with one of them gone, its near-misses stay.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation import abstention, reports
from rag.evaluation.abstention import Judged
from rag.evaluation.intervals import wilson
from rag.evaluation.metrics import holds_answer, mean
from rag.evaluation.pictures import charts
from rag.evaluation.reports import Figure, Report, at_least
from tests.evals.reading import DEFAULT_DATA, REPORTS, Question, Run, read_corpus, read_questions

CITATIONS = 3
SHARES = (0.01, 0.03, 0.05, 0.1, 0.2)
AT = 0.1
"""The share of false refusals at which refusing is judged, and what is then to be refused."""
TARGET = 0.85
PICTURE = "abstention.svg"
_SETTINGS = {"FOOTNOTE_ABSTENTION": "0", "FOOTNOTE_ANSWERS_KEPT_DAYS": "0"}
_SEED = 20261122


@dataclass(frozen=True, slots=True)
class Case:
    """Scores of one question three ways, and whether a citation held the answer where it was there."""

    article: str
    present: float
    removed: float
    off_subject: float
    right: bool


def main() -> None:
    arguments = _arguments()
    if not arguments.data.is_dir():
        raise SystemExit(f"There is no evaluation data at {arguments.data}; name a folder with --data.")
    corpus, questions = read_corpus(arguments.data), read_questions(arguments.data)
    questions = random.Random(_SEED).sample(questions, min(arguments.questions, len(questions)))
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalService(Path(folder), _SETTINGS) as service,
        Progress() as progress,
    ):
        connection = Connection(service.address)
        run = Run(connection, progress.track)
        run.upload(corpus)
        asking = progress.track(questions, description="asking three ways")
        cases = [_case(connection, run.names, corpus, question) for question in asking]
    report, picture = reported(cases, len(corpus))
    path = reports.write(report, arguments.reports)
    (arguments.reports / PICTURE).write_text(picture)
    print(path.read_text())


def reported(cases: Sequence[Case], paragraphs: int) -> tuple[Report, str]:
    """The table, and the picture as SVG. Pure."""
    present = [case.present for case in cases]
    removed, off_subject = [case.removed for case in cases], [case.off_subject for case in cases]
    judged = [Judged(case.present, case.right) for case in cases] + [Judged(one, False) for one in removed]
    curve = abstention.risk_coverage(judged)
    known = [Judged(one, True) for one in present] + [Judged(one, False) for one in removed]
    wrong = sum(not one.right for one in judged)
    figures = [
        at_least(f"near-misses left: refused at {AT:.0%} false refusals", _crossed(cases), TARGET),
        *_table(present, removed, off_subject),
        *_shipped(present, removed),
        Figure("told apart (AUROC), near-misses left", f"{abstention.ranking(present, removed):.3f}"),
        Figure("told apart (AUROC), whole article gone", f"{abstention.ranking(present, off_subject):.3f}"),
        Figure("area under risk-coverage (AURC)", f"{abstention.area_under(curve):.3f}"),
        Figure("… with a perfect score", f"{abstention.least_area(len(judged) - wrong, wrong):.3f}"),
        Figure(
            "expected calibration error", f"{abstention.calibration_error(abstention.reliability(known)):.3f}"
        ),
        Figure("answer in one of three citations, never refusing", f"{mean([c.right for c in cases]):.3f}"),
    ]
    notes = [
        f"{paragraphs} paragraphs, {len(cases)} questions, each asked with its paragraph, without it (its "
        "neighbours of the same article left in), and without the whole article.",
        "The first figure has its threshold from one half of the articles and its rate from the other, both "
        "ways round; the table below it uses all questions for both.",
        "Development data: thresholds were fitted on it.",
    ]
    at = abstention.threshold_for(present, AT)
    marks = [
        charts.Mark(f"{AT:.0%} false refusals", point.coverage, point.risk)
        for point in curve
        if point.threshold == at
    ]
    picture = charts.risk_coverage(charts.Curve("near-misses left in", curve), None, marks)
    report = Report(
        "abstention",
        "Refusing what the documents do not hold",
        "python -m tests.evals.abstention",
        figures,
        notes,
        [("Risk against coverage", PICTURE)],
    )
    return report, picture.svg(standalone=True)


def _crossed(cases: Sequence[Case]) -> float:
    """Share of near-misses refused by a threshold fitted on the other half of the articles."""
    articles = sorted({case.article for case in cases})
    halves = [[case for case in cases if articles.index(case.article) % 2 == side] for side in (0, 1)]
    refused = []
    for fitted, judged in (halves, halves[::-1]):
        threshold = abstention.threshold_for([case.present for case in fitted], AT)
        refused += [float(case.removed < threshold) for case in judged]
    return mean(refused)


def _table(present: Sequence[float], removed: Sequence[float], off_subject: Sequence[float]) -> list[Figure]:
    rows = []
    for allowed in SHARES:
        threshold = abstention.threshold_for(present, allowed)
        near, far = (abstention.refused_share(scores, threshold) for scores in (removed, off_subject))
        low, high = wilson(round(near * len(removed)), len(removed))
        rows.append(
            Figure(
                f"{allowed:.0%} false refusals allowed (threshold {threshold:.3f}): near-misses refused",
                f"{near:.3f} ({low:.3f} to {high:.3f}), article gone {far:.3f}",
            )
        )
    return rows


def _shipped(present: Sequence[float], removed: Sequence[float]) -> list[Figure]:
    """What the thresholds do that come with this release, by the setting that chooses them."""
    stored = json.loads(resources.files("rag.retrieval").joinpath("answerability.json").read_text())
    table = stored["refuse"]
    if not isinstance(table, dict):
        table = {"": table}
    return [
        Figure(
            f"as shipped, FOOTNOTE_ABSTENTION={share}" if share else "as shipped",
            f"{abstention.refused_share(present, threshold):.3f} falsely, "
            f"{abstention.refused_share(removed, threshold):.3f} of near-misses",
        )
        for share, threshold in table.items()
    ]


def _case(
    connection: Connection, names: dict[str, str], corpus: Sequence[dict[str, str]], question: Question
) -> Case:
    titles = {paragraph["id"]: paragraph["title"] for paragraph in corpus}
    article = titles[question.document]
    of_article = [names[one] for one, title in titles.items() if title == article]
    present = _ask(connection, question, [])
    return Case(
        article=article,
        present=present["answerability"],
        removed=_ask(connection, question, [names[question.document]])["answerability"],
        off_subject=_ask(connection, question, of_article)["answerability"],
        right=any(holds_answer(one["quote"], question.answers) for one in present["citations"]),
    )


def _ask(connection: Connection, question: Question, left_out: Sequence[str]) -> Any:
    body: dict[str, Any] = {"question": question.text, "mode": "quote", "max_citations": CITATIONS}
    if left_out:
        body["filter"] = {"document_id": {"$nin": list(left_out)}}
    return connection.call("POST", "/v1/ask", json=body)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--questions", type=int, default=10_000, help="ask at most this many")
    return parser.parse_args()


if __name__ == "__main__":
    main()
