"""What a language model is good for, found by trying it: which way of drafting it can be trusted with.

A few questions of our own with known answers are put to the model, once to be answered in its own words
and once by copying. How often its answer is right decides; the outcome is kept by the hash of its weights.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.generation.drafting import Drafting, plan
from rag.generation.drafts import DraftSentence
from rag.generation.verification import addresses, verify
from rag.models.text_generator import TextGenerator
from rag.records import DocumentRef, Evidence, Verdict
from rag.text.words import words

RELEASE = 1
"""Counts up when the questions, the prompts or the rules change, so that models are tried again."""
GOOD_COPIES = 0.75
"""Least share of right answers for a model that is shown first, above the quotations."""
GOOD_SENTENCES = 0.75
"""Least share of right answers among the free sentences that pass verification."""
FEW_SENTENCES = 0.3
"""A model whose sentences pass verification less often than this is not worth waiting for."""
_LONGEST_SHORT_ANSWER = 12
"""Words. A copy that is longer says too much to be called an answer."""
_PATIENCE_S = 60.0
"""After so long the rest of the tasks is left out: a service waits for this before it is ready."""

_log = logging.getLogger(__name__)

Tell = Callable[[int, int], None]
"""Hears how many of how many questions have been asked."""


@dataclass(frozen=True, slots=True)
class Task:
    """A question with the sentences it is answered from and the words that a right answer holds."""

    question: str
    sources: Sequence[str]
    answer: str


TASKS = (
    Task(
        "Who repaired the clock of the town hall?",
        (
            "The clock of the town hall stopped in the winter of 1931 and was repaired by Edith Marlow, a "
            "watchmaker from Penrith.",
            "The town hall has two towers.",
        ),
        "Edith Marlow",
    ),
    Task(
        "How many boats belong to the rowing club?",
        (
            "The rowing club has 210 members and keeps 38 boats in a shed by the river.",
            "Races are held in May and in September.",
        ),
        "38",
    ),
    Task(
        "When did the ferry service to the island end?",
        (
            "Ferry service to the island began in 1902 and ended in 1974, when the bridge was opened.",
            "About 600 people live on the island.",
        ),
        "1974",
    ),
    Task(
        "Why was the railway line closed?",
        (
            "The railway line was closed because the tunnel had flooded twice in one year.",
            "Its stations are used as dwellings today.",
        ),
        "the tunnel had flooded",
    ),
    Task(
        "What is the roof of the chapel made of?",
        (
            "The walls of the chapel are built of granite, while the roof is made of slate from Wales.",
            "The chapel seats eighty people.",
        ),
        "slate",
    ),
    Task(
        "Where does the river Amble rise?",
        (
            "The river Amble rises on the southern slope of Mount Kerrin and reaches the sea at Port Lowe.",
            "It is navigable for eleven kilometres.",
        ),
        "Mount Kerrin",
    ),
    Task(
        "Which crop replaced hops in the valley?",
        (
            "In the valley, hops were replaced by apples after the blight of 1887.",
            "The valley lies between two forests.",
        ),
        "apples",
    ),
    Task(
        "How long must the pump run before the filter is changed?",
        (
            "Change the filter only after the pump has run for 15 minutes, and wear gloves.",
            "The pump has a warranty of two years.",
        ),
        "15 minutes",
    ),
)


@dataclass(frozen=True, slots=True)
class Capability:
    """Shares of the tasks: ``copied`` answered rightly by copying; ``passed`` with a free sentence that
    passes verification and ``right`` with one that also holds the answer."""

    copied: float
    passed: float
    right: float

    @property
    def drafting(self) -> Drafting:
        """How the model should draft."""
        writes = self.passed >= FEW_SENTENCES and self.right >= GOOD_SENTENCES * self.passed
        if writes and self.right >= self.copied:
            return Drafting.FREE
        if self.copied >= GOOD_COPIES:
            return Drafting.COPY
        return Drafting.FREE if writes else Drafting.OFF


PACKAGED = {
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53": Capability(0.25, 1.0, 0.875),
}
"""What ``probe`` says of the model that Footnote comes with, by its hash: nobody has to wait for that."""


def capability_of(generator: TextGenerator, folder: Path, tell: Tell) -> Capability:
    """What is known of the model, or found out now, which takes some seconds.

    Args:
        folder: of models made on this machine; the outcome is kept there.

    Raises:
        Busy, Unavailable: the generator cannot be used now.
    """
    identity = generator.identity
    if identity.sha256 in PACKAGED:
        return PACKAGED[identity.sha256]
    # Of another server's model there is a name and no hash: it is taken for the same as long as its name is.
    key = identity.sha256 or hashlib.sha256(identity.name.encode()).hexdigest()
    path = folder / f"drafting-{key[:24]}.json"
    known = _read(path)
    if known is None:
        began = time.monotonic()
        known = probe(generator, tell)
        if time.monotonic() - began < _PATIENCE_S:  # else it was cut short, and is worth another try
            _write(path, known)
    return known


def probe(generator: TextGenerator, tell: Tell = lambda done, total: None) -> Capability:
    """Put every task to the model in both ways, or as many as there is time for, at least one."""
    copied = passed = right = tried = 0
    began = time.monotonic()
    for task in TASKS:
        if tried and time.monotonic() - began > _PATIENCE_S:
            break
        tell(tried, len(TASKS))
        tried += 1
        copied += _is_right(task, _draft(generator, task, Drafting.COPY))
        sentence = _draft(generator, task, Drafting.FREE)
        passed += sentence is not None
        right += _holds(task, sentence)
    return Capability(copied / tried, passed / tried, right / tried)


def _draft(generator: TextGenerator, task: Task, drafting: Drafting) -> DraftSentence | None:
    """The model's first sentence, if it passes verification."""
    evidence = _evidence(task)
    planned = plan(drafting, task.question, evidence, generator.chat_format)
    assert planned is not None
    drafts: list[DraftSentence] = []
    with generator.generate(planned.request) as events:
        for event in events:
            drafts += planned.reader.take(event)
    for draft in drafts:
        check = verify(draft.text, draft.claims, evidence, task.question)
        used = [item for item in evidence if item.number in check.citations]
        if check.verdict is not Verdict.UNSUPPORTED and all(
            addresses(draft.text, item, task.question) for item in used
        ):
            return draft
    return None


def _is_right(task: Task, found: DraftSentence | None) -> bool:
    return _holds(task, found) and found is not None and len(words(found.text)) <= _LONGEST_SHORT_ANSWER


def _holds(task: Task, found: DraftSentence | None) -> bool:
    return found is not None and f" {' '.join(words(task.answer))} " in f" {' '.join(words(found.text))} "


def _evidence(task: Task) -> list[Evidence]:
    document = DocumentRef("", "", 1)
    return [
        Evidence(number, document, 0, None, 0, len(text), text, "", 1.0)
        for number, text in enumerate(task.sources, start=1)
    ]


def _read(path: Path) -> Capability | None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored.pop("release") == RELEASE:
            return Capability(**stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # never tried, tried by another release, or damaged
    return None


def _write(path: Path, known: Capability) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}.new")
        new.write_text(json.dumps({"release": RELEASE, **asdict(known)}), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        _log.warning("what the model can do is not remembered: %s", error)
