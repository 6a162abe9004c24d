"""What a parser that has been taken over would try, and children whose parser tries it.

An attempt is a script. It ends by raising (it was refused) or comes to its end (it has escaped), unless
the child is stopped first. ``place`` in it is a folder that stands for what people have on a machine,
``address`` the port of a listener on 127.0.0.1, ``socket_path`` a Unix socket, ``parent`` who started it.
The document that carries it is a PDF, because what can hold scanned pages is allowed most.
Nothing here does harm where it succeeds.
"""

from __future__ import annotations

import contextlib
import os
import platform
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.parsers.limits import ParseLimits
from ingest.sandbox import Sandbox
from ingest.sandbox.launching import ForkServer, FreshProcess
from rag.errors import DocumentRejected

_TAKE_OVER = """
import ctypes, fcntl, os, resource, signal, socket, sys, threading, time
import ingest.parsers
from ingest.ocr import engines
from ingest.ocr.engine import EngineFailed, Picture
from ingest.sandbox import child, server
from rag.errors import DocumentRejected

libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")

private_stdout = child._private_stdout
def noting():
    child.answers = private_stdout()
    return child.answers
child._private_stdout = noting

def attempt(script):
    try:
        exec(script, dict(globals(), parent=os.getppid()))
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        return f"refused: {type(error).__name__}: {error}"
    return "escaped"
"""
_AS_PARSER = """
def parse(file, name, limits, progress):
    raise DocumentRejected("no_text", attempt(name))
ingest.parsers.parse = parse
"""
# The engine is what hostile pixels reach.
_AS_RECOGNISER = """
def parse(file, name, limits, progress):
    from ingest.ocr import allowance
    try:
        allowance.engine(lambda: None).recognise(Picture(len(name.encode()), 1, name.encode(), 72.0), 20)
    except EngineFailed as error:
        raise DocumentRejected("no_text", str(error))
class TakenOver:
    name = "taken over"
    def recognise(self, picture, seconds):
        raise EngineFailed(attempt(picture.pixels.decode()))
ingest.parsers.parse = parse
engines.is_installed = lambda: True
engines.available = TakenOver
"""
_FRESH = "child.main(sys.argv[-1])\nos._exit(0)"
_FORKED = "server.main(int(sys.argv[-1]))"

DOCUMENT = b"%PDF-1.7\n"


def fresh(*, recogniser: bool = False) -> FreshProcess:
    role = _AS_RECOGNISER if recogniser else _AS_PARSER
    return FreshProcess(["-I", "-c", _TAKE_OVER + role + _FRESH])


def forked(*, recogniser: bool = False) -> ForkServer:
    role = _AS_RECOGNISER if recogniser else _AS_PARSER
    return ForkServer(["-I", "-c", _TAKE_OVER + role + _FORKED])


@dataclass(frozen=True)
class Escape:
    """``stopped`` is said by the parent of a child that had to be stopped; empty where it is refused.

    After ``seconds`` the clock of the parent stops it.
    """

    title: str
    script: str
    stopped: str = ""
    seconds: float = 5.0


