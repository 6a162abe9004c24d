"""Recognition in another process, over two pipes: the parser draws pages and may start nothing.

So a parser needs neither the right to start programs nor the memory of a recognition model, and whoever
starts programs sees pixels only. A picture is sent as a JSON line with its pixels behind it; the answer
is a JSON line. Neither side trusts the other further than the shape of what it says.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from ingest.ocr.engine import Engine, EngineFailed, Picture, RecognisedLine, RecognisedWord

_ANSWER_BYTES = 1 << 24
_READ_BYTES = 1 << 16
_SLACK_SECONDS = 1.0


class RemoteEngine:
    """The engine at the other end: pictures go to the descriptor ``asking``, answers come from ``hearing``.

    One that took too long or said nonsense is not asked again: its late answer would be taken for that
    to the next picture.
    """

    name = "remote"

    def __init__(self, asking: int, hearing: int) -> None:
        self._asking = asking
        self._hearing = hearing
        self._lost = False

    def recognise(self, picture: Picture, seconds: float) -> list[RecognisedLine]:
        """As ``ingest.ocr.engine.Engine``."""
        if self._lost:
            raise EngineFailed("the recognition process does not answer any more")
        deadline = time.monotonic() + seconds + _SLACK_SECONDS
        try:
            answer = self._exchange(picture, seconds, deadline)
            if "failed" in answer:
                raise EngineFailed(str(answer["failed"]))
            return [tuple(map(_word, line)) for line in answer["lines"] if line]
        except (OSError, ValueError, TypeError, KeyError) as error:
            self._lost = True
            raise EngineFailed(f"the recognition process failed ({type(error).__name__})") from error

    def _exchange(self, picture: Picture, seconds: float, deadline: float) -> dict[str, Any]:
        head = {"width": picture.width, "height": picture.height, "dpi": picture.dpi, "seconds": seconds}
        _write(self._asking, json.dumps(head).encode() + b"\n" + picture.pixels)
        answer = json.loads(self._line(deadline))
        if not isinstance(answer, dict):
            raise ValueError("an answer must be an object")
        return answer

    def _line(self, deadline: float) -> bytes:
        """An answer. Raises OSError (TimeoutError) or ValueError."""
        received = bytearray()
        waiting = select.poll()
        waiting.register(self._hearing, select.POLLIN)
        while not received.endswith(b"\n"):
            if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError
            piece = os.read(self._hearing, _READ_BYTES)
            received += piece
            if not piece or len(received) > _ANSWER_BYTES:
                raise ValueError("an answer that does not end")
        return bytes(received)


def serve(asked: BinaryIO, answering: int, find: Callable[[], Engine | None]) -> None:
    """Recognise the pictures that come from ``asked`` until it is closed; ``find`` gets the engine once."""
    engine: Engine | None = None
    while line := asked.readline():
        head = json.loads(line)
        width, height = int(head["width"]), int(head["height"])
        pixels = asked.read(width * height)
        try:
            engine = engine or find()
            if engine is None:
                raise EngineFailed("no engine is installed")
            picture = Picture(width, height, pixels, float(head["dpi"]))
            lines = engine.recognise(picture, float(head["seconds"]))
            answer: dict[str, Any] = {"lines": [[[word.text, *word.box] for word in line] for line in lines]}
        except EngineFailed as error:
            answer = {"failed": str(error)}
        _write(answering, json.dumps(answer).encode() + b"\n")


def _word(fields: list[Any]) -> RecognisedWord:
    text, left, top, right, bottom = fields
    if not isinstance(text, str):
        raise TypeError("a word must be text")
    return RecognisedWord(text, (float(left), float(top), float(right), float(bottom)))


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
