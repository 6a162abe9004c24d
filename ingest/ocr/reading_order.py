"""The order in which a reader takes the lines of a page: recursive XY-cut (Nagy and Seth, 1984).

A page is cut where a straight white gap runs through it: first from top to bottom, into columns, else
from side to side at the widest gap; each part is then cut in its turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ingest.ocr.engine import PixelBox

_LEFT, _TOP, _RIGHT, _BOTTOM = range(4)
_GUTTER = 0.6
"""How wide a gap between columns is at least, in line heights; word spaces are narrower."""


def reading_order(boxes: Sequence[PixelBox]) -> list[int]:
    """The indices of ``boxes`` in reading order."""
    if not boxes:
        return []
    height = median(box[_BOTTOM] - box[_TOP] for box in boxes)
    ordered: list[int] = []
    waiting = [list(range(len(boxes)))]
    while waiting:  # a stack, not recursion: a page of a thousand lines may be cut a thousand times
        part = waiting.pop()
        halves = _cut(boxes, part, _LEFT, _RIGHT, _GUTTER * height) or _cut(boxes, part, _TOP, _BOTTOM, 0.0)
        if halves is None:
            ordered += sorted(part, key=lambda at: (_row(boxes[at], height), boxes[at][_LEFT]))
        else:
            waiting += reversed(halves)
    return ordered


def _cut(
    boxes: Sequence[PixelBox], part: list[int], start: int, end: int, wider_than: float
) -> tuple[list[int], list[int]] | None:
    """``part`` in two at the widest gap between ``start`` and ``end`` edges, if there is such a gap."""
    by_start = sorted(part, key=lambda at: boxes[at][start])
    widest, place = wider_than, 0
    reach = boxes[by_start[0]][end]
    for index, at in enumerate(by_start[1:], start=1):
        if boxes[at][start] - reach > widest:
            widest, place = boxes[at][start] - reach, index
        reach = max(reach, boxes[at][end])
    return (by_start[:place], by_start[place:]) if place else None


def _row(box: PixelBox, height: float) -> int:
    """Lines that overlap and cannot be cut apart count as one row if their middles are close."""
    return round((box[_TOP] + box[_BOTTOM]) / 2 / max(height, 1.0))
