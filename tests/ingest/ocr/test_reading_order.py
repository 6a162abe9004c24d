from __future__ import annotations

import random

import pytest

from ingest.ocr.engine import PixelBox
from ingest.ocr.reading_order import reading_order


def line(x: float, y: float, width: float, height: float = 20) -> PixelBox:
    return (x, y, x + width, y + height)


TITLE = [line(50, 0, 900)]
LEFT = [line(50, 40 + 30 * row, 420) for row in range(10)]
RIGHT = [line(530, 40 + 30 * row, 420) for row in range(10)]
FOOT = [line(480, 380, 40)]


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        TITLE,
        LEFT,
        [*LEFT, *RIGHT],
        [*TITLE, *LEFT, *RIGHT, *FOOT],
        [line(0, 0, 100), line(105, 0, 100), line(0, 30, 100), line(105, 30, 100)],  # words, no columns
        [line(0, 0, 100), line(0, 12, 100), line(0, 24, 100)],  # lines that overlap
    ],
)
def test_lines_are_found_in_their_order(boxes: list[PixelBox]) -> None:
    for seed in range(5):
        shuffled = random.Random(seed).sample(boxes, len(boxes))
        assert [shuffled[at] for at in reading_order(shuffled)] == boxes


def test_a_page_of_very_many_lines_is_ordered() -> None:
    boxes = [line(0, 30 * row, 400) for row in range(800)]
    assert reading_order(boxes[::-1]) == list(range(799, -1, -1))
