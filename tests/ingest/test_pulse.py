from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys, threading, time
from ingest.pulse import Pulse
beats = []
with Pulse(lambda: beats.append(1), seconds=0.05):
    deadline = time.monotonic() + 20
    while not beats and time.monotonic() < deadline:
        sum(range(1000))
    before = len(beats)
    assert before, "it works and was not heard"
    threading.Event().wait(1.0)  # locked up, as far as anyone can tell
    assert len(beats) <= before + 2, len(beats)
    while len(beats) <= before + 2 and time.monotonic() < deadline:
        sum(range(1000))
    assert len(beats) > before + 2, "it works again and was not heard"
"""


def test_only_a_main_thread_that_gets_on_is_heard() -> None:
    """In a process of its own: it is about that process's main thread."""
    ended = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
