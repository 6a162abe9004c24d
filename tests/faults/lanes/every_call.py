"""SIGKILL at every single system call that writes, in the life of one library (catalogue A1, A23).

The calls are enumerated, not drawn: strace kills the process at the start of the N-th ``pwrite64``, for
every N there is, and so on. Where it is not allowed to trace, the process is killed at every step that
Python sees instead (``every_step``).
"""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

from tests.faults import forked, story
from tests.faults.library import warm
from tests.faults.outcome import Outcome

TITLE = "killed at every writing system call of an upload, a replacement, a deletion, a snapshot"
CALLS = (
    "pwrite64,write,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,fallocate,mkdir"
).split(",")


def run(n: int, seed: int, folder: Path) -> Outcome:
    """Kill at each of the first ``n`` points of a shuffled enumeration; all of them where ``n`` is larger."""
    began = time.monotonic()
    refusal = forked.strace_refusal()
    if refusal:
        return Outcome("calls", TITLE, 0, seed, [], 0.0, skipped=refusal)
    warm()
    start = folder / "start"
    forked.must(forked.in_child(partial(story.prepare, start, seed)))
    counted = forked.count_calls(partial(story.tell, forked.copy(start, folder / "count"), seed), CALLS)
    points = [(call, number) for call in CALLS for number in range(1, counted[call] + 1)]
    random.Random(seed).shuffle(points)
    wrong: list[str] = []
    killed = 0
    for call, number in points[:n]:
        work = forked.copy(start, folder / "work")
        ended = forked.in_child(partial(story.tell, work, seed), forked.killing(call, number))
        killed += ended.signal is not None
        found = forked.in_child(partial(story.recover, work))
        wrong += [f"{call} {number}: {one}" for one in forked.findings(found)]
    figures = {
        "points": f"{min(n, len(points))} of {len(points)}",
        "killed there": str(killed),
        "calls": ", ".join(f"{call} {counted[call]}" for call in CALLS if counted[call]),
    }
    return Outcome("calls", TITLE, min(n, len(points)), seed, wrong, time.monotonic() - began, figures)
