"""Somebody else holds the database (catalogue A17): short holds are waited for, long ones refused."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pysqlite3

from rag.stores import database
from tests.faults import forked, story, texts
from tests.faults.library import Library, warm
from tests.faults.outcome import Outcome

TITLE = "another process holds the database"
_PATIENCE_SECONDS = 0.4


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` holds, half of them longer than the library is patient."""
    began = time.monotonic()
    chance = random.Random(seed)
    warm()
    start = folder / "start"
    forked.must(forked.in_child(partial(story.prepare, start, seed)))
    wrong: list[str] = []
    refused = 0
    for number in range(n):
        work = forked.copy(start, folder / "work")
        seconds = chance.choice((0.1, 0.2, 1.5))
        ended = forked.in_child(partial(_upload_meanwhile, work, seed + number, seconds))
        if ended.error or ended.value not in (None, "database_busy"):
            wrong.append(f"held for {seconds} s: {ended.error or ended.value}")
        if ended.value is None and seconds > 1:
            wrong.append("it waited for longer than it is patient")
        refused += ended.value is not None
        wrong += forked.findings(forked.in_child(partial(story.recover, work)))
    return Outcome("busy", TITLE, n, seed, wrong, time.monotonic() - began, {"refused": str(refused)})


def _upload_meanwhile(work: Path, seed: int, seconds: float) -> str | None:
    database._BUSY_SECONDS = _PATIENCE_SECONDS
    ledger = story.ledger_of(work)
    text = texts.make(random.Random(seed))
    with closing(Library(work / "data")) as library, _held(work / "data" / "footnote.db", seconds):
        return story.refusal(partial(story.upload, library, ledger, story.LATE, text))


@contextmanager
def _held(path: Path, seconds: float) -> Iterator[None]:
    """A process that has begun to write and goes on for ``seconds``."""
    taken_read, taken_write = os.pipe()
    holder = os.fork()
    if holder == 0:
        try:
            connection = pysqlite3.connect(path, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
            os.write(taken_write, b"!")
            time.sleep(seconds)
        finally:
            os._exit(0)
    os.read(taken_read, 1)
    try:
        yield
    finally:
        os.waitpid(holder, 0)
        os.close(taken_read)
        os.close(taken_write)
