from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ingest.ocr.engine import Engine, EngineFailed, Picture, RecognisedLine, RecognisedWord
from ingest.ocr.remote import RemoteEngine, serve

PICTURE = Picture(3, 2, bytes(range(6)), 200.0)
LINES = [(RecognisedWord("two", (1.0, 2.0, 3.0, 4.5)), RecognisedWord("words", (4.0, 2.0, 9.0, 4.5)))]


class Scripted:
    name = "scripted"

    def __init__(self) -> None:
        self.seen: list[tuple[Picture, float]] = []

    def recognise(self, picture: Picture, seconds: float) -> list[RecognisedLine]:
        self.seen.append((picture, seconds))
        if picture.width == 1:
            raise EngineFailed("too narrow")
        return list(LINES)


@contextmanager
def served(find: Callable[[], Engine | None]) -> Iterator[RemoteEngine]:
    asked, asking = os.pipe()
    hearing, answering = os.pipe()
    with open(asked, "rb") as pictures:
        other = threading.Thread(target=serve, args=(pictures, answering, find))
        other.start()
        yield RemoteEngine(asking, hearing)
        os.close(asking)
        other.join()
    os.close(answering)
    os.close(hearing)


@contextmanager
def answering_with(said: bytes | None) -> Iterator[RemoteEngine]:
    """An engine at whose other end is something that says this, or nothing, whatever it is asked."""
    asked, asking = os.pipe()
    hearing, answering = os.pipe()
    if said is not None:
        os.write(answering, said)
        os.close(answering)
    yield RemoteEngine(asking, hearing)
    for descriptor in [asked, asking, hearing, *([] if said is not None else [answering])]:
        os.close(descriptor)


def test_pictures_go_there_and_lines_come_back_in_turn() -> None:
    engine = Scripted()
    with served(lambda: engine) as remote:
        assert remote.recognise(PICTURE, 7.5) == LINES
        with pytest.raises(EngineFailed, match="too narrow"):
            remote.recognise(Picture(1, 1, b"x", 72.0), 1.0)
        assert remote.recognise(PICTURE, 1.0) == LINES, "one that defeats it does not end it"
    assert engine.seen[0] == (PICTURE, 7.5)


def test_the_engine_is_looked_for_only_when_there_is_a_picture() -> None:
    looked: list[int] = []

    def find() -> None:
        looked.append(1)

    with served(find) as remote:
        assert looked == []
        with pytest.raises(EngineFailed, match="no engine"):
            remote.recognise(PICTURE, 1.0)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"no json\n",
        b"[]\n",
        b"{}\n",
        b'{"lines": [[["text"]]]}\n',
        b'{"lines": [[[7, 1, 2, 3, 4]]]}\n',
        b'{"lines": 3}\n',
        b'{"lines": [[["t", 1, 2, 3, "four"]]]}\n',
    ],
)
def test_nonsense_is_a_failure_and_nobody_is_asked_again(said: bytes) -> None:
    with answering_with(said) as remote:
        with pytest.raises(EngineFailed, match="failed"):
            remote.recognise(PICTURE, 1.0)
        with pytest.raises(EngineFailed, match="any more"):
            remote.recognise(PICTURE, 1.0)


def test_silence_ends_at_the_time_that_was_given() -> None:
    with answering_with(None) as remote, pytest.raises(EngineFailed, match="TimeoutError"):
        remote.recognise(PICTURE, -1.0)
