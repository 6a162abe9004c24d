"""Which of the measures against hostile documents hold on this machine, found out by taking them.

``python -I -m ingest.sandbox.probe`` takes them all, as a parsing child does, and prints what held as a
JSON object: in a process of its own, because none of them can be undone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache

from ingest.ocr import engines
from ingest.parsers.limits import ParseLimits
from ingest.sandbox.confinement import Held, close_files, confine, isolate

MEASURES: Mapping[str, str] = {
    "limits": "bounded in memory, processor time, open files and bytes written",
    "no_new_privileges": "cannot gain rights by starting a program",
    "no_capabilities": "has no rights of an administrator",
    "own_network": "is alone in a network without interfaces",
    "files_closed": "can open no file but those of Python and the system, and none to write (Landlock)",
    "signals_kept_in": "can neither signal nor inspect other processes (Landlock)",
    "calls_filtered": "can make only the system calls that reading takes (seccomp)",
}
"""What each measure means for a process that reads a document."""

_SECONDS = 30.0


@cache
def describe() -> Mapping[str, bool]:
    """Whether each of ``MEASURES`` holds here. Takes a tenth of a second, once in a process."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", __name__],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
        held = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        held = {}  # what cannot be shown is not claimed
    return {name: held.get(name) is True for name in MEASURES}


def take_all() -> Held:
    """Take every measure, for good, in the order in which a parsing child does."""
    return isolate() | close_files(engines.program()) | confine(ParseLimits(), may_recognise=False)


if __name__ == "__main__":
    print(json.dumps(take_all()))
