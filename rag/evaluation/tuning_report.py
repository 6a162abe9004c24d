"""What ``footnote models tune`` found, as a dated table with a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rag.evaluation.metrics import mean
from rag.evaluation.pictures.forms import Form, forms
from rag.evaluation.reports import Figure, Report, write
from rag.evaluation.tuning import MOST_DIVERGENCE, WORTH_IT, Trial, Tried, best
from rag.models.model_bench import TASKS

_TASKS = {"prefill": "reading", "alone": "writing one text", "together": "writing several at once"}
PICTURE = "models-tune.svg"


def write_report(tried: Sequence[Tried], trial: Trial, folder: Path) -> Path:
    """Write the table and the picture into ``folder``; returns where the table is."""
    kept = best(tried)
    figures = [figure for one in tried for figure in _figures(one)]
    figures.append(Figure("kept", f"{kept.entry.name}, {kept.speed:.2f} times as fast"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PICTURE).write_text(forms([_form(one, kept) for one in tried]).svg(standalone=True))
    report = Report(
        "models-tune",
        "Forms of the model on this machine",
        "footnote models tune",
        figures,
        _notes(tried, trial),
        [("Speed and answers of each form", PICTURE)],
    )
    return write(report, folder)


def _figures(one: Tried) -> list[Figure]:
    name, bench = one.entry.name, one.bench
    rows = [
        Figure(
            f"{name}: {_TASKS[task]}",
            f"{bench.effort(task):,.0f} tokens a second of processor time ({bench.rate(task):,.0f} by the "
            f"clock), {bench.ratio(task, one.beside):.2f} times as many",
        )
        for task in TASKS
    ]
    rows.append(Figure(f"{name}: memory", f"{bench.memory_mib:,.0f} MiB"))
    rows.append(Figure(f"{name}: answer in the draft", _share(one.answers.held, one, 0)))
    rows.append(Figure(f"{name}: right and verified", _share(one.answers.right, one, 1)))
    if one.comparison:
        found = one.comparison
        met = found["divergence"] <= MOST_DIVERGENCE
        same = f"the same next token in {found['agreement']:.0%} of {found['tokens']}"
        perplexity = f"perplexity {found['perplexity']:.1f} after {found['reference_perplexity']:.1f}"
        rows.append(
            Figure(
                f"{name}: divergence, nats",
                f"{found['divergence']:.3f} ({same}, {perplexity})",
                f"<= {MOST_DIVERGENCE}",
                met,
            )
        )
    return rows


def _share(values: Sequence[float], one: Tried, which: int) -> str:
    shown = f"{mean(values):.3f}"
    if not one.changes:
        return shown
    found = one.changes[which]
    return f"{shown} ({found.gained} gained, {found.lost} lost, p = {found.p:.2f})"


def _notes(tried: Sequence[Tried], trial: Trial) -> list[str]:
    load = max(one.bench.load for one in tried)
    return [
        f"{len(trial.cases)} questions; {trial.rounds} rounds, each form in turn with the one in hand; "
        f"{trial.settings.threads} threads, {trial.settings.parallel} texts at once.",
        "The rule: of the forms whose answers are not worse (sign test, p < 0.05) and that differ by at most "
        f"{MOST_DIVERGENCE} nats, the fastest by processor time, if it is {WORTH_IT} times as fast.",
        f"Up to {load:.1f} processes wanted a processor meanwhile. Times by the clock suffer from others, "
        "processor times hardly.",
    ]


def _form(one: Tried, kept: Tried) -> Form:
    return Form(
        one.entry.record.form or one.entry.name, one.speed, mean(one.answers.held), not one.worse, one is kept
    )
