"""An evaluation as it is kept: the questions that were asked, what came of each, and under what.

A run is one JSON file that needs nothing else: the next run asks the questions in it again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

_STAMP = "%Y-%m-%dT%H%M%SZ"

MadeBy = Literal["model", "cloze"]


@dataclass(frozen=True, slots=True)
class Question:
    """A question about ``[start, end)`` of a document version, where ``answer`` stands.

    Attributes:
        twins: near-duplicates of the document, which may answer just as well and are left out with it.
        held_out: not to be looked at while settings are tried.
        confirmed: it passed the round trip when it was made: asked of its own document alone, the answer
            stood in what was cited.
        elsewhere: when it was made, another document seemed to hold the answer too; with its own
            document left out, refusing would then not be right.
    """

    id: str
    text: str
    answer: str
    kind: str
    made_by: MadeBy
    document: str
    version: int
    name: str
    media_type: str
    start: int
    end: int
    twins: tuple[str, ...]
    held_out: bool
    confirmed: bool
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, judged: whether its citations and its text hold the gold answer.

    ``false_quotes`` counts citations whose quote is not the stored text, ``uncited`` sentences without
    a citation, ``verdicts`` sentences by their verdict; ``timings`` are milliseconds.
    """

    status: str
    answerability: float
    first_holds: bool
    any_holds: bool
    text_holds: bool
    citations: int
    false_quotes: int
    uncited: int
    verdicts: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return self.status == "not_in_documents"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question. Ranks count from 1; None: not among what was looked at.

    ``quoted`` was asked of the whole library, ``removed`` without the document and its twins, both by
    quotation alone; ``drafted`` with the model, of some questions.
    """

    question: str
    document_rank: int | None
    passage_rank: int | None
    search_ms: float
    quoted: Reply
    removed: Reply
    drafted: Reply | None = None


@dataclass(frozen=True, slots=True)
class Library:
    """What was searched. ``fingerprint`` changes with every document and version."""

    documents: int
    characters: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Run:
    """``service`` is what the service said of itself: version, models, settings. No ``collections``: all."""

    when: datetime
    collections: tuple[str, ...]
    service: Mapping[str, Any]
    machine: str
    library: Library
    questions: tuple[Question, ...]
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...] = ()
    format: Literal[1] = 1

    @property
    def name(self) -> str:
        return f"{self.when:{_STAMP}}"


_ADAPTER: TypeAdapter[Run] = TypeAdapter(Run)


def write(run: Run, folder: Path) -> Path:
    """Store a run, readable by its owner alone: it holds sentences of the documents."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_private(folder / f"{run.name}.json", _ADAPTER.dump_json(run, indent=1))


def write_private(path: Path, content: bytes) -> Path:
    """Replace a file in one step; only its owner may read it."""
    passing = path.with_name(f".{path.name}.partial")
    descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return passing.replace(path)


def read(path: Path) -> Run | None:
    """A stored run; None when the file is none of this format."""
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def newest(folder: Path, collections: tuple[str, ...]) -> Run | None:
    """The last run over the same collections."""
    stored = sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []
    return next(
        (run for path in stored if (run := read(path)) is not None and run.collections == collections), None
    )
