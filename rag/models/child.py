"""A Python module run as a child process with a socket to talk over. Its output cannot disturb the talk."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from rag.models.wire import LineBuffer, WireMessage, encode_line
from rag.observability.logs import relay

_log = logging.getLogger(__name__)

_TICK_MS = 500
_GRACE_S = 3.0
_LONGEST_LOG_LINE = 10_000


class ChildProcess:
    """Starts ``python -I -m MODULE FD PARENT``; messages go both ways over socket FD.

    Whatever the child prints on stderr is logged here, its stdout is dropped.

    Args:
        module: a module with a ``main`` block; it must end when the socket is closed.
    """

    def __init__(self, module: str) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", module, str(theirs.fileno()), str(os.getpid())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # Idle OpenMP threads would spin and take the cores from retrieval.
                env={**os.environ, "OMP_WAIT_POLICY": "passive"},
            )
        # Reentrant: a generation collected as garbage sends its cancellation from any line of code.
        self._sending = threading.RLock()
        threading.Thread(target=self._log_output, name="child-output", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended_by(self) -> int | None:
        """The signal that ended it; None while it lives or when it ended by itself."""
        code = self._process.returncode
        return -code if code is not None and code < 0 else None

    def send(self, message: WireMessage) -> None:
        """Send one message. One to a child that has gone is dropped: its end is seen by the reader."""
        with contextlib.suppress(OSError), self._sending:
            self._socket.sendall(encode_line(message))

    def messages(self, overdue: Callable[[float], bool]) -> Iterator[WireMessage]:
        """What the child says, until it closes its end.

        Args:
            overdue: asked about twice a second with the seconds of silence; true kills the child.
        """
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        lines = LineBuffer()
        heard = looked = time.monotonic()
        while True:
            waiting = poll.poll(_TICK_MS)
            now = time.monotonic()
            if now - looked > _TICK_MS / 1000:  # also while it talks: one may go on for ever
                looked = now
                if overdue(now - heard):
                    _log.error("the child process %d does not react and is killed", self.pid)
                    self._process.kill()
            if not waiting:
                continue
            try:
                data = self._socket.recv(1 << 16)
            except OSError:
                return
            if not data:
                return
            heard = now
            yield from lines.feed(data)

    def close(self) -> None:
        """Hang up; the child ends by itself."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def wait(self) -> None:
        """Collect the child after it has closed its end; kill it if it does not end."""
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()

    def _log_output(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as output:
            for line in iter(lambda: output.readline(_LONGEST_LOG_LINE), b""):
                if not relay(line):
                    _log.warning("child %d: %s", self.pid, line.decode("utf-8", "replace").rstrip())
