"""``footnote models bench`` and ``tune``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.cli.models.managing import Overrides, found, reported
from api.cli.output import print_fields, print_json
from api.cli.phase_bar import PhaseBar
from api.settings import Settings
from rag.evaluation.model_questions import Case, built_in, read
from rag.evaluation.tuning import Tell, Trial, Tried, best, try_forms
from rag.evaluation.tuning_report import write_report
from rag.models.forms import TRIED, named
from rag.models.generation import GeneratorSettings
from rag.models.model_bench import TASKS, Bench, measure
from rag.models.model_library import Entry, ModelLibrary


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """``questions`` is a folder of further ones, at most ``count``; ``keep`` puts the best into force."""

    forms: Sequence[str]
    questions: Path | None
    count: int
    rounds: int
    report: Path
    keep: bool


def bench(overrides: Overrides, name: str | None, rounds: int, as_json: bool) -> int:
    """How fast one model is here; returns the exit status."""

    def work(settings: Settings) -> int:
        entry = _in_hand(settings, name)
        with PhaseBar() as bar:
            told = f"Timing {entry.name}"
            (measured,) = measure(
                [entry.path], _wanted(settings), rounds, lambda done, total: bar.tell(told, done, total)
            )
        figures = {"name": entry.name, "sha256": entry.record.sha256, **_figures(measured)}
        if as_json:
            print_json(figures)
        else:
            print_fields({key.replace("_", " "): value for key, value in figures.items()})
        return 0

    return reported(work, overrides)


def tune(overrides: Overrides, name: str | None, options: TuneOptions, as_json: bool) -> int:
    """Measure the forms of a model and keep the best; returns the exit status."""

    def work(settings: Settings) -> int:
        library = ModelLibrary.within(settings.models)
        in_hand = _in_hand(settings, name)
        trial = Trial(_cases(options), _wanted(settings), options.rounds)
        there = library.entries()
        with PhaseBar() as bar:
            forms = _forms(library, in_hand, options.forms or TRIED, settings.threads, bar.tell)
            tried = try_forms(in_hand, forms, trial, bar.tell)
        kept = best(tried)
        report = write_report(tried, trial, options.report)
        if options.keep and kept.entry != in_hand:
            library.use(kept.entry.name)
        for entry in forms:
            if entry != kept.entry and entry not in there:
                library.remove(entry)
        _print(tried, kept, report, as_json)
        return 0

    return reported(work, overrides)


def _in_hand(settings: Settings, name: str | None) -> Entry:
    library = ModelLibrary.within(settings.models)
    if name is not None:
        return found(library, name)
    if settings.model is not None:
        return found(library, str(settings.model))
    entry = library.in_force()
    return entry if entry is not None else library.find("packaged")


def _forms(
    library: ModelLibrary, in_hand: Entry, forms: Sequence[str], threads: int, tell: Tell
) -> list[Entry]:
    """The forms to try, made from what the one in hand was made from itself, which is one of them then."""
    origin = next(
        (one for one in library.entries() if one.record.sha256 == in_hand.record.made_from), in_hand
    )
    found = [origin] if origin != in_hand else []
    for form in map(named, forms):
        if form not in (in_hand.record.form, origin.record.form):
            tell(f"Writing {origin.name} as {form}", 0, 1)
            found.append(library.make(origin, form, threads))
    return found


def _wanted(settings: Settings) -> GeneratorSettings:
    return GeneratorSettings(
        context=settings.context_tokens, threads=settings.threads, parallel=settings.max_concurrent_asks
    )


def _cases(options: TuneOptions) -> list[Case]:
    more = read(options.questions, options.count) if options.questions else []
    return [*built_in(), *more]


def _figures(measured: Bench) -> Mapping[str, Any]:
    rates = {f"{task}_tokens_per_second": round(measured.rate(task), 1) for task in TASKS}
    efforts = {f"{task}_by_processor_time": round(measured.effort(task), 1) for task in TASKS}
    return {**rates, **efforts, "memory_mib": round(measured.memory_mib), "load": round(measured.load, 1)}


def _print(tried: Sequence[Tried], kept: Tried, report: Path, as_json: bool) -> None:
    if as_json:
        forms = [
            {
                "name": one.entry.name,
                "sha256": one.entry.record.sha256,
                "speed": round(one.speed, 3),
                "answered": sum(one.answers.held) / len(one.answers.held),
                "right": sum(one.answers.right) / len(one.answers.right),
                "divergence": one.comparison["divergence"] if one.comparison else 0.0,
                "refused": one.worse,
                "kept": one is kept,
                **_figures(one.bench),
            }
            for one in tried
        ]
        print_json({"report": str(report), "forms": forms})
        return
    print(report.read_text(encoding="utf-8"))
    print(f"footnote: the report is {report}.", file=sys.stderr)
