"""What every recognition engine offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

PixelBox = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels, origin top left."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Grey pixels, one byte each (0 is black), row by row without padding, at ``dpi`` pixels to an inch."""

    width: int
    height: int
    pixels: bytes
    dpi: float


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    text: str
    box: PixelBox


RecognisedLine = tuple[RecognisedWord, ...]


class Engine(Protocol):
    """Reads text from pictures."""

    @property
    def name(self) -> str: ...

    def recognise(self, picture: Picture, seconds: float) -> list[RecognisedLine]:
        """The lines of text in reading order, none of them empty.

        Raises ``EngineFailed`` when the picture defeats it, or takes longer than ``seconds``.
        """
        ...


class EngineFailed(Exception):
    """The engine gave up on a picture."""
