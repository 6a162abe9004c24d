"""The pictures of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.evaluation.abstention import Bin, RiskPoint, area_under, calibration_error
from rag.evaluation.intervals import wilson
from rag.evaluation.metrics import quantile
from rag.evaluation.pictures.canvas import Axis, Canvas, frame

_SHARE_TICKS = [(0.0, "0 %"), (0.25, "25 %"), (0.5, "50 %"), (0.75, "75 %"), (1.0, "100 %")]


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    points: Sequence[RiskPoint]


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a curve worth a name."""

    name: str
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Row:
    """A share with its interval, and what it was before if that is known."""

    name: str
    value: float
    interval: tuple[float, float]
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Durations in milliseconds."""

    name: str
    values: Sequence[float]


def risk_coverage(now: Curve, before: Curve | None = None, marks: Sequence[Mark] = ()) -> Canvas:
    """Wrong answers among those given, against how many are given. Lower is better.

    The mean over all coverages (AURC) is the area below.
    """
    area = f"The area under it is {area_under(now.points):.3f}"
    than = f"; it was {area_under(before.points):.3f}" if before else ""
    ends = f", {now.points[-1].risk:.0%} when every question is answered" if now.points else ""
    canvas = Canvas(640, 340, "Risk and coverage", f"{area}{than}{ends}.")
    x, y = Axis(0, 1, 60, 620), Axis(0, _top(now, before), 280, 40)
    ticks = [(y.high * step / 4, f"{100 * y.high * step / 4:.0f} %") for step in range(5)]
    frame(canvas, x, y, _SHARE_TICKS, ticks, ("share of questions answered", "wrong among the answers"))
    if before is not None:
        canvas.path(_placed(before, x, y), "before")
    line = _placed(now, x, y)
    canvas.path([(x.at(0), y.at(0)), *line, (line[-1][0], y.at(0))], "area", closed=True)
    canvas.path(line, "line")
    for mark in marks:
        left, top = x.at(mark.coverage), y.at(mark.risk)
        late = mark.coverage > 0.7
        canvas.add("circle", cx=left, cy=top, r=5, class_="mark")
        canvas.text(
            left + (-9 if late else 10),
            top + (-8 if late else 16),
            mark.name,
            anchor="end" if late else "start",
        )
    _legend(canvas, 20, now.name, before.name if before else None)
    return canvas


def reliability(bins: Sequence[Bin]) -> Canvas:
    """What the score promised and what came true, with 95 % intervals; on the diagonal both are the same."""
    total = sum(one.count for one in bins)
    said = f"Over {total} questions the mean gap between said and seen is {calibration_error(bins):.3f}."
    canvas = Canvas(640, 340, "Reliability of answerability", said)
    x, y = Axis(0, 1, 60, 620), Axis(0, 1, 280, 40)
    frame(canvas, x, y, _SHARE_TICKS, _SHARE_TICKS, ("answerability as stated", "share that was answerable"))
    most = max((one.count for one in bins), default=1)
    for one in bins:
        height = 60 * one.count / most
        left, right = x.at(one.low) + 2, x.at(one.high) - 2
        canvas.add("rect", x=left, y=280 - height, width=right - left, height=height, class_="faint")
        canvas.text((left + right) / 2, 280 - height - 4, str(one.count), "quiet", "middle")
    canvas.line(x.at(0), y.at(0), x.at(1), y.at(1), "ideal")
    for one in bins:
        low, high = wilson(round(one.observed * one.count), one.count)
        place, size = x.at(one.predicted), 3 + 6 * math.sqrt(one.count / most)
        canvas.line(place, y.at(low), place, y.at(high), "error")
        canvas.add("circle", cx=place, cy=y.at(one.observed), r=size, class_="dot")
    return canvas


def latency(rows: Sequence[Times]) -> Canvas:
    """One histogram below another on the same logarithmic scale, with median and 95th percentile."""
    shown = [row for row in rows if row.values]
    told = "; ".join(
        f"{row.name}: median {quantile(row.values, 0.5):,.0f} ms, "
        f"95th percentile {quantile(row.values, 0.95):,.0f} ms"
        for row in shown
    )
    height = 78
    canvas = Canvas(640, 70 + height * len(shown), "Latency", f"{told}.")
    everything = [value for row in shown for value in row.values]
    x = Axis(*_decades(everything), 150, 620, math.log10)
    bottom = 20 + height * len(shown)
    for at, row in enumerate(shown):
        base = 20 + height * (at + 1)
        canvas.text(140, base - 22, row.name, anchor="end")
        canvas.text(140, base - 6, f"{quantile(row.values, 0.5):,.0f} ms", "quiet", "end")
        _histogram(canvas, row.values, x, base, height - 22)
        for share, class_ in ((0.5, "stem"), (0.95, "before")):
            place = x.at(quantile(row.values, share))
            canvas.line(place, base, place, base - height + 18, class_)
        canvas.line(x.start, base, x.end, base, "axis")
    for power in range(round(math.log10(x.low)), round(math.log10(x.high)) + 1):
        canvas.text(x.at(10.0**power), bottom + 20, _duration(10.0**power), "quiet", "middle")
    canvas.text(
        (x.start + x.end) / 2, bottom + 42, "solid line: median; dashed: 95th percentile", "quiet", "middle"
    )
    return canvas


def shares(rows: Sequence[Row], names: tuple[str, str | None]) -> Canvas:
    """Dots with their 95 % intervals; hollow where they were before. ``names`` of now and before."""
    told = "; ".join(
        f"{row.name} {row.value:.0%}" + (f" (was {row.before:.0%})" if row.before is not None else "")
        for row in rows
    )
    height = 34
    canvas = Canvas(640, 76 + height * len(rows), "Shares with their intervals", f"{told}.")
    x = Axis(0, 1, 250, 560)
    bottom = 40 + height * len(rows)
    for value, words in _SHARE_TICKS:
        canvas.line(x.at(value), 34, x.at(value), bottom, "grid")
        canvas.text(x.at(value), bottom + 20, words, "quiet", "middle")
    for at, row in enumerate(rows):
        middle = 40 + height * at + height / 2
        canvas.text(238, middle + 4, row.name, anchor="end")
        canvas.line(x.at(row.interval[0]), middle, x.at(row.interval[1]), middle, "whisker")
        if row.before is not None:
            canvas.add("circle", cx=x.at(row.before), cy=middle, r=7, class_="hollow")
        canvas.add("circle", cx=x.at(row.value), cy=middle, r=5, class_="dot")
        canvas.text(572, middle + 4, f"{100 * row.value:.1f} %")
    _dots(canvas, 250, 16, names)
    return canvas


def _placed(curve: Curve, x: Axis, y: Axis) -> list[tuple[float, float]]:
    return [(x.at(point.coverage), y.at(point.risk)) for point in curve.points] or [(x.start, y.start)]


def _top(now: Curve, before: Curve | None) -> float:
    """A round share that no point lies above."""
    risks = [point.risk for curve in (now, before) if curve for point in curve.points]
    return min(1.0, max(0.2, math.ceil(max(risks, default=1.0) * 5) / 5))


def _decades(values: Sequence[float]) -> tuple[float, float]:
    """Powers of ten around the values."""
    low, high = max(0.1, min(values, default=1.0)), max(1.0, max(values, default=1000.0))
    first = math.floor(math.log10(low))
    return 10.0**first, 10.0 ** max(first + 1, math.ceil(math.log10(high)))


def _histogram(canvas: Canvas, values: Sequence[float], x: Axis, base: float, height: float) -> None:
    bins = 48
    width = (x.end - x.start) / bins
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((x.at(value) - x.start) / width))] += 1
    for at, count in enumerate(counts):
        if count:
            tall = height * count / max(counts)
            canvas.add(
                "rect",
                x=x.start + at * width + 0.5,
                y=base - tall,
                width=width - 1,
                height=tall,
                class_="bar",
            )


def _duration(milliseconds: float) -> str:
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:g} s"
    return f"{milliseconds:g} ms"


def _legend(canvas: Canvas, y: float, now: str, before: str | None) -> None:
    start = 330.0
    for name, class_ in ((now, "line"), (before, "before")):
        if name is not None:
            canvas.line(start, y - 4, start + 26, y - 4, class_)
            canvas.text(start + 32, y, name, "quiet")
            start += 150


def _dots(canvas: Canvas, x: float, y: float, names: tuple[str, str | None]) -> None:
    canvas.add("circle", cx=x + 5, cy=y - 4, r=5, class_="dot")
    canvas.text(x + 16, y, names[0], "quiet")
    if names[1] is not None:
        canvas.add("circle", cx=x + 165, cy=y - 4, r=6, class_="hollow")
        canvas.text(x + 178, y, names[1], "quiet")
