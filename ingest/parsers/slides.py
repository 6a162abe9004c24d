"""What presentations of all formats have in common: the order of what stands on a slide, hidden slides."""

from __future__ import annotations

from collections.abc import Sequence

from rag.errors import DocumentRejected
from rag.records import Notice

_LOOK_BACK = 16

NOTES = "Notes:"
"""Stands between a slide and what its author noted below it."""

Frame = tuple[float, float, float, float]
"""Left, top, right, bottom in any unit, the origin top left."""


def reading_order(frames: Sequence[Frame | None]) -> list[int]:
    """Indices of ``frames`` in reading order; None stands for something without a place of its own.

    Programs keep shapes in the order they were drawn in, which mostly is the order they are meant in. It
    is given up for top to bottom, left to right where a shape stands above one in the same column that
    comes before it. Each is compared with the few before it only: slides may hold any number of shapes.
    """
    indices = range(len(frames))
    placed = [frame for frame in frames if frame is not None]
    before = ((frame, placed[max(0, index - _LOOK_BACK) : index]) for index, frame in enumerate(placed))
    if not any(_is_above(frame, earlier) for frame, those in before for earlier in those):
        return list(indices)
    # What has no place of its own stays behind what it follows.
    keys: list[tuple[float, float]] = []
    for frame in frames:
        last = keys[-1] if keys else (0.0, 0.0)
        keys.append(last if frame is None else (frame[1], frame[0]))
    return sorted(indices, key=keys.__getitem__)


def hidden_slides(numbers: Sequence[int]) -> list[Notice]:
    """The notice that these slides were left out, if there are any."""
    if not numbers:
        return []
    shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
    what = "Hidden slides were" if len(numbers) > 1 else "A hidden slide was"
    detail = f"{what} left out: {shown}. Unhide what is to be found and send the presentation again."
    return [Notice("hidden_slides", detail)]


def check_slide_count(count: int, most: int) -> None:
    """Refuse a presentation of more than ``most`` slides (DocumentRejected, ``limit_exceeded``)."""
    if count > most:
        raise DocumentRejected(
            "limit_exceeded",
            f"The presentation has more than {most:,} slides; split it and send the parts.",
        )


def _is_above(one: Frame, other: Frame) -> bool:
    same_column = one[0] < other[2] and other[0] < one[2]
    return same_column and one[3] <= other[1]
