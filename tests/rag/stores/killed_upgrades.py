"""``python -m tests.rag.stores.killed_upgrades FOLDER REVISION [STEP]``: kill the upgrade of a database of
that schema before every ``STEP``-th statement, and see that the next try takes everything over.

In a process of its own, since it forks: each child dies by SIGKILL where it stands. Prints the number of
places and exits with 1 if anything was lost.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from rag.stores import database_file, schema
from rag.stores.database import Database, bare_connection
from tests.rag.stores import released


def killed_at_every(step: int, folder: Path, revision: str) -> tuple[int, list[str]]:
    """How many places there were, and what was lost or wrong afterwards."""
    original = folder / "original.db"
    released.build(original, revision)
    before = released.rows(original)
    places = list(_statements(original))[::step]
    wrong = []
    for place in places:
        copy = _copied(original, folder / f"{place}.db")
        if _killed(copy, place) != -signal.SIGKILL:
            wrong.append(f"{place}: it was not killed")
        wrong += [f"{place}: {what}" for what in _after_another_try(copy, before)]
        copy.unlink()
    return len(places), wrong


def main(folder: Path, revision: str, step: int) -> int:
    places, wrong = killed_at_every(step, folder, revision)
    print(f"{places} places, {len(wrong)} wrong")
    for line in wrong:
        print(line)
    return int(bool(wrong))


def _statements(original: Path) -> Iterator[int]:
    """The numbers of the statements and commits of an upgrade that nobody kills."""
    counted = []
    with _Counting(lambda number: counted.append(number)):
        _upgrade(_copied(original, original.with_name("counted.db")))
    yield from counted


def _killed(path: Path, place: int) -> int:
    """The status of a child that upgrades and is killed before that statement."""
    child = os.fork()
    if child == 0:
        with _Counting(lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == place else None):
            _upgrade(path)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class _Counting:
    """Tells the number of every statement and commit before it is made."""

    def __init__(self, tell: Any) -> None:
        self._tell = tell
        self._count = 0

    def __enter__(self) -> None:
        event.listen(Engine, "before_cursor_execute", self._next)
        event.listen(Engine, "commit", self._next)

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "before_cursor_execute", self._next)
        event.remove(Engine, "commit", self._next)

    def _next(self, *_: object) -> None:
        self._count += 1
        self._tell(self._count)


def _upgrade(path: Path) -> None:
    database = Database(path)
    schema.upgrade(database)
    database.close()


def _after_another_try(path: Path, before: released.Rows) -> list[str]:
    _upgrade(path)
    wrong = released.lost(before, released.rows(path))
    with bare_connection(path) as connection:
        found = database_file.damage(connection)
        if found:
            wrong.append(str(found))
        if database_file.schema_of(connection) != released.head():
            wrong.append("it is not up to date")
    return wrong


def _copied(original: Path, target: Path) -> Path:
    shutil.copy(original, target)
    return target


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1))
