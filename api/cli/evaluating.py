"""``footnote eval``: how well the service answers questions about the documents it has, without a judge."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.cli.connection import Connection, Refused
from api.cli.evaluation import asking as replies
from api.cli.evaluation import making
from api.cli.evaluation.library import Source, library, sources
from api.cli.evaluation.service import Asking
from api.cli.evaluation.table import print_run
from api.cli.evaluation.writing import Writer, model_writer, no_writer
from api.cli.output import print_json
from api.settings import load
from rag.errors import BadRequest, FootnoteError
from rag.evaluation import runs
from rag.evaluation.comparing import Comparison, compare
from rag.evaluation.page import page
from rag.evaluation.reports import machine
from rag.evaluation.runs import Question, Run
from rag.evaluation.summary import as_json

WORSE = 4
"""Exit status with ``--fail-on-worse``."""

_ENOUGH_LEFT = 0.8
"""Share of the last run's questions whose documents must be unchanged for them to be asked again."""


@dataclass(frozen=True, slots=True)
class Options:
    """See ``docs/cli.md``. ``folder`` is where runs are kept."""

    folder: Path
    collections: tuple[str, ...] = ()
    questions: int = 60
    drafts: int = 20
    new: bool = False
    model: bool = True
    seed: int | None = None
    fail_on_worse: bool = False
    as_json: bool = False


def runs_folder(data: Path | None) -> Path:
    """Where runs are kept: ``evals`` in the data folder, the configured one by default."""
    return load(os.environ, {"data": data}).data / "evals"


def evaluate(service: Connection, options: Options) -> int:
    """Make or take up the questions, ask them, keep and show the run; returns the exit status.

    Raises ``BadRequest`` (``nothing_to_evaluate``) where no question can be made of the documents.
    """
    asking = Asking(service, options.collections)
    found = sources(service, options.collections)
    before = runs.newest(options.folder, options.collections)
    again, notes = ([], []) if options.new or before is None else unchanged(before, found)
    with _bars() as bars:

        def track(items: Any, total: int, title: str) -> Any:
            return bars.track(items, total=total, description=title)

        questions = again or _made(asking, found, options, track, notes)
        if not questions:
            raise BadRequest(
                "nothing_to_evaluate",
                "No question can be made of these documents; add some with more text, then try again.",
            )
        drafts = options.drafts if _generator_ready(service, notes) else 0
        outcomes = replies.ask_all(asking, questions, drafts, track)
    run = Run(
        when=datetime.now(UTC).replace(microsecond=0),
        collections=options.collections,
        service=_described(service, asking, questions[0]),
        machine=machine(),
        library=library(found),
        questions=tuple(questions),
        outcomes=tuple(outcomes),
        notes=tuple(notes),
    )
    compared = compare(before, run) if before is not None and again else None
    return deliver(run, compared, options)


def unchanged(before: Run, found: Sequence[Source]) -> tuple[list[Question], list[str]]:
    """The last run's questions whose documents are as they were; none when too few are left."""
    there = {(one.id, one.version) for one in found}
    kept = [one for one in before.questions if (one.document, one.version) in there]
    lost = len(before.questions) - len(kept)
    if not kept or len(kept) < _ENOUGH_LEFT * len(before.questions):
        return [], [f"The documents of {lost} of the last run's questions have changed: these are new ones."]
    return kept, [f"{lost} questions were left out: their documents have changed."] if lost else []


def _made(
    asking: Asking, found: Sequence[Source], options: Options, track: making.Track, notes: list[str]
) -> list[Question]:
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    notes.append(f"The questions were made with seed {seed}.")
    with ExitStack() as stack:
        writer: Writer = no_writer
        if options.model:
            try:
                writer = stack.enter_context(model_writer())
            except FootnoteError as error:
                notes.append(f"No model wrote questions ({error.detail})")
        return making.make(asking, found, writer, options.questions, seed, track)


def _generator_ready(service: Connection, notes: list[str]) -> bool:
    try:
        service.call("GET", "/readyz")
    except Refused as refused:
        state = refused.problem.get("parts", {}).get("generator", {}).get("state")
        if state != "ready":
            notes.append("The service's language model was not ready: answers are quotations alone.")
            return False
    return True


def _described(service: Connection, asking: Asking, question: Question) -> dict[str, Any]:
    """What the service says of itself: its version, and what a receipt names as having made an answer."""
    described: dict[str, Any] = {"software": service.call("GET", "/openapi.json")["info"]["version"]}
    answer = asking.ask(question.text, mode="auto")
    if answer["model"] is not None:
        described["model"] = f"{answer['model']['name']}, sha256 {answer['model']['sha256'][:12]}"
    try:
        receipt = service.call("GET", f"/v1/answers/{answer['id']}")
    except Refused:  # none are kept
        return described
    asking.forget(answer)
    return described | dict(receipt.get("environment") or {})


def deliver(run: Run, compared: Comparison | None, options: Options) -> int:
    """Keep a run with its page, and print it; returns the exit status."""
    stored = runs.write(run, options.folder)
    shown = runs.write_private(stored.with_suffix(".html"), page(run, compared).encode())
    if options.as_json:
        print_json(as_json(run, compared) | {"run": str(stored), "page": str(shown)})
    else:
        print_run(run, compared)
        print(f"\nThe page: {shown}")
    worse = compared is not None and bool(compared.clearly_worse)
    return WORSE if worse and options.fail_on_worse else 0


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=Console(file=sys.stderr),
        transient=True,
    )
