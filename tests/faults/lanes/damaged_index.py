"""Index files changed by somebody else's hand or a bad disk (catalogue A13, A14): noticed, and built anew.

Whatever lies there, what is searched afterwards has the ids that SQL has and finds what a scan of SQL
finds; nothing is embedded again, and nothing crashes.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from tests.faults import forked, oracle, story
from tests.faults.library import Library, warm
from tests.faults.outcome import Outcome

TITLE = "index files flipped, cut, zeroed, swapped, aged, deleted"


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` times one kind of damage to a sound data folder."""
    began = time.monotonic()
    chance = random.Random(seed)
    warm()
    start = folder / "start"
    forked.must(forked.in_child(partial(_prepare, start, seed)))
    wrong: list[str] = []
    made: Counter[str] = Counter()
    for number in range(n):
        work = forked.copy(start, folder / "work")
        name = chance.choice(sorted(_DAMAGES))
        _DAMAGES[name](work, random.Random(seed * 10_000 + number))
        made[name] += 1
        found = forked.findings(forked.in_child(partial(_searched, work)))
        wrong += [f"{name}: {one}" for one in found]
    figures = {"kinds": ", ".join(f"{name} {count}" for name, count in sorted(made.items()))}
    return Outcome("index", TITLE, n, seed, wrong, time.monotonic() - began, figures)


def _prepare(folder: Path, seed: int) -> None:
    """A library after its story, with the snapshot it had before in ``folder/older``."""
    story.prepare(folder, seed)
    shutil.copytree(folder / "data" / "indexes", folder / "older")
    story.tell(folder, seed)


def _searched(work: Path) -> list[str]:
    """What a service that opens the folder searches, and finds."""
    ledger = story.ledger_of(work)
    ledger.close()
    with closing(Library(work / "data")) as library:
        wrong = oracle.promises(ledger.entries.values(), library)
        wrong += oracle.indexes(library.database, work / "data")
        library.snapshot()
    return wrong + oracle.folder(work / "data")


def _index_file(work: Path, chance: random.Random, pattern: str = "*.faiss") -> Path:
    return chance.choice(sorted((work / "data" / "indexes").glob(f"*/{pattern}")))


def _flip(work: Path, chance: random.Random, first: int, last: int | None) -> None:
    path = _index_file(work, chance)
    content = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 8)):
        content[chance.randrange(first, min(last or len(content), len(content)))] ^= chance.randint(1, 255)
    path.write_bytes(content)


def _cut(work: Path, chance: random.Random) -> None:
    path = _index_file(work, chance)
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def _zero(work: Path, chance: random.Random) -> None:
    path = _index_file(work, chance)
    path.write_bytes(bytes(path.stat().st_size))


def _swap(work: Path, chance: random.Random) -> None:
    """The other space's snapshot, manifest and all."""
    one, other = sorted(path for path in (work / "data" / "indexes").iterdir())
    one.rename(work / "aside")
    other.rename(one)
    (work / "aside").rename(other)


def _age(work: Path, chance: random.Random) -> None:
    """The snapshot of an earlier moment, as from a backup: sound, and behind."""
    shutil.rmtree(work / "data" / "indexes")
    shutil.copytree(work / "older", work / "data" / "indexes")


def _age_file(work: Path, chance: random.Random) -> None:
    """An earlier file under the name that the manifest gives."""
    manifest = _index_file(work, chance, "manifest.json")
    older = next((work / "older" / manifest.parent.name).glob("*.faiss"))
    shutil.copy(older, manifest.parent / json.loads(manifest.read_bytes())["file"])


def _lie(work: Path, chance: random.Random) -> None:
    """A manifest that says something else, in good JSON."""
    path = _index_file(work, chance, "manifest.json")
    manifest = json.loads(path.read_bytes())
    field = chance.choice(sorted(manifest))
    manifest[field] = chance.choice([0, -1, 10**9, "", "x", None, "../../footnote.db"])
    path.write_text(json.dumps(manifest))


def _tear(work: Path, chance: random.Random) -> None:
    path = _index_file(work, chance, "manifest.json")
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


_DAMAGES: dict[str, Callable[[Path, random.Random], object]] = {
    "body flipped": lambda work, chance: _flip(work, chance, 64, None),
    "header flipped": lambda work, chance: _flip(work, chance, 0, 64),
    "cut": _cut,
    "zeroed": _zero,
    "emptied": lambda work, chance: _index_file(work, chance).write_bytes(b""),
    "spaces swapped": _swap,
    "older": _age,
    "older file": _age_file,
    "manifest changed": _lie,
    "manifest cut": _tear,
    "file deleted": lambda work, chance: _index_file(work, chance).unlink(),
    "manifest deleted": lambda work, chance: _index_file(work, chance, "manifest.json").unlink(),
    "all deleted": lambda work, chance: shutil.rmtree(work / "data" / "indexes"),
}
