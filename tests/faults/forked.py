"""Work done in a child of this process, which may be killed, starved or have its system calls failed.

A fork costs a hundredth of a start, so that every single system call can be tried. The parent has to have
one thread and nothing open of what the child is to work on.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: ``signal`` it was killed by, or ``value`` that it returned, or its ``error``."""

    signal: int | None
    value: Any = None
    error: str | None = None


def in_child(work: Callable[[], Any], trace: Sequence[str] = (), seconds: int = _SECONDS) -> Ended:
    """Do ``work`` in a child; what it returns has to be JSON.

    Args:
        trace: arguments of ``strace`` for this child's main thread, from the first moment of ``work``.
        seconds: after which it is ended.
    """
    go_read, go_write = os.pipe()
    said_read, said_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go_write)
        os.close(said_read)
        _be_child(work, go_read, said_write, seconds)
    os.close(go_read)
    os.close(said_write)
    tracer = _attach(child, trace) if trace else None
    os.write(go_write, b"!")
    os.close(go_write)
    with os.fdopen(said_read, "rb") as said:
        answer = said.read()
    _, status = os.waitpid(child, 0)
    if tracer is not None:
        tracer.wait()
    if os.WIFSIGNALED(status):
        return Ended(os.WTERMSIG(status))
    return Ended(None, **json.loads(answer)) if answer else Ended(None, error=f"status {status}, no word")


def _be_child(work: Callable[[], Any], go: int, said: int, seconds: int) -> None:
    """Never returns."""
    try:
        signal.alarm(seconds)
        os.read(go, 1)
        try:
            answer = {"value": work()}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(said, json.dumps(answer).encode())
    finally:
        os._exit(0)


def _attach(child: int, trace: Sequence[str]) -> subprocess.Popen[bytes]:
    """Have strace watch ``child`` from now on."""
    tracer = subprocess.Popen(
        ["strace", "-p", str(child), *trace], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert tracer.stderr is not None
    tracer.stderr.readline()  # "strace: Process N attached"
    return tracer


@cache
def strace_refusal() -> str | None:
    """Why system calls cannot be failed here; None where they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    ended = in_child(lambda: os.getppid(), ["-o", os.devnull, "-e", "inject=getppid:retval=7"])
    return None if ended.value == 7 else "strace is not allowed to trace here"


def count_calls(work: Callable[[], Any], calls: Sequence[str]) -> Counter[str]:
    """How often ``work`` makes each of the system calls. Raises ``RuntimeError`` if it does not end well."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        ended = in_child(work, ["-o", str(log), "-e", "trace=" + ",".join(calls)])
        if ended.error or ended.signal:
            raise RuntimeError(f"without any fault it ended with {ended}")
        with suppress(FileNotFoundError):
            return Counter(line.split("(", 1)[0] for line in log.read_text().splitlines() if "(" in line)
    return Counter()


def killing(call: str, number: int) -> list[str]:
    """For ``in_child``: SIGKILL at the start of the ``number``-th ``call``."""
    return _injecting(call, f"signal=SIGKILL:when={number}")


def failing(call: str, number: int, error: str, *, ever_after: bool = False) -> list[str]:
    """For ``in_child``: ``error`` (``EIO``) instead of the ``number``-th ``call`` or from it on."""
    return _injecting(call, f"error={error}:when={number}{'+' if ever_after else ''}")


def _injecting(call: str, what: str) -> list[str]:
    return ["-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:{what}"]


def must(ended: Ended) -> Any:
    """What the child returned. Raises ``RuntimeError`` if it did not end well."""
    if ended.signal is not None or ended.error is not None:
        raise RuntimeError(f"a child without any fault ended with {ended}")
    return ended.value


def findings(ended: Ended) -> list[str]:
    """What an oracle in a child returned; that it could not even be asked is a finding too."""
    if ended.signal is not None:
        return [f"the restart was killed by signal {ended.signal}"]
    return [f"the restart failed: {ended.error}"] if ended.error else list(ended.value)


def copy(start: Path, target: Path) -> Path:
    """A fresh copy of a prepared folder, in place of what was there."""
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(start, target))
