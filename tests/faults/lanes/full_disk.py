"""A disk with a little room and then none (catalogue A8 to A10): a clear no, nothing half done, life goes on.

Each trial is a file system of its own that is shrunk to what is used and a random rest, of bytes or of
files. On it, in one process: documents are uploaded until one is refused; what is there is still found; one
is deleted; room is made; and without a restart everything works again.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from rag.errors import StorageFailed
from tests.faults import forked, story, texts
from tests.faults.ledger import only_word
from tests.faults.library import Library, warm
from tests.faults.outcome import Outcome

TITLE = "a disk that fills up"
_ROOMY = {"size": 64 * 2**20, "nr_inodes": 10_000}
_MOST_ROOM = {"size": 2**20, "nr_inodes": 40}
_UPLOADS = 40
_ENOUGH = 4
"""Steps that have been refused: the disk is full, and what follows is no different."""
_FULL = "disk_full"
_UNREACHABLE = "database_unreachable"


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` disks, every third short of files; the room that is left is more often small than large."""
    began = time.monotonic()
    chance = random.Random(seed)
    warm()
    start = folder / "start"
    forked.must(forked.in_child(partial(story.prepare, start, seed)))
    wrong: list[str] = []
    refused = 0
    for number in range(n):
        what = "nr_inodes" if number % 3 == 2 else "size"
        room = int(_MOST_ROOM[what] * chance.random() ** 2)
        work = folder / "work"
        try:
            with _small_disk(start, work, what, room) as widen:
                ended = forked.in_child(partial(_live, work, seed + number, widen))
                found = forked.findings(ended)
                refused += "nothing was refused" not in found
                found = [one for one in found if one != "nothing was refused"]
                found += forked.findings(forked.in_child(partial(story.recover, work)))
        except OSError as error:
            return Outcome("full", TITLE, 0, seed, [], 0.0, skipped=f"no tmpfs can be mounted ({error})")
        wrong += [f"{what} {room:,} left: {one}" for one in found]
    figures = {"filled up": str(refused)}
    return Outcome("full", TITLE, n, seed, wrong, time.monotonic() - began, figures)


def _live(work: Path, seed: int, widen: list[str]) -> list[str]:
    chance = random.Random(seed)
    ledger = story.ledger_of(work)
    wrong: list[str] = []
    with closing(_opened(work, widen)) as library:
        codes: list[str | None] = []
        for number in range(_UPLOADS):
            text = texts.make(chance, sentences=chance.choice((3, 30, 200)))
            codes.append(story.refusal(partial(story.upload, library, ledger, f"more-{number}", text)))
            codes.append(story.refusal(library.work))
            codes.append(story.refusal(library.snapshot))
            if sum(code is not None for code in codes) >= _ENOUGH:
                break
        if set(codes) == {None}:
            wrong.append("nothing was refused")
        wrong += [f"refused with {code}" for code in sorted(set(codes) - {None, _FULL}, key=str)]
        wrong += _empty_indexes(work)
        kept = ledger.entries[story.KEPT]
        if library.found(only_word(kept.versions[-1]))[:1] != [kept.id]:
            wrong.append("what was there is not found on the full disk")
        code = story.refusal(partial(story.delete, library, ledger, story.DELETED))
        if code is not None:
            wrong.append(f"deleting on the full disk: {code}")
        subprocess.run(widen, check=True)
        codes = [
            story.refusal(partial(story.upload, library, ledger, story.LATE, texts.make(chance))),
            story.refusal(library.work),
        ]
        if codes != [None, None]:
            wrong.append(f"with room again: {codes}")
        library.snapshot()
        late = ledger.entries[story.LATE]
        if late.id is None or library.found(only_word(late.versions[-1]))[:1] != [late.id]:
            wrong.append("with room again, a new document is not found")
    ledger.close()
    return wrong


def _opened(work: Path, widen: list[str]) -> Library:
    """Without room for the log beside the database it does not open, and says so; with room again it does."""
    try:
        return Library(work / "data")
    except StorageFailed as error:
        if error.code not in (_FULL, _UNREACHABLE):
            raise
    subprocess.run(widen, check=True)
    return Library(work / "data")


def _empty_indexes(work: Path) -> list[str]:
    files = [path for path in (work / "data" / "indexes").rglob("*") if path.is_file()]
    left = [path.name for path in files if path.suffix == ".tmp" or not path.stat().st_size]
    return [f"empty or half an index: {left}"] if left else []


@contextmanager
def _small_disk(start: Path, work: Path, what: str, room: int) -> Iterator[list[str]]:
    """``work/data`` on a file system with ``room`` left of ``what``; the command that widens it again."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(start / "ledger", work / "ledger")
    data = work / "data"
    data.mkdir()
    roomy = ",".join(f"{name}={size}" for name, size in _ROOMY.items())
    _mount("-t", "tmpfs", "-o", roomy, "none", str(data))
    try:
        shutil.copytree(start / "data", data, dirs_exist_ok=True)
        (data / "reserve").unlink(missing_ok=True)  # of the disk it was copied from
        with closing(Library(data)):
            pass
        disk = os.statvfs(data)
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        used = disk.f_files - disk.f_ffree if what == "nr_inodes" else used
        _mount("-o", f"remount,{what}={used + room}", str(data))
        yield ["mount", "-o", f"remount,{what}={_ROOMY[what]}", str(data)]
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=False)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
