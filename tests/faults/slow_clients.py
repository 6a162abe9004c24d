"""``python -m tests.faults.slow_clients --connections N``: an honest client among N that take their time.

Six kinds of them, in equal shares: those who connect and say nothing, send a head byte by byte, announce
a body and send it byte by byte, ask and read nothing, come back with a byte a second after each answer,
and keep an idle connection. Whoever is let go comes back at once. The honest one opens a connection for
each of its requests, which is the hardest: every time it needs a place.
"""

from __future__ import annotations

import argparse
import selectors
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from rag.evaluation import reports
from rag.evaluation.reports import Figure, Report
from tests.faults.outcome import quantile
from tests.faults.service import ROOT, FaultyService

_STEP_SECONDS = 1.0
_HOST = b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_HEAD = b"GET /livez" + _HOST
_BODY = b"POST /v1/search" + _HOST + b"Content-Type: application/json\r\nContent-Length: 900\r\n\r\n"
_OPENAPI = b"GET /openapi.json" + _HOST + b"\r\n"

_SCRIPTS: dict[str, tuple[bytes, bytes]] = {
    "silent": (b"", b""),
    "slow head": (_HEAD + b"X: ", b"a"),
    "slow body": (_BODY, b" "),
    "reads nothing": (_OPENAPI * 3, b"\r\n"),
    "slow after an answer": (_HEAD + b"\r\nGET /", b"a"),
    "idle": (_HEAD + b"\r\n", b""),
}
"""What each kind sends first, and every second after that."""

P99_MILLISECONDS = 500.0


@dataclass
class Honest:
    """What the honest client saw."""

    served: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)


class SlowClients(threading.Thread):
    """Keeps ``count`` connections busy with nothing until ``stop``."""

    def __init__(self, address: tuple[str, int], count: int) -> None:
        super().__init__(name="slow clients", daemon=True)
        self.dropped = 0
        self._address = address
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        kinds = list(_SCRIPTS.values())
        self._wanted = [kinds[number % len(kinds)] for number in range(count)]

    def stop(self) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        for script in self._wanted:
            self._open(script)
        while not self._over.is_set():
            began = time.monotonic()
            self._notice_the_dropped()
            for key in list(self._selector.get_map().values()):
                with suppress(OSError):
                    key.fileobj.send(key.data[1])  # type: ignore[union-attr]  # only sockets are registered
            self._over.wait(max(0.0, _STEP_SECONDS - (time.monotonic() - began)))
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # as above
        self._selector.close()

    def _open(self, script: tuple[bytes, bytes]) -> None:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(2.0)
        with suppress(OSError):
            connection.connect(self._address)
            connection.send(script[0])
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, script)

    def _notice_the_dropped(self) -> None:
        for key, _ in self._selector.select(timeout=0):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            if key.data[0].startswith(_OPENAPI):
                over = _is_dead(connection)
            else:
                try:
                    over = not connection.recv(4096)
                except BlockingIOError:
                    over = False
                except OSError:
                    over = True
            if over:
                self.dropped += 1
                self._selector.unregister(connection)
                connection.close()
                self._open(key.data)


def _is_dead(connection: socket.socket) -> bool:
    """Whether the other side has gone, without reading what it sent."""
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


def ask_honestly(address: str, seconds: float) -> Honest:
    """One request after the other, each on a connection of its own."""
    seen = Honest()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.monotonic()
        connection = HTTPConnection(urlsplit(address).netloc, timeout=10.0)
        try:
            connection.request("GET", "/v1/documents")
            served = connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            served = False
        finally:
            connection.close()
        seen.served += served
        seen.refused += not served
        seen.seconds.append(time.monotonic() - began)
        time.sleep(0.01)
    return seen


def run(address: str, connections: int, seconds: float) -> tuple[Honest, int]:
    """What the honest client saw among so many, and how many of those were let go meanwhile."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    crowd = SlowClients((parts.hostname, parts.port), connections)
    crowd.start()
    try:
        return ask_honestly(address, seconds), crowd.dropped
    finally:
        crowd.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--reports", type=Path, default=ROOT / "data" / "reports")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, FaultyService(Path(folder)) as service:
        service.start()
        alone = ask_honestly(service.address, min(10.0, options.seconds))
        among, dropped = run(service.address, options.connections, options.seconds)
    report = _report(options, alone, among, dropped)
    print(f"wrote {reports.write(report, options.reports)}")
    return 0 if all(figure.met is not False for figure in report.figures) else 1


def _report(options: argparse.Namespace, alone: Honest, among: Honest, dropped: int) -> Report:
    p99 = quantile(among.seconds, 0.99) * 1000
    total = among.served + among.refused
    return Report(
        "slow-clients",
        f"An honest client among {options.connections:,} slow ones",
        "python -m tests.faults.slow_clients "
        f"--connections {options.connections} --seconds {options.seconds:g}",
        [
            Figure("honest requests served", f"{among.served} of {total}", "all", among.refused == 0),
            reports.at_most_ms("honest requests, p99", p99, P99_MILLISECONDS),
            Figure("the same without slow clients, p99", f"{quantile(alone.seconds, 0.99) * 1000:,.0f} ms"),
            Figure("slow connections let go", f"{dropped:,}"),
        ],
        [f"{options.seconds:g} s; kinds of slow clients: {', '.join(_SCRIPTS)}"],
    )


if __name__ == "__main__":
    sys.exit(main())
