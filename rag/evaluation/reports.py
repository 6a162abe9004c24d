"""Dated tables of figures, kept so that the next run has something to be compared with."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured, the value as shown, and what was to be reached (empty if nothing)."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """``name`` becomes the file's name; ``command`` repeats the run; ``notes`` say what to know.

    ``pictures`` are pairs of what is seen and the file that lies beside the report.
    """

    name: str
    title: str
    command: str
    figures: Sequence[Figure]
    notes: Sequence[str] = ()
    pictures: Sequence[tuple[str, str]] = ()


def render(report: Report, when: datetime) -> str:
    """The report as Markdown."""
    lines = [
        f"# {report.title}",
        "",
        f"{when:%Y-%m-%d %H:%M} UTC, {machine()}. Repeat with `{report.command}`.",
        "",
        "| figure | value | target | met |",
        "|---|---|---|---|",
    ]
    marks = {True: "yes", False: "no", None: ""}
    lines += [f"| {one.name} | {one.value} | {one.target} | {marks[one.met]} |" for one in report.figures]
    lines += ["", *(f"- {note}" for note in report.notes)] if report.notes else []
    for seen, file in report.pictures:
        lines += ["", f"![{seen}]({file})"]
    return "\n".join(lines) + "\n"


def write(report: Report, folder: Path) -> Path:
    """Write ``<name>-<date>.md`` into ``folder`` (created when missing) and return its path."""
    now = datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.name}-{now:%Y-%m-%d}.md"
    path.write_text(render(report, now))
    return path


def at_least(name: str, value: float, target: float) -> Figure:
    """A share that should reach ``target``."""
    return Figure(name, f"{value:.3f}", f">= {target:.2f}", value >= target)


def at_most_ms(name: str, value: float, target: float) -> Figure:
    """A time in milliseconds that should stay under ``target``."""
    return Figure(name, f"{value:,.0f} ms", f"< {target:,.0f} ms", value < target)


def machine() -> str:
    """Cores, system and Python of this machine, in words."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"
