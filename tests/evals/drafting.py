"""What language models make of the same evidence: in their own words, and by copying.

``python -m tests.evals.drafting [--model GGUF ...] [--questions N] [--evidence FILE]`` has a service find
the evidence for questions of the reading set (or reads it from FILE, which it writes the first time), puts
it to each model in each way of drafting, and writes a dated table. Without ``--model`` it is the packaged
model's turn.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.connection import Connection
from api.local_service import LocalService
from rag.evaluation.metrics import holds_answer, mean, quantile
from rag.evaluation.reports import Figure, Report, write
from rag.generation import drafting
from rag.generation.capability import probe
from rag.generation.drafting import Drafting
from rag.generation.verification import addresses, verify
from rag.models.generation import FinishedEvent, GeneratorSettings
from rag.models.generator import Generator
from rag.models.locations import default_model_path
from rag.records import DocumentRef, Evidence, Verdict
from tests.evals.reading import DEFAULT_DATA, REPORTS, Question, Run, read_corpus, read_questions

_SEED = 20261121
WAYS = (Drafting.FREE, Drafting.COPY)


@dataclass(frozen=True, slots=True)
class Case:
    """A question with the sentences found for it, best first."""

    question: str
    answers: Sequence[str]
    sentences: Sequence[tuple[str, float]]

    @property
    def evidence(self) -> list[Evidence]:
        document = DocumentRef("", "", 1)
        return [
            Evidence(number, document, 0, None, 0, len(text), text, "", score)
            for number, (text, score) in enumerate(self.sentences, start=1)
        ]


@dataclass(slots=True)
class Outcome:
    """What one model made of the cases in one way; shares are means of 0 and 1."""

    held: list[float] = field(default_factory=list)
    verified: list[float] = field(default_factory=list)
    verified_held: list[float] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    tokens: int = 0
    decoding_s: float = 0.0

    def rows(self, name: str) -> list[Figure]:
        speed = self.tokens / self.decoding_s if self.decoding_s else 0.0
        values = {
            "answer in the draft": f"{mean(self.held):.3f}",
            "drafts that pass verification": f"{mean(self.verified):.3f}",
            "answer in those that pass": f"{mean(self.verified_held):.3f}",
            "words, mean": f"{mean(self.words):.1f}",
            "first token, median": f"{quantile(self.first, 0.5) * 1000:,.0f} ms",
            "whole draft, median": f"{quantile(self.total, 0.5) * 1000:,.0f} ms",
            "tokens a second": f"{speed:.1f}",
        }
        return [Figure(f"{name}: {label}", value) for label, value in values.items()]


def collect(data: Path, count: int) -> list[Case]:
    """The evidence that a service of its own quotes for ``count`` questions."""
    corpus = read_corpus(data)
    questions = random.Random(_SEED).sample(read_questions(data), count)
    with tempfile.TemporaryDirectory() as folder, LocalService(Path(folder)) as service, Progress() as bar:
        connection = Connection(service.address)
        Run(connection, bar.track).upload(corpus)
        return [_quoted(connection, question) for question in bar.track(questions, description="asking")]


def run(generator: Generator, cases: Iterable[Case], way: Drafting) -> Outcome:
    """Have every case drafted in one way."""
    outcome = Outcome()
    for case in cases:
        evidence = case.evidence
        planned = drafting.plan(way, case.question, evidence, generator.chat_format)
        if planned is None:
            continue
        began, first, drafts = time.perf_counter(), None, []
        with generator.generate(planned.request) as events:
            for event in events:
                first = first or time.perf_counter() - began
                drafts += planned.reader.take(event)
                if isinstance(event, FinishedEvent):
                    outcome.tokens += event.usage.completion_tokens
                    outcome.decoding_s += event.timings["decode"]
        outcome.first.append(first or 0.0)
        outcome.total.append(time.perf_counter() - began)
        text = " ".join(draft.text for draft in drafts)
        passed = [draft.text for draft in drafts if _passes(draft.text, draft.claims, evidence, case)]
        outcome.held.append(float(holds_answer(text, case.answers)))
        outcome.words.append(float(len(text.split())))
        outcome.verified.append(float(bool(passed)))
        if passed:
            outcome.verified_held.append(float(holds_answer(" ".join(passed), case.answers)))
    return outcome


def _passes(text: str, claims: Sequence[int], evidence: Sequence[Evidence], case: Case) -> bool:
    check = verify(text, claims, evidence, case.question)
    used = [item for item in evidence if item.number in check.citations]
    return check.verdict is not Verdict.UNSUPPORTED and all(
        addresses(text, item, case.question) for item in used
    )


def _quoted(connection: Connection, question: Question) -> Case:
    body = {"question": question.text, "mode": "quote", "max_citations": 3}
    citations = connection.call("POST", "/v1/ask", json=body)["citations"]
    sentences = [(citation["quote"], citation["score"]) for citation in citations]
    return Case(question.text, question.answers, sentences)


def _stored(path: Path | None, data: Path, count: int) -> list[Case]:
    if path is not None and path.exists():
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return [Case(row["question"], row["answers"], [(t, s) for t, s in row["sentences"]]) for row in rows]
    cases = collect(data, count)
    if path is not None:
        rows = [{"question": c.question, "answers": c.answers, "sentences": c.sentences} for c in cases]
        path.write_text(json.dumps(rows), encoding="utf-8")
    return cases


def main() -> None:
    arguments = _arguments()
    stored = _stored(arguments.evidence, arguments.data, arguments.questions)
    cases = [case for case in stored[: arguments.questions] if case.sentences]
    ceiling = mean(
        [float(any(holds_answer(text, case.answers) for text, _ in case.sentences)) for case in cases]
    )
    figures = [Figure("answer in the evidence that was offered", f"{ceiling:.3f}")]
    for path in arguments.model or [default_model_path()]:
        with Generator(path, GeneratorSettings(threads=arguments.threads)) as generator:
            generator.wait_ready()
            known = probe(generator)
            tried = f"copies {known.copied:.2f}, sentences {known.right:.2f} of {known.passed:.2f} that pass"
            figures.append(Figure(f"{path.stem}: chosen", f"{known.drafting} (right: {tried})"))
            for way in WAYS:
                generator.warm(drafting.prefix(way, generator.chat_format))
                figures += run(generator, cases, way).rows(f"{path.stem}, {way}")
                print(*(f"{f.name}: {f.value}" for f in figures[-7:]), sep="\n", flush=True)
            figures.append(Figure(f"{path.stem}: memory", f"{_resident_mebibytes(generator.pid):,.0f} MiB"))
    notes = [f"{len(cases)} questions of the reading set (development data), up to three sentences each."]
    report = Report(
        "drafting", "Drafting: free and by copying", "python -m tests.evals.drafting", figures, notes
    )
    print(write(report, arguments.reports).read_text())


def _resident_mebibytes(pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, action="append", help="a GGUF file; may be given several times")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--evidence", type=Path, help="where the evidence is kept between runs")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
