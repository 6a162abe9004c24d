"""How something grows with something else: lines over two logarithmic axes, each with its name at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.evaluation.pictures.canvas import Axis, Canvas, frame

_LINES = ("line", "before", "ideal")
_LEFT, _RIGHT, _TOP, _BASE = 64.0, 500.0, 44.0, 280.0
_CLOSE = 15.0


@dataclass(frozen=True, slots=True)
class Line:
    """Points ``(x, y)``, all positive, in ascending order of x."""

    name: str
    points: Sequence[tuple[float, float]]


def growth(title: str, description: str, lines: Sequence[Line], labels: tuple[str, str]) -> Canvas:
    """At most three lines; ``labels`` say what x and y are."""
    canvas = Canvas(660, 340, title, description)
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    x = Axis(min(xs), max(xs) if max(xs) > min(xs) else 10 * min(xs), _LEFT, _RIGHT, math.log10)
    low, high = 10.0 ** math.floor(math.log10(min(ys))), 10.0 ** math.ceil(math.log10(max(ys)))
    y = Axis(low, high if high > low else 10 * low, _BASE, _TOP, math.log10)
    frame(canvas, x, y, [(one, f"{one:,.0f}") for one in sorted(set(xs))], _decades(y), labels)
    taken: list[float] = []
    for line, class_ in zip(lines, _LINES, strict=False):
        placed = [(x.at(at), y.at(value)) for at, value in line.points]
        canvas.path(placed, class_)
        end = placed[-1][1] + 4
        while any(abs(end - other) < _CLOSE for other in taken):
            end -= _CLOSE
        taken.append(end)
        canvas.text(placed[-1][0] + 8, end, line.name, "quiet")
    return canvas


def _decades(axis: Axis) -> list[tuple[float, str]]:
    first, last = round(math.log10(axis.low)), round(math.log10(axis.high))
    return [(10.0**power, f"{10.0**power:g}") for power in range(first, last + 1)]
