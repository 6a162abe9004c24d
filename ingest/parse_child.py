"""The parsing child: ``python -I -m ingest.parse_child TASK`` with the file on stdin.

``TASK`` is a JSON object: ``task`` (``parse`` or ``render``), its arguments, ``limits`` (the fields of
ParseLimits) and ``parent`` (a process id). The answer is JSON lines on stdout: any number of
``{"progress": [done, total]}``, then one ``{"result": ...}`` or ``{"error": [class, code, detail]}``.

Only what the document at hand needs is imported: starting the child is part of every upload.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from typing import Any

from ingest.parsers.limits import ParseLimits
from ingest.wire import to_line
from rag.errors import DocumentRejected, FootnoteError

_OPEN_FILES = 64
_PROGRESS_EVERY = 8
_PR_SET_PDEATHSIG = 1


def main(argument: str) -> None:
    """Do the task and write the answer. Every exception becomes an answer; only limits kill."""
    task = json.loads(argument)
    limits = ParseLimits(**task["limits"])
    _follow_parent(task["parent"])
    _confine(limits)
    answers = _private_stdout()
    try:
        message = {"result": _perform(task, limits, answers)}
    except MemoryError:
        message = _error(
            DocumentRejected(
                "limit_exceeded",
                "Reading the document passed the limit on memory. Split it and send the parts.",
            )
        )
    except FootnoteError as error:
        message = _error(error)
    except Exception as error:
        message = _error(
            DocumentRejected(
                "parser_crashed",
                f"The document broke the program that reads it ({type(error).__name__}). "
                "Save it again with another program, then send it again.",
            )
        )
        print(f"{type(error).__name__}: {error}"[:1000], file=sys.stderr)
    _write(answers, to_line(message))


def _perform(task: dict[str, Any], limits: ParseLimits, answers: int) -> dict[str, Any]:
    if task["task"] == "render":
        return _render(task, limits)
    return _parse(task["name"], limits, answers)


def _parse(name: str, limits: ParseLimits, answers: int) -> dict[str, Any]:
    from ingest.parsers import parse
    from ingest.wire import encode_document

    def report(done: int, total: int) -> None:
        if done % _PROGRESS_EVERY == 0 or done == total:
            _write(answers, to_line({"progress": [done, total]}))

    return encode_document(parse(sys.stdin.buffer, name, limits, report))


def _render(task: dict[str, Any], limits: ParseLimits) -> dict[str, Any]:
    import base64

    from ingest.parsers.pdf_render import render

    png = render(sys.stdin.buffer.read(), task["page"], task["scale"], limits.max_pixels)
    return {"png": base64.b64encode(png).decode("ascii")}


def _error(error: FootnoteError) -> dict[str, Any]:
    return {"error": [type(error).__name__, error.code, error.detail]}


def _follow_parent(parent: int) -> None:
    """Die with the parent (Linux); other systems rely on the limits."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call above
            sys.exit(1)


def _confine(limits: ParseLimits) -> None:
    """Limits that hold from here on: address space, cpu, files, processes, writing, core dumps."""
    bounds = [
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
    ]
    for which, soft, hard in bounds:
        # A lower limit set from outside stays; macOS refuses some of these altogether.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (soft, hard))


def _private_stdout() -> int:
    """A descriptor for answers only: what native code prints to stdout goes to stderr instead."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def _write(answers: int, line: bytes) -> None:
    view = memoryview(line)
    while view:
        view = view[os.write(answers, view) :]


if __name__ == "__main__":
    main(sys.argv[1])
    # Nothing is left to save, and tearing down native libraries takes time and can crash.
    os._exit(0)
