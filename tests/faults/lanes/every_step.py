"""SIGKILL at every step that Python sees: a statement, a commit, an fsync, a rename (catalogue A1, A23).

Coarser than ``every_call``, and possible everywhere.
"""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

from tests.faults import every_step, forked, story
from tests.faults.library import warm
from tests.faults.outcome import Outcome

TITLE = "killed at every statement, commit, fsync and rename"


def run(n: int, seed: int, folder: Path) -> Outcome:
    """Kill at each of the first ``n`` steps of a shuffled enumeration; all of them where ``n`` is larger."""
    began = time.monotonic()
    warm()
    start = folder / "start"
    forked.must(forked.in_child(partial(story.prepare, start, seed)))
    tell = partial(story.tell, forked.copy(start, folder / "count"), seed)
    steps = list(range(1, forked.must(forked.in_child(every_step.counted_steps(tell))) + 1))
    random.Random(seed).shuffle(steps)
    wrong: list[str] = []
    for number in steps[:n]:
        work = forked.copy(start, folder / "work")
        forked.in_child(every_step.killed_at_step(partial(story.tell, work, seed), number))
        found = forked.in_child(partial(story.recover, work))
        wrong += [f"step {number}: {one}" for one in forked.findings(found)]
    tried = min(n, len(steps))
    figures = {"points": f"{tried} of {len(steps)}"}
    return Outcome("steps", TITLE, tried, seed, wrong, time.monotonic() - began, figures)
