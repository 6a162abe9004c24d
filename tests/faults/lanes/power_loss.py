"""The power goes: what was not synced is lost, torn or partly there (catalogue A4, A5, A6).

Everything that one life of a library does to its files is recorded with ``strace``. Then, for a moment
between any two of these calls, a disk is made as POSIX allows it to be (``disk_model``), once without all
that was not synced and otherwise with a random part of it, and opened as after a restart. The ledger lies on
another machine: it has what had been acknowledged at that moment.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.faults import forked, recording, story
from tests.faults.disk_model import Disk
from tests.faults.library import warm
from tests.faults.outcome import Outcome

TITLE = "power cut between two system calls, unsynced writes lost, torn or partly there"


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` power cuts at moments drawn with ``seed``; the first without anything that was not synced."""
    began = time.monotonic()
    refusal = forked.strace_refusal()
    if refusal:
        return Outcome("power", TITLE, 0, seed, [], 0.0, skipped=refusal)
    warm()
    start, log = folder / "start", folder / "calls"
    forked.must(forked.in_child(partial(story.prepare, start, seed)))
    lived = forked.copy(start, folder / "lived")
    forked.must(forked.in_child(partial(story.tell, lived, seed), recording.options(log)))
    recorded = list(recording.calls(log))
    moments, wrong = _moments(start, lived, recorded)
    met: Counter[str] = Counter()
    chance = random.Random(seed)
    cuts = sorted((chance.randrange(moments), number) for number in range(n))
    for moment, disk, ledger in _disks(start, lived, recorded, [at for at, _ in cuts]):
        for number in [number for at, number in cuts if at == moment]:
            work = folder / "work"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            ledger.write_all(work / "ledger")
            mode = "strict" if number % 4 == 0 else "torn"
            met[mode] += 1
            disk.cut_power(work / "data", None if mode == "strict" else random.Random(f"{seed} {number}"))
            found = forked.findings(forked.in_child(partial(story.recover, work)))
            wrong += [f"moment {moment}, {mode} {number}: {one}" for one in found]
    figures = {"moments": f"{moments}", "nothing unsynced left": f"{met['strict']}"}
    return Outcome("power", TITLE, n, seed, wrong, time.monotonic() - began, figures)


def _moments(start: Path, lived: Path, recorded: Sequence[recording.Call]) -> tuple[int, list[str]]:
    """Between how many calls the disk differs, and where the recording is not what happened."""
    data, ledger = _opened(start, lived)
    moments = sum(1 for _ in _changing(data, ledger, recorded))
    differing = data.differs(lived / "data") + ledger.differs(lived / "ledger")
    return moments, [f"the recording missed something: {path}" for path in differing]


def _disks(
    start: Path, lived: Path, recorded: Sequence[recording.Call], wanted: Sequence[int]
) -> Iterator[tuple[int, Disk, Disk]]:
    """The disk of the library and that of the ledger at each of the moments, which are in order."""
    data, ledger = _opened(start, lived)
    moments = iter(sorted(set(wanted)))
    next_wanted = next(moments, None)
    for moment in _changing(data, ledger, recorded):
        if moment == next_wanted:
            yield moment, data, ledger
            next_wanted = next(moments, None)


def _opened(start: Path, lived: Path) -> tuple[Disk, Disk]:
    """The disks as the story found them, under the names by which it knew them."""
    return Disk(lived / "data", start / "data"), Disk(lived / "ledger", start / "ledger")


def _changing(data: Disk, ledger: Disk, recorded: Sequence[recording.Call]) -> Iterator[int]:
    """Do the calls one after the other; tells the number of each moment at which the disk differs."""
    of_data, of_ledger = recording.Replay(data), recording.Replay(ledger)
    moment = 0
    yield moment
    for call in recorded:
        of_ledger.changes(call)
        if of_data.changes(call):
            moment += 1
            yield moment
