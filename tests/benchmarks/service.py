"""The service as its users meet it: upload to searchable, search, ask, memory.

``python -m tests.benchmarks.service [--pdf FILE] [--runs N]`` writes a dated table. Times are what a client
sees on loopback unless the row says otherwise; ratios compare parts of the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.client import TokenWritten
from api.local_service import LocalService
from rag.evaluation.metrics import quantile
from rag.evaluation.reports import Figure, Report, at_most_ms, write
from tests.evals.reading import DEFAULT_DATA, REPORTS, ROOT, Question, Run, read_corpus, read_questions

FIXTURES = ROOT.parent / "shared" / "fixtures"
FOUR_PAGES = FIXTURES / "pdflatex-4-pages.pdf"
SAMPLE = ROOT / "data" / "samples" / "lighthouse-handbook.pdf"


def main() -> None:
    arguments = _arguments()
    corpus, questions = read_corpus(arguments.data), read_questions(arguments.data)[: arguments.runs * 10]
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalService(Path(folder)) as service,
        Progress() as progress,
    ):
        ready = (time.monotonic() - began) * 1000
        connection = Connection(service.address)
        pdf = _time_each(lambda: _upload_anew(connection, arguments.pdf), arguments.runs)
        run = Run(connection, progress.track)
        reading = _once(lambda: run.upload(corpus))
        search = _searches(connection, questions)
        asked = _asks(connection, questions[: arguments.runs])
        quoted = _time_each_of(
            lambda one: connection.call("POST", "/v1/ask", json={"question": one.text, "mode": "quote"}),
            questions[: arguments.runs],
        )
        memory = service.peak_memory()
    figures = [
        at_most_ms(f"from 202 to ready, {arguments.pdf.name}, median", quantile(pdf, 0.5), 3000),
        Figure("paragraphs stored and searchable a second", f"{len(corpus) / reading * 1000:.1f}"),
        at_most_ms("search, median", quantile(search["client"], 0.5), 30),
        Figure("search, 95th percentile", f"{quantile(search['client'], 0.95):.1f} ms"),
        _share("of it embedding the question", search["embed_ms"], search["client"]),
        _share("of it finding passages", search["search_ms"], search["client"]),
        at_most_ms("first token, median", quantile(asked["first"], 0.5), 2000),
        at_most_ms("whole answer, median", quantile(asked["whole"], 0.5), 4000),
        _share("answer by quotation against answer with the model", quoted, asked["whole"]),
        Figure("start to ready", f"{ready:,.0f} ms"),
        *(Figure(f"peak memory, {name}", f"{size:,.0f} MiB") for name, size in memory.items()),
    ]
    notes = [f"{len(corpus)} paragraphs loaded; {arguments.runs} uploads, {len(questions)} searches."]
    report = Report("service", "The service: times and memory", "make bench", figures, notes)
    print(write(report, REPORTS).read_text())


def _upload_anew(connection: Connection, path: Path) -> None:
    """Upload, wait until searchable, delete: the same bytes are read anew every time."""
    job = _upload(connection, path)
    assert connection.follow(job["job"]["id"])["state"] == "succeeded"
    connection.call("DELETE", f"/v1/documents/{job['document']['id']}")


def _upload(connection: Connection, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        accepted: dict[str, Any] = connection.call("POST", "/v1/documents", files={"file": (path.name, file)})
    return accepted


def _searches(connection: Connection, questions: Sequence[Question]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {"client": [], "embed_ms": [], "search_ms": []}
    for question in questions:
        began = time.monotonic()
        found = connection.call("POST", "/v1/search", json={"query": question.text, "k": 10})
        times["client"].append((time.monotonic() - began) * 1000)
        for name in ("embed_ms", "search_ms"):
            times[name].append(found["timings"][name])
    return times


def _asks(connection: Connection, questions: Sequence[Question]) -> dict[str, list[float]]:
    """Streamed, so that the first token is timed where the reader is."""
    times: dict[str, list[float]] = {"first": [], "whole": []}
    for question in questions:
        began = time.monotonic()
        first = None
        for event in connection.stream(question.text):
            if isinstance(event, TokenWritten) and first is None:
                first = time.monotonic() - began
        if first is not None:
            times["first"].append(first * 1000)
            times["whole"].append((time.monotonic() - began) * 1000)
    return times


def _once(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return (time.monotonic() - began) * 1000


def _time_each(work: Callable[[], object], runs: int) -> list[float]:
    return [_once(work) for _ in range(runs)]


def _time_each_of(work: Callable[[Question], object], questions: Sequence[Question]) -> list[float]:
    return [_once(lambda one=question: work(one)) for question in questions]  # type: ignore[misc]


def _share(name: str, part: Sequence[float], whole: Sequence[float]) -> Figure:
    return Figure(name, f"{quantile(part, 0.5) / quantile(whole, 0.5):.0%}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--pdf", type=Path, default=FOUR_PAGES if FOUR_PAGES.exists() else SAMPLE)
    parser.add_argument("--runs", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    main()
