"""Runs parsers where they can do no harm: each document in a fresh child process with hard limits.

No parser of hostile files is trusted: PDFium aborts or loops on some inputs, and a few kilobytes can
unpack to gigabytes. The child gets the file as a read-only descriptor on stdin, an empty environment
and limits on memory and processor time (set by itself in :mod:`ingest.parse_child` before it reads a
byte); it answers in JSON lines on a pipe whose length is bounded here. Whatever becomes of the child
becomes a typed error of the document, never an incident of the caller.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from ingest.canonical import check
from ingest.parsers.limits import ParseLimits
from ingest.wire import decode_document, from_line
from rag import errors
from rag.records import ParsedDocument

OnProgress = Callable[[int, int], None]

_READ_BYTES = 1 << 18
_STDERR_BYTES = 4096
_KEPT_VARIABLES = ("LD_LIBRARY_PATH",)  # without it some Python builds do not start
_ERRORS: dict[str, type[errors.FootnoteError]] = {
    "DocumentRejected": errors.DocumentRejected,
    "Unsupported": errors.Unsupported,
    "NotFound": errors.NotFound,
}
_ADVICE = "Split it or save it again with another program, then send it again."


def parse_file(
    path: Path,
    name: str,
    limits: ParseLimits | None = None,
    on_progress: OnProgress | None = None,
) -> ParsedDocument:
    """Parse the file at ``path``, called ``name`` by its owner, in a child process of its own.

    ``on_progress(done, total)`` is called with pages as they are read; an exception it raises stops
    the child and passes through, which is how a caller cancels. Blocks for ``limits.wall_seconds``
    at most.

    Raises:
        DocumentRejected: ``encrypted``, ``corrupt``, ``empty_file``, ``no_text``, ``limit_exceeded``
            or ``parser_crashed``; all permanent for these bytes.
        Unsupported: ``unsupported_type``.
    """
    result = _run(path, {"task": "parse", "name": name}, limits or ParseLimits(), on_progress)
    try:
        parsed = decode_document(result)
        check(parsed)
    except (KeyError, TypeError, ValueError) as error:
        raise _crashed(f"it answered with a malformed result ({error})") from error
    return parsed


def render_page(path: Path, page: int, scale: float = 2.0, limits: ParseLimits | None = None) -> bytes:
    """Page ``page`` (from 1) of the PDF at ``path`` as PNG, ``scale`` pixels to a point.

    The scale is lowered as far as ``limits.max_pixels`` requires.

    Raises:
        NotFound: ``page_not_found``.
        DocumentRejected, Unsupported: as :func:`parse_file`; ``page_unreadable`` for a damaged page.
    """
    result = _run(path, {"task": "render", "page": page, "scale": scale}, limits or ParseLimits(), None)
    try:
        return base64.b64decode(result["png"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise _crashed(f"it answered with a malformed picture ({error})") from error


def _run(
    path: Path, task: dict[str, Any], limits: ParseLimits, on_progress: OnProgress | None
) -> dict[str, Any]:
    argument = json.dumps({**task, "limits": asdict(limits), "parent": os.getpid()})
    with path.open("rb") as file:
        child = subprocess.Popen(
            [sys.executable, "-I", "-m", "ingest.parse_child", argument],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LC_ALL": "C.UTF-8"}
            | {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ},
            start_new_session=True,
        )
    conversation = _Conversation(child, limits, on_progress)
    try:
        conversation.read()
    finally:
        usage = _end(child)
    if conversation.result is not None:
        return conversation.result
    raise _verdict(child.returncode, usage, limits, conversation)


class _Conversation:
    """What a child says until it is done, breaks a bound or runs out of time."""

    def __init__(
        self, child: subprocess.Popen[bytes], limits: ParseLimits, on_progress: OnProgress | None
    ) -> None:
        self._child = child
        self._deadline = time.monotonic() + limits.wall_seconds
        self._max_bytes = limits.max_result_bytes
        self._on_progress = on_progress
        self._pending = bytearray()
        self._received = 0
        self.result: dict[str, Any] | None = None
        self.error: errors.FootnoteError | None = None
        self.stderr = b""
        self.exceeded: str | None = None

    def read(self) -> None:
        """Read until the child closes its end; sets ``result``, ``error`` or ``exceeded``."""
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ, self._on_output)
            selector.register(self._child.stderr, selectors.EVENT_READ, self._on_complaint)
            while selector.get_map() and self.exceeded is None:
                ready = selector.select(max(0.0, self._deadline - time.monotonic()))
                if not ready and time.monotonic() >= self._deadline:
                    self.exceeded = "time"
                for key, _ in ready:
                    self._receive(selector, key)

    def _receive(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        stream: IO[bytes] = key.fileobj  # type: ignore[assignment]  # registered as pipes above
        data = os.read(stream.fileno(), _READ_BYTES)
        if data:
            key.data(data)
        else:
            selector.unregister(stream)

    def _on_complaint(self, data: bytes) -> None:
        self.stderr = (self.stderr + data)[-_STDERR_BYTES:]

    def _on_output(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._max_bytes:
            self.exceeded = "result size"
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._on_line(bytes(self._pending) + line)
            self._pending.clear()
        self._pending += rest

    def _on_line(self, line: bytes) -> None:
        try:
            message = from_line(line)
            if "progress" in message:
                done, total = (int(number) for number in message["progress"])
            elif "error" in message:
                kind, code, detail = message["error"]
                self.error = _ERRORS[kind](str(code), str(detail))
            else:
                self.result = dict(message["result"])
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            self.error = _crashed(f"it answered with a malformed message ({error})")
            return
        if "progress" in message and self._on_progress is not None:
            self._on_progress(done, total)


def _end(child: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """Kill what is left of the child's process group, reap the child and return what it used."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()
    return usage


def _verdict(
    returncode: int, usage: resource.struct_rusage, limits: ParseLimits, conversation: _Conversation
) -> errors.FootnoteError:
    """What to say of a child that ended without a result."""
    if conversation.error is not None:
        return conversation.error
    if conversation.exceeded is not None:
        return _limit_exceeded(conversation.exceeded)
    spent = usage.ru_utime + usage.ru_stime
    if returncode == -signal.SIGXCPU or (returncode == -signal.SIGKILL and spent >= limits.cpu_seconds):
        return _limit_exceeded("cpu time")
    # The kernel's OOM killer sends SIGKILL. PDFium, when it gets no memory, aborts without a word; a
    # damaged heap or a failed assertion would have said so on stderr. (ru_maxrss does not help: across
    # fork and exec it starts with the peak of the parent.)
    silent_abort = returncode in (-signal.SIGABRT, -signal.SIGTRAP) and not conversation.stderr
    said_so = any(sign in conversation.stderr for sign in (b"bad_alloc", b"MemoryError", b"of memory"))
    if returncode == -signal.SIGKILL or silent_abort or said_so:
        return _limit_exceeded("memory")
    how = f"signal {-returncode}" if returncode < 0 else f"exit status {returncode}"
    return _crashed(how)


def _limit_exceeded(which: str) -> errors.DocumentRejected:
    return errors.DocumentRejected(
        "limit_exceeded", f"Reading the document passed the limit on {which}. {_ADVICE}"
    )


def _crashed(how: str) -> errors.DocumentRejected:
    return errors.DocumentRejected(
        "parser_crashed", f"The document broke the program that reads it: {how}. {_ADVICE}"
    )
