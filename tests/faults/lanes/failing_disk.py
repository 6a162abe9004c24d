"""A system call that fails once, then works again (catalogue A7): what was promised must not rest on it.

Every fsync, and the writes, are made to return EIO in turn; or the file system can only be read from then on
(A10), as kernels do with one that has failed. From the first refusal on, nothing may be
acknowledged in that life; the next one must find all that was.
"""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

from tests.faults import forked, story
from tests.faults.library import warm
from tests.faults.outcome import Outcome

TITLE = "a write or fsync returns EIO once, or EROFS from then on"
_SYNCS = ("fsync", "fdatasync")
_WRITES = ("pwrite64", "write", "ftruncate", "rename")


def run(n: int, seed: int, folder: Path) -> Outcome:
    """Fail every sync, and as many of the writes as ``n`` leaves; a quarter of it for good."""
    began = time.monotonic()
    refused_here = forked.strace_refusal()
    if refused_here:
        return Outcome("failing", TITLE, 0, seed, [], 0.0, skipped=refused_here)
    warm()
    start = folder / "start"
    forked.must(forked.in_child(partial(story.prepare, start, seed)))
    counted = forked.count_calls(
        partial(story.tell, forked.copy(start, folder / "count"), seed), [*_SYNCS, *_WRITES]
    )
    chance = random.Random(seed)
    syncs, writes = (_points(counted, calls, chance) for calls in (_SYNCS, _WRITES))
    every = [(call, number, "EIO") for call, number in syncs + writes]
    for_good = [(call, number, "EROFS") for call, number in writes + syncs]
    points = every[: n - n // 4] + for_good[: n // 4]
    wrong: list[str] = []
    read_only = spared = 0
    for call, number, error in points:
        work = forked.copy(start, folder / "work")
        failing = forked.failing(call, number, error, ever_after=error == "EROFS")
        ended = forked.in_child(partial(story.tell, work, seed), failing)
        if _met_the_harness(ended):
            spared += 1
            continue
        found = _untyped(ended) or _acknowledged_after(ended.value)
        read_only += "storage_failed" in (ended.value or [])
        found += forked.findings(forked.in_child(partial(story.recover, work)))
        wrong += [f"{call} {number} {error}: {one}" for one in found]
    figures = {"went read-only": str(read_only), "points": f"{len(points)} of {2 * len(every)}"}
    figures["met the ledger and not the library"] = str(spared)
    return Outcome("failing", TITLE, len(points) - spared, seed, wrong, time.monotonic() - began, figures)


def _points(counted: dict[str, int], calls: tuple[str, ...], chance: random.Random) -> list[tuple[str, int]]:
    points = [(call, number) for call in calls for number in range(1, counted[call] + 1)]
    chance.shuffle(points)
    return points


def _met_the_harness(ended: forked.Ended) -> bool:
    """The ledger lies on the same disk, and so does, for strace, the pipe that says how it ended."""
    error = ended.error or ""
    return error.startswith("LedgerFailed") or error.endswith("no word")


def _untyped(ended: forked.Ended) -> list[str]:
    if ended.error and ended.error.startswith("StorageFailed"):
        return []  # met on opening: that is a refusal too
    return [f"ended with {ended.error or ended.signal}"] if ended.error or ended.signal else []


def _acknowledged_after(refusals: list[str | None] | None) -> list[str]:
    """Steps that write and were done although the disk had failed before: 1, 4 and 6 of the story."""
    failed_at = next((at for at, code in enumerate(refusals or []) if code == "storage_failed"), None)
    if failed_at is None:
        return []
    done = [at for at in (0, 3, 5) if at > failed_at and (refusals or [])[at] is None]
    return [f"step {at} was acknowledged after the disk had failed" for at in done]
