"""``python -m tests.faults``: make every kind of fault, tell what broke, and keep the figures."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from rag.evaluation.reports import Figure, Report, write
from tests.faults.outcome import Outcome
from tests.faults.service import ROOT

REPORTS = ROOT / "data" / "reports"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Lane:
    """A module of ``lanes`` with how many faults the full run makes, and the short one of ``make test``; 0 of
    a lane that would take ``make test`` yet another service."""

    module: str
    n: int
    short: int


_ALL = 100_000
"""More than there are: every point that can be enumerated."""

LANES: Mapping[str, Lane] = {
    "calls": Lane("every_call", _ALL, 8),
    "steps": Lane("every_step", _ALL, 4),
    "power": Lane("power_loss", 2000, 4),
    "failing": Lane("failing_disk", _ALL, 6),
    "full": Lane("full_disk", 200, 1),
    "index": Lane("damaged_index", 1000, 8),
    "damage": Lane("damaged_database", 1000, 8),
    "busy": Lane("busy", 60, 1),
    "model": Lane("model", 500, 2),
    "backups": Lane("backups", 50, 0),
    "upgrades": Lane("upgrades", _ALL, 5),
    "recovery": Lane("recovery", 200, 6),
    "files": Lane("open_files", 200, 0),
    "clock": Lane("clock_jumps", 200, 0),
    "kills": Lane("random_kills", 1000, 0),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 when anything was violated."""
    options = _options(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    outcomes = []
    for name in options.lane or LANES:
        lane = LANES[name]
        n = options.n or (lane.short if options.short else lane.n)
        if n == 0:
            continue
        module = importlib.import_module(f"tests.faults.lanes.{lane.module}")
        with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
            outcome: Outcome = module.run(n, options.seed, Path(folder))
        print(outcome.line(), flush=True)
        for violation in outcome.violations[:_SHOWN]:
            print(f"  {violation}", flush=True)
        outcomes.append(outcome)
    if not (options.no_report or options.short):
        print(f"wrote {write(_report(outcomes), REPORTS)}")
    return int(any(outcome.violations for outcome in outcomes))


def _report(outcomes: Sequence[Outcome]) -> Report:
    figures, notes = [], []
    for one in outcomes:
        if one.skipped:
            notes.append(f"{one.title}: skipped, {one.skipped}.")
            continue
        shown = f"{len(one.violations)} of {one.n:,}"
        if not one.violations:
            shown += f" (at most {one.bound:.2%})"
        figures.append(Figure(one.title, shown, "0", not one.violations))
        more = "".join(f", {name} {value}" for name, value in one.figures.items())
        notes.append(f"{one.lane}: seed {one.seed}, {one.seconds:,.0f} s{more}.")
    return Report(
        "faults",
        "Faults made on purpose: what was lost, shown wrongly or left behind",
        "make faults",
        figures,
        [
            "In brackets: the rate that none of so many trials leaves possible, at 95 % (three over n).",
            *notes,
        ],
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--lane", action="append", choices=list(LANES), help="only this one; may be repeated")
    parser.add_argument("--n", type=int, help="how many faults; default: those of the full run")
    parser.add_argument("--short", action="store_true", help="only a few of each, without a report")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-report", action="store_true", help="write nothing into data/reports")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
