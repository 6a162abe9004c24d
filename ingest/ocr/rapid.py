"""rapidocr (Apache-2.0; PP-OCR models inside its wheel, no network) as a recognition engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from rapidocr import RapidOCR
from rapidocr.utils.output import RapidOCROutput

from ingest.ocr.engine import EngineFailed, Picture, PixelBox, RecognisedLine, RecognisedWord
from ingest.ocr.reading_order import reading_order

_PARAMETERS = {
    "Global.log_level": "critical",
    "Global.return_word_box": True,
    "Global.use_cls": False,  # turns single lines by 180°, which whole pages are not
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


class Rapid:
    """Knows Latin and Chinese script. Slow (about 10 s for a page), and keeps its models in memory."""

    name = "rapidocr"

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._recogniser = RapidOCR(params=_PARAMETERS)

    def recognise(self, picture: Picture, seconds: float) -> list[RecognisedLine]:
        """As ``ingest.ocr.engine.Engine``; ``seconds`` is up to the limits of the process."""
        pixels = np.frombuffer(picture.pixels, dtype=np.uint8).reshape(picture.height, picture.width)
        try:
            found = self._recogniser(pixels)
        except MemoryError:
            raise
        except Exception as error:  # the library documents none
            raise EngineFailed(f"rapidocr: {type(error).__name__}") from error
        # What comes back depends on the steps asked for, which the annotation cannot know.
        assert isinstance(found, RapidOCROutput)
        if not found.txts:
            return []
        lines = [line for words in found.word_results if (line := _line(words))]
        return [lines[at] for at in reading_order([_hull(line) for line in lines])]


def _line(words: Iterable[Any]) -> RecognisedLine:
    """From triples of text, score and corners."""
    return tuple(
        RecognisedWord(text.strip(), _bounds(corners))
        for text, _, corners in words
        if text.strip() and corners
    )


def _bounds(corners: list[list[float]]) -> PixelBox:
    xs, ys = zip(*corners, strict=True)
    return float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys))


def _hull(line: RecognisedLine) -> PixelBox:
    lefts, tops, rights, bottoms = zip(*(word.box for word in line), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
