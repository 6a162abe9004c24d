"""The SQLite file, its log and the stored files changed on the disk (catalogue A15, A16).

Damage to the structure of the database is to be noticed at the start, which then refuses, and damage to a
stored file when it is read. A log that SQLite stops reading before its last commit is noted. What nobody
can notice is counted, not hidden: SQLite keeps no checksum of a cell; a flipped letter in one stays a letter.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from rag.errors import Conflict, NotFound, StorageFailed
from rag.stores import log_damage
from tests.faults import forked, oracle, story, texts
from tests.faults.library import Library, warm
from tests.faults.outcome import Outcome

TITLE = "database and stored files flipped, cut, zeroed, deleted: crashed, or refused without saying why"
_NAMED = ("database_damaged", "storage_failed", "disk_full")
_PAGE = 4096


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` times one kind of damage to a sound data folder."""
    began = time.monotonic()
    chance = random.Random(seed)
    warm()
    start = folder / "start"
    forked.in_child(partial(_die_with_a_log, start, seed))
    wrong: list[str] = []
    met: Counter[str] = Counter()
    for number in range(n):
        work = forked.copy(start, folder / "work")
        name = chance.choice(sorted(_DAMAGES))
        _DAMAGES[name](work, random.Random(seed * 10_000 + number))
        ended = forked.in_child(partial(_opened, work))
        if ended.signal is not None or ended.error is not None:
            wrong.append(f"{name}: {ended.error or f'signal {ended.signal}'}")
            continue
        met[f"{_subject(name)} {ended.value}"] += 1
        if name in _ALWAYS_NOTICED and ended.value not in ("refused", "noticed"):
            wrong.append(f"{name}: {ended.value}")
    figures = {what: f"{count}" for what, count in sorted(met.items())}
    return Outcome("damage", TITLE, n, seed, wrong, time.monotonic() - began, figures)


def _die_with_a_log(folder: Path, seed: int) -> None:
    """Prepare a library and be killed, so that its last commits are in SQLite's log alone."""
    story.prepare(folder, seed)
    library, ledger = Library(folder / "data"), story.ledger_of(folder)
    story.upload(library, ledger, story.LATE, texts.make(random.Random(seed + 1)))
    library.work()
    os.kill(os.getpid(), signal.SIGKILL)


def _subject(name: str) -> str:
    return name.split(":")[0]


def _opened(work: Path) -> str:
    """What became of it: ``refused`` at the start, ``noticed`` when read, ``harmless`` or ``unnoticed``."""
    ledger = story.ledger_of(work)
    ledger.close()
    try:
        with closing(Library(work / "data")) as library:
            wrong = oracle.promises(ledger.entries.values(), library)
            wrong += oracle.indexes(library.database, work / "data")
    except StorageFailed as error:
        return "refused" if error.code in _NAMED else f"refused with {error.code}"
    except (Conflict, NotFound) as error:
        return "noticed" if error.code in ("blob_corrupt", "blob_missing") else f"refused with {error.code}"
    if log_damage.noted(_database(work)) is not None:
        return "noticed"
    return "unnoticed" if wrong else "harmless"


def _flip(path: Path, chance: random.Random, first: int = 0, last: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 8)):
        content[chance.randrange(first, min(last or len(content), len(content)))] ^= chance.randint(1, 255)
    path.write_bytes(content)


def _database(work: Path) -> Path:
    return work / "data" / "footnote.db"


def _blob(work: Path, chance: random.Random) -> Path:
    return chance.choice(sorted((work / "data" / "blobs").glob("??/*")))


def _zero_page(work: Path, chance: random.Random) -> None:
    path = _database(work)
    content = bytearray(path.read_bytes())
    page = chance.randrange(len(content) // _PAGE)
    content[page * _PAGE : (page + 1) * _PAGE] = bytes(_PAGE)
    path.write_bytes(content)


def _shuffle_pages(work: Path, chance: random.Random) -> None:
    """Two pages exchanged, as by a disk that writes to the wrong place."""
    path = _database(work)
    content = bytearray(path.read_bytes())
    one, other = (page * _PAGE for page in chance.sample(range(len(content) // _PAGE), 2))
    content[one : one + _PAGE], content[other : other + _PAGE] = (
        content[other : other + _PAGE],
        content[one : one + _PAGE],
    )
    path.write_bytes(content)


def _cut(work: Path, chance: random.Random) -> None:
    path = _database(work)
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def _log(work: Path, chance: random.Random) -> None:
    """Bytes of a log that holds commits: SQLite ends at the first frame whose checksum is wrong. Of the last
    commit's own mark and salts, a dozen bytes, nothing else is left to tell."""
    path = _database(work).with_name("footnote.db-wal")
    if path.exists() and path.stat().st_size:
        _flip(path, chance)


_DAMAGES: dict[str, Callable[[Path, random.Random], object]] = {
    "file header: flipped": lambda work, chance: _flip(_database(work), chance, 0, 16),
    "pages: flipped": lambda work, chance: _flip(_database(work), chance, 100),
    "pages: zeroed": _zero_page,
    "pages: exchanged": _shuffle_pages,
    "pages: cut": _cut,
    "log: flipped": _log,
    "stored file: flipped": lambda work, chance: _flip(_blob(work, chance), chance),
    "stored file: cut": lambda work, chance: _blob(work, chance).write_bytes(b""),
    "stored file: deleted": lambda work, chance: _blob(work, chance).unlink(),
}
_ALWAYS_NOTICED = {"file header: flipped", "stored file: flipped", "stored file: cut", "stored file: deleted"}
