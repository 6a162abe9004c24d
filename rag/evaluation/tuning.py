"""Which form of a model suits this machine: every form is measured beside the one in hand, then one is kept.

The rule (``best``): of the forms that answer no worse, as far as the questions can tell, the one that is
fastest; and the one in hand unless another is faster by ``WORTH_IT``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from rag.errors import FootnoteError
from rag.evaluation.model_answers import Answers, ask
from rag.evaluation.model_questions import Case
from rag.evaluation.pairs import Change, change
from rag.models.generation import GeneratorSettings
from rag.models.generator import Generator, Patience
from rag.models.model_bench import TASKS, Bench, measure
from rag.models.model_library import Entry
from rag.models.model_task import ModelTask
from rag.models.wire import WireMessage

WORTH_IT = 1.1
"""Times as fast; less than that is not worth other answers than those the model was tried with."""
MOST_DIVERGENCE = 0.15
"""Nats by which a form's expectations may differ from those of the form in hand. A hundred questions show the
loss of about ten answers; a smaller one shows only here. With 5 bits and more it is under 0.05."""

Tell = Callable[[str, int, int], None]
"""Hears what is being measured, and how far it is."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What was found of one form. ``comparison``, ``answers`` and ``before`` are against the form in hand:
    None for that itself. ``beside`` is the form in hand as measured in turn with this one."""

    entry: Entry
    bench: Bench
    beside: Bench
    answers: Answers
    comparison: WireMessage | None = None
    before: Answers | None = None

    @property
    def speed(self) -> float:
        """Times as fast as the form in hand: geometric mean over reading and writing, one and several."""
        return math.prod(self.bench.ratio(task, self.beside) for task in TASKS) ** (1 / len(TASKS))

    @property
    def changes(self) -> Sequence[Change]:
        """Of the answers in the drafts, and of right answers that pass verification."""
        if self.before is None:
            return ()
        before, after = self.before, self.answers
        return change(before.held, after.held), change(before.right, after.right)

    @property
    def worse(self) -> str:
        """Why it is out of the question; empty where it is not."""
        if any(one.significant and one.difference < 0 for one in self.changes):
            return "answers worse"
        if self.comparison is not None and self.comparison["divergence"] > MOST_DIVERGENCE:
            return "expects other words"
        return ""


@dataclass(frozen=True, slots=True)
class Trial:
    """How the forms are measured."""

    cases: Sequence[Case]
    settings: GeneratorSettings
    rounds: int


def best(tried: Sequence[Tried]) -> Tried:
    """The form to keep; the first is the one in hand."""
    in_hand = tried[0]
    fastest = max((one for one in tried if not one.worse), key=lambda one: one.speed)
    return fastest if fastest.speed >= WORTH_IT else in_hand


def try_forms(in_hand: Entry, forms: Sequence[Entry], trial: Trial, tell: Tell) -> list[Tried]:
    """Measure each of ``forms`` in turn with ``in_hand``, which comes first in what is returned.

    Raises:
        Unavailable: the model in hand cannot be used. A form that cannot be is left out.
    """
    answers = _answers(in_hand, trial, tell)
    (alone,) = _bench([in_hand], trial, tell)
    found = [Tried(in_hand, alone, alone, answers)]
    for form in forms:
        with suppress(FootnoteError):
            theirs = _answers(form, trial, tell)
            beside, bench = _bench([in_hand, form], trial, tell)
            found.append(Tried(form, bench, beside, theirs, _compared(in_hand, form, trial, tell), answers))
    return found


def _bench(entries: Sequence[Entry], trial: Trial, tell: Tell) -> list[Bench]:
    name = entries[-1].name
    paths = [entry.path for entry in entries]
    return measure(
        paths, trial.settings, trial.rounds, lambda done, total: tell(f"Timing {name}", done, total)
    )


def _answers(entry: Entry, trial: Trial, tell: Tell) -> Answers:
    at_once = trial.settings.parallel
    patience = replace(Patience(), waiting=at_once)
    with Generator(entry.path, trial.settings, patience) as generator:
        generator.wait_ready()
        return ask(
            generator, trial.cases, at_once, lambda done, total: tell(f"Asking {entry.name}", done, total)
        )


def _compared(in_hand: Entry, form: Entry, trial: Trial, tell: Tell) -> WireMessage:
    tell(f"Comparing {form.name}", 0, 1)
    with ModelTask() as task:
        paths = {"reference": str(in_hand.path), "candidate": str(form.path)}
        return task.do("compare", form.path, **paths, threads=trial.settings.threads)
