"""A run against the one before it: which figures changed, what was changed, and whether it got worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.evaluation.measures import MEASURES, Measure, Which, held_out, values
from rag.evaluation.pairs import Change, change
from rag.evaluation.runs import Run


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure over the questions both runs were asked."""

    measure: Measure
    change: Change

    @property
    def worse(self) -> bool:
        """Whether the figure fell (or rose, where less is better), whatever the chance of it."""
        fell = self.change.lost > self.change.gained
        rose = self.change.gained > self.change.lost
        return fell if self.measure.higher_is_better else rose

    @property
    def clearly_worse(self) -> bool:
        """Worse by more than chance. A quotation that is not the stored text is never chance."""
        return self.worse and (self.change.significant or self.measure.key == "intact")


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting, a model or a version that is not what it was."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``shared`` questions were asked in both runs; figures are of those that are held out."""

    before: Run
    after: Run
    shared: int
    figures: Sequence[Compared]
    differences: Sequence[Difference]

    @property
    def clearly_worse(self) -> Sequence[Compared]:
        return [one for one in self.figures if one.measure.guarded and one.clearly_worse]

    @property
    def perhaps_worse(self) -> Sequence[Compared]:
        """Guarded figures that fell, by no more than chance may bring."""
        clearly = self.clearly_worse
        return [one for one in self.figures if one.measure.guarded and one.worse and one not in clearly]


def compare(before: Run, after: Run, which: Which = held_out) -> Comparison:
    """Pair the questions of two runs; figures without a common question are left out."""
    asked = {question.id: question for question in before.questions}
    shared = sum(asked.get(question.id) == question for question in after.questions)
    figures = []
    for measure in MEASURES:
        earlier, later = values(measure, before, which), values(measure, after, which)
        common = [name for name in later if name in earlier]
        if common:
            pairs = change([earlier[name] for name in common], [later[name] for name in common])
            figures.append(Compared(measure, pairs))
    return Comparison(before, after, shared, figures, differences(before, after))


def differences(before: Run, after: Run) -> list[Difference]:
    """What of the service, the library and the machine is not the same."""
    earlier, later = dict(_conditions(before)), dict(_conditions(after))
    return [
        Difference(name, earlier.get(name, "-"), later.get(name, "-"))
        for name in sorted(earlier | later)
        if earlier.get(name) != later.get(name)
    ]


def _conditions(run: Run) -> Iterator[tuple[str, str]]:
    yield from _flat(run.service, "")
    yield "library", f"{run.library.documents:,} documents, {run.library.fingerprint[:12]}"
    yield "machine", run.machine


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, str(value)
