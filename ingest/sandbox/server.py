"""The fork server: ``python -I -m ingest.sandbox.server DESCRIPTOR`` forks a parsing child per document.

Starting an interpreter and importing the parsers takes longer than reading most documents, so that is
done once, here. Even a fork takes milliseconds (the child's first steps copy hundreds of pages), so one
child always stands by. The server itself never opens or reads a document: it hands descriptors on. It
has one thread (forking more than one is unsafe) and ends with its channel, that is with its owner.

Protocol, on Unix sockets that keep message boundaries: a request is the child's task in JSON with four
descriptors: the file, where to answer, where to complain, and a control socket. Closing the other end
of that socket is how a caller has the child killed. When the child is gone, however that came about,
``{"status": wait status, "cpu_seconds": …}`` is sent there, or ``{"errno": …}`` if it never started.

Only the server waits for its children, so only the server may kill them: until they are waited for,
nobody else can have their process id.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NoReturn

from ingest import parsers
from ingest.ocr import engines
from ingest.sandbox import child
from ingest.sandbox.confinement import adopt_orphans, close_files, follow_parent, isolate
from rag.network_guard import NetworkGuard

_REQUEST_BYTES = 1 << 17
_STREAMS = 3
# What the standard library imports only when it is used: the codecs of PDFium's strings, for instance.
_LATER = ("encodings.utf_16_le", "encodings.utf_32_le", "heapq")

Work = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Child:
    """A process: ``ended`` is a descriptor that becomes readable with its end, ``inbox`` takes its task."""

    pid: int
    ended: int
    inbox: socket.socket


class _Server:
    def __init__(self, channel: socket.socket, work: Work) -> None:
        self._channel = channel
        self._work = work
        self._pid = os.getpid()
        self._selector = selectors.EpollSelector()
        self._selector.register(channel, selectors.EVENT_READ, self._on_request)
        self._spare: _Child | None = None
        self._open = True

    def run(self) -> None:
        while self._open:
            if self._spare is None:
                with contextlib.suppress(OSError):  # then it is tried again when it is needed
                    self._spare = self._fork()
            # Only one event of a round: it may close what the others are about, and open something else
            # under the same descriptor.
            key, _ = self._selector.select()[0]
            key.data()

    def _on_request(self) -> None:
        request, descriptors, _, _ = socket.recv_fds(self._channel, _REQUEST_BYTES, _STREAMS + 1)
        if not request:
            self._open = False  # the children die with this process
            return
        control = socket.socket(fileno=descriptors.pop())
        try:
            self._watch(self._hand_over(request, descriptors), control)
        except OSError as error:
            _tell(control, {"errno": error.errno or errno.EAGAIN})
            control.close()
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _hand_over(self, request: bytes, streams: list[int]) -> _Child:
        """The child that has the task now: the one that stood by, unless something has killed it."""
        ready, self._spare = self._spare, None
        if ready is not None:
            try:
                _send(ready, request, streams)
                return ready
            except OSError:
                self._bury(ready)
        ready = self._fork()
        _send(ready, request, streams)
        return ready

    def _fork(self) -> _Child:
        """A child that waits for its task."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                pid = os.fork()
            except OSError:
                ours.close()
                raise
            if pid == 0:
                ours.close()
                self._become_child(theirs)
        return _Child(pid, os.pidfd_open(pid), ours)

    def _become_child(self, inbox: socket.socket) -> NoReturn:
        status = 1
        try:
            os.setsid()
            follow_parent(self._pid)
            # The server's own and those of other children: nobody here may speak in their name.
            inherited = [key.fd for key in self._selector.get_map().values()]
            for descriptor in (self._selector.fileno(), *inherited):
                os.close(descriptor)
            request, streams, _, _ = socket.recv_fds(inbox, _REQUEST_BYTES, _STREAMS)
            inbox.close()
            if not request:  # the server has ended
                os._exit(0)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            self._work(json.loads(request))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            # Nothing is left to save, and tearing down native libraries takes time and can crash.
            os._exit(status)

    def _watch(self, running: _Child, control: socket.socket) -> None:
        for which in (running.ended, control):
            self._selector.register(which, selectors.EVENT_READ, lambda: self._reap(running, control))

    def _reap(self, running: _Child, control: socket.socket) -> None:
        """The child has ended, or its caller has had enough of it."""
        self._selector.unregister(running.ended)
        self._selector.unregister(control)
        _tell(control, self._bury(running))
        control.close()

    def _bury(self, dead: _Child) -> dict[str, Any]:
        """Leave nothing of a child and its process group; returns how it ended."""
        os.kill(dead.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # a group of its own is the child's first step
            os.killpg(dead.pid, signal.SIGKILL)
        _, status, usage = os.wait4(dead.pid, 0)
        with contextlib.suppress(ChildProcessError):  # what it had started is ours now, and none is left
            while True:
                os.waitpid(-dead.pid, 0)
        os.close(dead.ended)
        dead.inbox.close()
        return {"status": status, "cpu_seconds": usage.ru_utime + usage.ru_stime}


def _send(ready: _Child, request: bytes, streams: list[int]) -> None:
    with ready.inbox:
        socket.send_fds(ready.inbox, [request], streams)


def _tell(control: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a caller that has the result does not wait for this
        control.send(json.dumps(message).encode())


def preload() -> None:
    """Import all that parsers are made of, apart from text recognition, which is large and rarely needed."""
    for module in iter_modules(parsers.__path__):
        with contextlib.suppress(ImportError):  # the documents that need it will tell
            import_module(f"{parsers.__name__}.{module.name}")
    for name in _LATER:
        import_module(name)


def serve(descriptor: int, work: Work) -> None:
    """Fork children that do ``work``, until the other end of the socket ``descriptor`` is closed."""
    # Without this, the first collection in each child would write to, and so copy, all that is loaded.
    gc.collect()
    gc.freeze()
    adopt_orphans()
    with socket.socket(fileno=descriptor) as channel:
        _Server(channel, work).run()


def main(descriptor: int) -> None:
    """Serve with the parsers loaded and everything given up that no parser needs."""
    NetworkGuard().install()
    isolate()
    preload()
    engines.is_installed()  # looks once for all children
    close_files(engines.program())
    serve(descriptor, child.perform)


if __name__ == "__main__":
    main(int(sys.argv[1]))
    os._exit(0)