READING = [
    Escape("read a file of the user", "open(place + '/secret').read()"),
    Escape("list a folder of the user", "os.listdir(place)"),
    Escape("read another document", "open(place + '/data/blobs/other').read()"),
    Escape("read the accounts of the system", "open('/etc/passwd').read()"),
    Escape("list the processes", "os.listdir('/proc')"),
    Escape("look into the first process", "open('/proc/1/cmdline').read()"),
    Escape("read the environment of the parent", "open(f'/proc/{parent}/environ').read()"),
    Escape("read the memory of the parent", "open(f'/proc/{parent}/mem', 'rb').read(1)"),
]
WRITING = [
    Escape("write a file", "open(place + '/new', 'w').write('x')"),
    Escape("write a temporary file", "import tempfile; tempfile.TemporaryFile().write(b'x')"),
    Escape("overwrite a program", "open(os.path.abspath(os.__file__), 'r+b').read(1)"),
    Escape("overwrite the document", "open('/proc/self/fd/0', 'r+b')"),
    Escape("change the rights of the document", "os.fchmod(0, 0o777)"),
    Escape("cut off the document", "os.ftruncate(0, 0)"),
    Escape("delete a file", "os.unlink(place + '/secret')"),
    Escape("rename a file", "os.rename(place + '/secret', place + '/taken')"),
    Escape("make a folder", "os.mkdir(place + '/new')"),
    Escape("make a link", "os.symlink('/etc/passwd', place + '/link')"),
    Escape("fill shared memory", "[os.write(os.memfd_create('x'), bytes(2**20)) for _ in range(9)]"),
    Escape("fill /dev/shm", "open('/dev/shm/footnote-escape', 'wb').write(bytes(2**20))"),
]
NETWORK = [
    Escape("connect by TCP", "socket.create_connection(('127.0.0.1', address), timeout=2)"),
    Escape("send by UDP", "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', address))"),
    Escape("connect to a Unix socket", "socket.socket(socket.AF_UNIX).connect(socket_path)"),
    Escape("connect to an abstract socket", "socket.socket(socket.AF_UNIX).connect('\\0footnote-escape')"),
    Escape("listen", "socket.create_server(('127.0.0.1', 0))"),
    Escape("ask the kernel about the network", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"),
    Escape("look up a name", "socket.getaddrinfo('example.org', 80)"),
]
PROCESSES = [
    Escape("kill the parent", "os.kill(parent, 0)"),
    Escape("kill everybody", "os.kill(-1, 0)"),
    Escape("have the kernel send a signal", "fcntl.fcntl(0, fcntl.F_SETOWN, parent)"),
    Escape("trace the parent", "call(101, 16, parent, 0, 0)"),
    Escape("read the memory of the parent by call", "call(310, parent, 0, 0, 0, 0, 0)"),
    Escape("take a descriptor of the parent", "call(438, os.pidfd_open(parent), 0, 0)"),
    Escape("limit the parent", "resource.prlimit(parent, resource.RLIMIT_NOFILE)"),
    Escape("leave the session", "os.setsid()"),
    Escape("leave the group", "os.setpgid(0, 0)"),
    Escape("outlive the parent", "call(157, 1, 0)"),
]
RIGHTS = [
    Escape("mount", "call(165, b'none', place.encode(), b'tmpfs', 0, None)"),
    Escape("change the root", "os.chroot('/')"),
    Escape("become an administrator by namespace", "call(272, 0x10000000)"),
    Escape("become the user 0", "os.setuid(0)"),
    Escape("raise the limit on memory", "resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))"),
    Escape("raise the limit on files", "resource.setrlimit(resource.RLIMIT_FSIZE, (2**40, 2**40))"),
    Escape("load code into the kernel", "call(321, 5, None, 0)"),
    Escape("open a ring of calls", "call(425, 8, bytes(120))"),
    Escape("handle page faults", "call(323, 0)"),
    Escape("ask for keys", "call(250, 0, -3, 0)"),
]
STARTING = [
    Escape("fork", "os.fork() or os._exit(0)"),
    Escape("fork bomb", "[os.fork() for _ in range(4)]"),
    Escape("thread bomb", "[threading.Thread(target=time.sleep, args=(9,)).start() for _ in range(99)]"),
    Escape("run a shell", "os.execv('/bin/sh', ['sh', '-c', 'true'])"),
    Escape("run the recognition engine", "os.execv(engines._tesseract() or '/bin/true', ['tesseract'])"),
]
EXHAUSTING = [
    # Asked for, not written to: that takes processor time, which has a limit of its own.
    Escape("take all memory", "x = [bytes(2**26) for _ in range(99)]"),
    Escape("take all memory, not asking Python", "call(9, None, ctypes.c_size_t(2**33), 3, 34, -1, 0)"),
    Escape("open many files", "[os.dup(0) for _ in range(999)]"),
    Escape("spin", "while True: pass", stopped="passed the limit on"),
    Escape("wait for ever", "time.sleep(600)", stopped="time", seconds=0.7),
    Escape(
        "wait for ever, claiming to recognise",
        "[os.write(child.answers, b'{\"recognising\": 1}\\n') for _ in range(99)]; time.sleep(600)",
        stopped="time",
        seconds=0.7,
    ),
    Escape("ignore being told to stop",
           "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", stopped="time", seconds=1.5),
    Escape("answer without end", "while True: os.write(child.answers, b'x' * 65536)", stopped="result size"),
    Escape("complain without end", "while True: os.write(2, b'x' * 65536)", stopped="time", seconds=0.7),
    Escape("crash", "import ctypes; ctypes.string_at(0)", stopped="signal"),
    Escape("abort", "os.abort()", stopped="memory"),
]  # fmt: skip

# Starting processes is what a recogniser is for, and its limits on time and memory are wide.
PARSER = [*READING, *WRITING, *NETWORK, *PROCESSES, *RIGHTS, *STARTING, *EXHAUSTING]
RECOGNISER = [*READING, *WRITING, *NETWORK, *PROCESSES, *RIGHTS, STARTING[3]]

LIMITS = ParseLimits(
    memory_bytes=600 * 2**20,
    cpu_seconds=1,
    max_result_bytes=1_000_000,
    max_ocr_pages=2,
    ocr_seconds_per_page=1,
)
# Calls that Python has no function for are made by their numbers.
ARE_FOR_THIS_MACHINE = platform.system() == "Linux" and platform.machine() == "x86_64"


class Surroundings:
    """What there is to be reached in ``folder`` and on this machine, and whether it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "data/blobs").mkdir(parents=True)
        (folder / "secret").write_text("a secret")
        (folder / "data/blobs/other").write_text("another document")
        self.document = folder / "document"
        self.document.write_bytes(DOCUMENT)
        self._listeners: list[socket.socket] = []

    def __enter__(self) -> Surroundings:
        self._tcp = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        self._udp = self._listen(socket.AF_INET, socket.SOCK_DGRAM, self._tcp.getsockname())
        # Where the folder's own name is too long for a socket, the working directory is nearer.
        self._unix = self._listen(socket.AF_UNIX, socket.SOCK_STREAM, os.path.relpath(self.folder / "socket"))
        self._abstract = self._listen(socket.AF_UNIX, socket.SOCK_STREAM, f"\0footnote-{os.getpid()}-other")
        self._before = self._files()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for listener in self._listeners:
            listener.close()

    def outcome(self, escape: Escape, sandbox: Sandbox) -> str:
        """``refused: …`` or ``stopped: …`` if the attempt came to nothing, else what it came to."""
        known = f"place={str(self.folder)!r}; address={self._tcp.getsockname()[1]}; "
        known += f"socket_path={self._unix.getsockname()!r}\n"
        try:
            sandbox.parse_file(
                self.document, known + escape.script, replace(LIMITS, wall_seconds=escape.seconds)
            )
        except DocumentRejected as verdict:
            said = verdict.detail
        else:
            return "escaped: it gave a document"
        if self._files() != self._before:
            return "escaped: files have changed"
        if any(_is_reached(listener) for listener in self._listeners):
            return "escaped: somebody was reached"
        if not escape.stopped:
            return said
        return f"stopped: {said}" if escape.stopped in said else f"escaped: {said}"

    def _listen(self, family: int, kind: int, address: object) -> socket.socket:
        listener = socket.socket(family, kind)
        listener.setblocking(False)
        listener.bind(address)  # type: ignore[arg-type]  # as the family has it
        if kind == socket.SOCK_STREAM:
            listener.listen()
        self._listeners.append(listener)
        return listener

    def _files(self) -> dict[str, tuple[bytes, int]]:
        return {
            str(path): (path.read_bytes(), path.stat().st_mode)
            for path in self.folder.rglob("*")
            if path.is_file()
        }


def _is_reached(listener: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        if listener.type == socket.SOCK_DGRAM:
            return bool(listener.recv(1))
        listener.accept()[0].close()
        return True
    return False
