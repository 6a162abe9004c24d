"""Killed, and killed again while it recovers, up to twenty times in a row (catalogue A3)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.faults import forked, story
from tests.faults.every_step import killed_at_step
from tests.faults.library import warm
from tests.faults.outcome import Outcome

TITLE = "killed again while it recovers"
_CALLS = ("pwrite64", "fsync", "rename", "unlink", "ftruncate", "write")
_MOST_IN_A_ROW = 20
_EARLY = 40


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` kills in all, in rows of up to twenty over one data folder; the oracle comes after each row."""
    began = time.monotonic()
    warm()
    chance = random.Random(seed)
    start = folder / "start"
    forked.must(forked.in_child(partial(story.prepare, start, seed)))
    wrong: list[str] = []
    kills = rows = 0
    while kills < n:
        work = forked.copy(start, folder / "work")
        kills += _kill(partial(story.tell, work, seed), chance, 200)
        for _ in range(min(n - kills, chance.randint(1, _MOST_IN_A_ROW))):
            kills += _kill(partial(story.recover, work), chance, _EARLY)
        rows += 1
        found = forked.findings(forked.in_child(partial(story.recover, work)))
        wrong += [f"row {rows}: {one}" for one in found]
    return Outcome("recovery", TITLE, kills, seed, wrong, time.monotonic() - began, {"rows": str(rows)})


def _kill(work: Callable[[], object], chance: random.Random, most: int) -> int:
    """Kill at a random writing call, or at a random step of Python where calls cannot be traced."""
    number = chance.randint(1, most)
    if forked.strace_refusal():
        return int(forked.in_child(killed_at_step(work, number)).signal is not None)
    call = chance.choices(_CALLS, weights=(10, 3, 1, 1, 1, 1))[0]
    nth = number if call == "pwrite64" else 1 + number % 5
    return int(forked.in_child(work, forked.killing(call, nth)).signal is not None)
