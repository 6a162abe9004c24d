"""Speed against answers, a dot for each form of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.evaluation.pictures.canvas import Axis, Canvas, frame

_LINE = 15.0
_NAMES = 478.0
"""Where they begin, to the right of all dots."""


@dataclass(frozen=True, slots=True)
class Form:
    """``speed`` as a multiple, ``answered`` as a share; ``sound`` unless its answers are worse."""

    name: str
    speed: float
    answered: float
    sound: bool
    kept: bool


def forms(found: Sequence[Form]) -> Canvas:
    """Right and up is better. Hollow are those that are out of the question; the one kept has a ring."""
    told = "; ".join(
        f"{one.name}: {one.speed:.2f} times as fast, {one.answered:.0%} answered" for one in found
    )
    canvas = Canvas(660, 340, "Speed and answers of each form", f"{told}.")
    speeds, shares = [one.speed for one in found], [one.answered for one in found]
    x = Axis(math.floor(min(speeds) * 4) / 4, math.ceil(max(speeds) * 4 + 0.01) / 4, 64, 440)
    low = max(0.0, math.floor(min(shares) * 5 - 0.01) / 5)
    y = Axis(low, min(1.0, math.ceil(max(shares) * 5 + 0.01) / 5), 280, 44)
    x_ticks = [(x.low + step * (x.high - x.low) / 4) for step in range(5)]
    y_ticks = [(y.low + step * (y.high - y.low) / 4) for step in range(5)]
    frame(
        canvas,
        x,
        y,
        [(at, f"{at:.2f}×") for at in x_ticks],
        [(at, f"{100 * at:.0f} %") for at in y_ticks],
        ("times as fast as the form in hand", "questions whose draft holds the answer"),
    )
    taken: list[float] = []
    for one in sorted(found, key=lambda form: -form.answered):
        left, top = x.at(one.speed), y.at(one.answered)
        canvas.add("circle", cx=left, cy=top, r=5, class_="dot" if one.sound else "hollow")
        if one.kept:
            canvas.add("circle", cx=left, cy=top, r=10, class_="hollow")
        line = top + 4
        while any(abs(line - other) < _LINE for other in taken):
            line += _LINE
        taken.append(line)
        canvas.line(left + 12, top, _NAMES - 6, line - 4, "grid")
        canvas.text(_NAMES, line, one.name, "" if one.kept else "quiet")
    return canvas
