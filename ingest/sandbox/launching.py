"""Two ways to get a parsing child: from a fork server, in about a millisecond, or as a process of its own.

Both give the file as a descriptor, an all but empty environment and a session of its own, and promise
that a child that is given up is killed with everything it started.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

# Without the first some Python builds do not start; the others are how tesseract is found.
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "PATH", "TESSDATA_PREFIX")
# The server is asked to kill and to wait, both a matter of milliseconds.
_SERVER_SECONDS = 10.0
_STATUS_BYTES = 1024


class ServerLost(Exception):
    """The fork server ended, and its children with it; the next start begins a new one."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended: its exit status, negative for a signal, and the processor time it took."""

    status: int
    cpu_seconds: float


class Child(Protocol):
    """A child at work. Whoever has one calls ``close``."""

    @property
    def answers(self) -> int: ...

    @property
    def complaints(self) -> int: ...

    def end(self) -> Exit:
        """Kill what is left of the child and its process group.

        Raises ``ServerLost``, and OSError if there was no room for the child to start.
        """

    def close(self) -> None:
        """The same without waiting for it, and release everything; more than once does no harm."""


class Launcher(Protocol):
    def start(self, path: Path, task: dict[str, Any]) -> Child:
        """A child that does ``task`` (see ``ingest.sandbox.child``) on the file at ``path``.

        Raises OSError when there is no such file or no room for another process.
        """


class FreshProcess:
    """Starts ``command`` with the task as its last argument: 60 to 100 ms of starting and importing."""

    def __init__(self, command: Sequence[str] = ("-I", "-m", "ingest.sandbox.child")) -> None:
        self._command = [sys.executable, *command]

    def start(self, path: Path, task: dict[str, Any]) -> Child:
        argument = json.dumps({**task, "parent": os.getpid()})
        with path.open("rb") as file:
            process = subprocess.Popen(
                [*self._command, argument],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,
            )
        return _FreshChild(process)


class _FreshChild:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._streams = (process.stdout, process.stderr)
        self._exit: Exit | None = None

    @property
    def answers(self) -> int:
        return self._streams[0].fileno()

    @property
    def complaints(self) -> int:
        return self._streams[1].fileno()

    def end(self) -> Exit:
        if self._exit is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            _, status, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self._exit = Exit(self._process.returncode, _seconds(usage))
        return self._exit

    def close(self) -> None:
        self.end()
        for stream in self._streams:
            stream.close()


class ForkServer:
    """Starts children by way of ``ingest.sandbox.server``, which is started when first needed.

    May be used from several threads and for several children at a time. ``command`` is there for tests.
    """

    def __init__(self, command: Sequence[str] = ("-I", "-m", "ingest.sandbox.server")) -> None:
        self._command = [sys.executable, *command]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id while one is running."""
        return None if self._process is None else self._process.pid

    def warm_up(self) -> None:
        """Start the server, if none is running, without waiting until it is ready."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._begin()

    def start(self, path: Path, task: dict[str, Any]) -> Child:
        request = json.dumps(task).encode()
        with path.open("rb") as file, self._lock:
            if self._channel is None:
                self._begin()
            try:
                return self._ask(request, file)
            except (BrokenPipeError, ConnectionResetError):  # it died while there was nothing to do
                self._begin()
                return self._ask(request, file)

    def stop(self) -> None:
        """End the server and what it runs; a later start begins another."""
        with self._lock:
            self._finish()

    def _ask(self, request: bytes, file: BinaryIO) -> Child:
        assert self._channel is not None
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            answers, answering = _pipe(ours, theirs)
            complaints, complaining = _pipe(ours, theirs)
            control, controlled = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.enter_context(control)
            theirs.enter_context(controlled)
            socket.send_fds(
                self._channel, [request], [file.fileno(), answering, complaining, controlled.fileno()]
            )
            ours.pop_all()  # from here on they are the child's
            return _ForkedChild(answers, complaints, control)

    def _begin(self) -> None:
        self._finish()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [*self._command, str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=_environment(),
                    start_new_session=True,
                )
        except OSError:
            self._finish()
            raise

    def _finish(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.kill()  # its children go with it, and nothing else of it is worth saving
            self._process.wait()
            self._process = None


class _ForkedChild:
    def __init__(self, answers: int, complaints: int, control: socket.socket) -> None:
        self.answers = answers
        self.complaints = complaints
        self._control = control
        self._closed = False

    def end(self) -> Exit:
        try:
            self._control.shutdown(socket.SHUT_WR)
            self._control.settimeout(_SERVER_SECONDS)
            message = self._control.recv(_STATUS_BYTES)
        except OSError as error:
            raise ServerLost from error
        if not message:
            raise ServerLost
        report = json.loads(message)
        if "errno" in report:
            raise OSError(report["errno"], "the document's process could not be started")
        return Exit(os.waitstatus_to_exitcode(report["status"]), report["cpu_seconds"])

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._control.close()  # which tells the server to kill the child, if it is still there
            os.close(self.answers)
            os.close(self.complaints)


def is_forking_supported() -> bool:
    """Whether this system has what the fork server is built on: Linux 5.3 or later."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _pipe(reading: contextlib.ExitStack, writing: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe, each end of it closed by one of the two."""
    reader, writer = os.pipe()
    reading.callback(os.close, reader)
    writing.callback(os.close, writer)
    return reader, writer


def _environment() -> dict[str, str]:
    kept = {key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ}
    # Idle threads of the numeric libraries that text recognition uses would be counted as processes.
    return {"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **kept}


def _seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime
