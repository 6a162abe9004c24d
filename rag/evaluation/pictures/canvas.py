"""SVG, written element by element. Everything that goes in is escaped; colours are left to a style sheet."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

Number = float | int

STYLE = """
svg{--ink:#1d2430;--muted:#5c6675;--grid:#e1e5eb;--accent:#1f5fbf;--second:#b3541e;--bad:#b3261e;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
@media(prefers-color-scheme:dark){svg{--ink:#e8ebf0;--muted:#9aa5b5;--grid:#2c3440;--accent:#82b1ff;
--second:#f0a868;--bad:#ff8a80}}
svg text{fill:var(--ink);font-size:12px}
svg .quiet{fill:var(--muted)}
svg .grid{stroke:var(--grid);stroke-width:1}
svg .axis{stroke:var(--muted);stroke-width:1}
svg .ideal{stroke:var(--muted);stroke-width:1.2;stroke-dasharray:3 4}
svg .line{fill:none;stroke:var(--accent);stroke-width:2.4;stroke-linejoin:round}
svg .before{fill:none;stroke:var(--second);stroke-width:1.8;stroke-dasharray:6 4}
svg .area{fill:var(--accent);opacity:.1}
svg .bar{fill:var(--accent);opacity:.8}
svg .faint{fill:var(--accent);opacity:.25}
svg .whisker{stroke:var(--accent);stroke-width:5;stroke-linecap:round;opacity:.35}
svg .dot{fill:var(--accent)}
svg .mark{fill:var(--second)}
svg .hollow{fill:none;stroke:var(--second);stroke-width:2}
svg .error{stroke:var(--accent);stroke-width:1.5;opacity:.6}
svg .stem{stroke:var(--second);stroke-width:1.5}
""".strip()
"""For the page that shows pictures; a picture in a file of its own carries it."""


class Canvas:
    """A picture of ``width`` by ``height`` units, y downwards.

    Args:
        title: what it is, for those who cannot see it and as its tooltip.
        description: what it shows, in a sentence with the figures that matter.
    """

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._width, self._height = width, height
        self._title, self._description = title, description
        self._parts: list[str] = []

    def add(self, tag: str, **attributes: str | Number) -> None:
        """An element; ``class_`` is ``class``, and underscores stand for hyphens."""
        self._parts.append(f"<{tag}{_attributes(attributes)}/>")

    def text(self, x: float, y: float, words: str, class_: str = "", anchor: str = "start") -> None:
        placed = _attributes({"x": x, "y": y, "text_anchor": anchor, "class_": class_})
        self._parts.append(f"<text{placed}>{escape(words)}</text>")

    def line(self, x1: float, y1: float, x2: float, y2: float, class_: str) -> None:
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)

    def path(self, points: Sequence[tuple[float, float]], class_: str, *, closed: bool = False) -> None:
        """Straight lines from point to point."""
        steps = "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        self.add("path", d=f"M{steps}{'Z' if closed else ''}", class_=class_)

    def svg(self, *, standalone: bool = False) -> str:
        """The picture; ``standalone`` for a file of its own, with its style sheet."""
        name = re.sub(r"\W+", "-", self._title.lower()).strip("-")
        space = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
        style = f"<style>{STYLE}</style>" if standalone else ""
        return (
            f'<svg{space} viewBox="0 0 {self._width} {self._height}" role="img" '
            f'aria-labelledby="{name}-title {name}-description">'
            f'<title id="{name}-title">{escape(self._title)}</title>'
            f'<desc id="{name}-description">{escape(self._description)}</desc>'
            f"{style}{''.join(self._parts)}</svg>"
        )


@dataclass(frozen=True, slots=True)
class Axis:
    """Values ``low`` to ``high`` onto ``start`` to ``end``; ``bend`` comes first (a logarithm)."""

    low: float
    high: float
    start: float
    end: float
    bend: Callable[[float], float] = float

    def at(self, value: float) -> float:
        low, high = self.bend(self.low), self.bend(self.high)
        inside = min(max(self.bend(value), low), high)
        return self.start + (self.end - self.start) * (inside - low) / (high - low)


def frame(
    canvas: Canvas,
    x: Axis,
    y: Axis,
    x_ticks: Sequence[tuple[float, str]],
    y_ticks: Sequence[tuple[float, str]],
    labels: tuple[str, str],
) -> None:
    """Grid, axes, ticks and what the axes are: below, and above the top left corner."""
    for value, words in y_ticks:
        canvas.line(x.start, y.at(value), x.end, y.at(value), "grid")
        canvas.text(x.start - 8, y.at(value) + 4, words, "quiet", "end")
    for value, words in x_ticks:
        canvas.line(x.at(value), y.start, x.at(value), y.start + 5, "axis")
        canvas.text(x.at(value), y.start + 20, words, "quiet", "middle")
    canvas.line(x.start, y.start, x.end, y.start, "axis")
    canvas.text((x.start + x.end) / 2, y.start + 40, labels[0], anchor="middle")
    canvas.text(x.start - 40, y.end - 12, labels[1])


def _attributes(attributes: dict[str, str | Number]) -> str:
    written = []
    for name, value in attributes.items():
        if value != "":
            content = escape(value) if isinstance(value, str) else _number(value)
            written.append(f' {name.rstrip("_").replace("_", "-")}="{content}"')
    return "".join(written)


def _number(value: Number) -> str:
    return f"{value:.1f}".removesuffix(".0")
