"""An evaluation on a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rag.evaluation import abstention, measures
from rag.evaluation.comparing import Comparison
from rag.evaluation.measures import MEASURES, Measure
from rag.evaluation.runs import Run
from rag.evaluation.summary import abstention_of, cautions, conclusion, shown, shown_interval

_WIDTH = 120  # where standard output is no terminal


def print_run(run: Run, compared: Comparison | None) -> None:
    """Figures, operating points, verdicts, what changed, and how to read all that."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(_figures(run, compared))
    console.print(_points(run))
    checked, false = measures.citations(run)
    console.print(f"{checked - false:,} of {checked:,} quotations are the stored text.", highlight=False)
    verdicts = measures.verdicts(run)
    if verdicts:
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        console.print(f"Sentences of answers with the model: {told}.", highlight=False)
    for line in conclusion(compared):
        style = "bold red" if line.startswith("WORSE") else "bold"
        console.print(Text(line, style))  # a text is not markup
    console.print()
    for line in cautions(run):
        console.print(Text(line, "dim"))


def _figures(run: Run, compared: Comparison | None) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    headings = ["", "all", "95 % interval", "n", "held out", "after filter"]
    for heading in [*headings, "last run", "p"] if compared else headings:
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for group, inside in groupby(MEASURES, key=lambda measure: measure.group):
        table.add_row(Text(group, "bold"))
        for measure in inside:
            row = _row(measure, run)
            if row is not None:
                table.add_row(*row, *(_before(measure, compared) if compared else ()))
    return table


def _before(measure: Measure, compared: Comparison) -> list[Text]:
    """The figure of the last run's held-out questions, and how likely chance alone changes it so."""
    one = next((one for one in compared.figures if one.measure is measure), None)
    if one is None:
        return []
    was = measures.figure(measure, compared.before, measures.held_out)
    style = "bold red" if one.clearly_worse and measure.guarded else ""
    return [Text(shown(was.value, measure.kind)), Text(f"{one.change.p:.2f}", style)]


def _row(measure: Measure, run: Run) -> list[str] | None:
    """None for what was not measured."""
    all_ = measures.figure(measure, run)
    if not all_.n:
        return None
    held, confirmed = (
        measures.figure(measure, run, which) for which in (measures.held_out, measures.confirmed)
    )
    return [
        f"  {measure.name}",
        shown(all_.value, measure.kind),
        shown_interval(all_),
        str(all_.n),
        shown(held.value, measure.kind),
        shown(confirmed.value, measure.kind),
    ]


def _points(run: Run) -> Table:
    seen = abstention_of(run)
    curve = abstention.risk_coverage(seen.delivered)
    table = Table(
        title=f"Refusing below a threshold: AURC {abstention.area_under(curve):.3f}, "
        f"AUROC {abstention.ranking(seen.answerable, seen.unanswerable):.3f}, "
        f"ECE {abstention.calibration_error(abstention.reliability(seen.known)):.3f}",
        box=None,
        padding=(0, 2, 0, 0),
        header_style="bold",
        title_justify="left",
    )
    for heading in ("allowed", "threshold", "held out: refused with its document", "without it"):
        table.add_column(heading, justify="right")
    for point in seen.points:
        table.add_row(
            f"{point.allowed:.0%}",
            f"{point.threshold:.3f}",
            f"{point.false_refusals:.1%}",
            f"{point.refused:.1%}",
        )
    return table
