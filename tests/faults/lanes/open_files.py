"""No more files can be opened (catalogue A11): a clear no or patience, what is there is served, none is lost.

A service that runs is allowed as many open files as it has and a few more, at random. Clients then take those
with idle connections. Whoever is connected already searches, uploads and deletes; then the limit goes.
"""

from __future__ import annotations

import random
import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.faults import oracle, texts
from tests.faults.clients import Crowd
from tests.faults.ledger import Ledger, only_word
from tests.faults.outcome import Outcome
from tests.faults.over_rest import Client, Unexpected
from tests.faults.service import FaultyService

TITLE = "no more files can be opened"
_MOST_ROOM = 24
_IDLE_CONNECTIONS = 32
_REQUESTS = 12
_ALLOWED = (200, 202, 429, 503, 507)
_SETTLE_SECONDS = 20.0
_SLACK = 12
"""Connections to the database and threads' own files that stay open once they have been needed."""


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` times over one service."""
    began = time.monotonic()
    chance = random.Random(seed)
    ledger = Ledger(folder / "ledger" / "requests.jsonl")
    crowd = Crowd(ledger, 1, seed)
    wrong: list[str] = []
    met: Counter[str] = Counter()
    with FaultyService(folder) as service:
        service.start()
        with service.client() as http:
            kept = texts.make(chance)
            Client(http).upload(kept, "kept")
            Client(http).wait_until_idle()
            first = len(_open_files(service))
            for number in range(n):
                room = chance.randint(0, _MOST_ROOM)
                found = _starved(service, http, crowd, only_word(kept), room, met)
                found += _afterwards(service, crowd, ledger, first)
                wrong += [f"{number}, {room} left: {one}" for one in found]
                if service.process.poll() is not None:
                    wrong.append(f"{number}, {room} left: it ended: {service.log()[-500:]}")
                    break
    ledger.close()
    figures = {what: str(count) for what, count in sorted(met.items())}
    return Outcome("files", TITLE, n, seed, wrong, time.monotonic() - began, figures)


def _starved(
    service: FaultyService, http: httpx.Client, crowd: Crowd, word: str, room: int, met: Counter[str]
) -> list[str]:
    """Requests of a client that is connected; what nobody may ever be answered."""
    wrong: list[str] = []
    with _limited(service, room), ExitStack() as idle:
        parts = urlsplit(service.address)
        for _ in range(_IDLE_CONNECTIONS):
            connection = idle.enter_context(socket.socket())
            connection.settimeout(1.0)
            connection.connect((parts.hostname, parts.port))
        for number in range(_REQUESTS):
            try:
                searched = Client(http).search(word)
                sent = Client(http).upload(f"{word} {room} {number}", f"{room}-{number}")
                for what, answer in (("search", searched), ("upload", sent)):
                    met[f"{what} {answer.status_code}"] += 1
                    if answer.status_code not in _ALLOWED:
                        wrong.append(f"{what}: {answer.status_code} {answer.text[:200]}")
                crowd.act(0, Client(http))
            except Unexpected as error:
                wrong.append(str(error))
            except httpx.TransportError:  # the connection was closed to make room, and a new one waits
                met["not connected"] += 1
                break
    return wrong


def _afterwards(service: FaultyService, crowd: Crowd, ledger: Ledger, first: int) -> list[str]:
    """With room again all promises hold, and the files are closed."""
    with service.client() as http:
        client = Client(http)
        client.wait_until_idle()
        crowd.settle(client)
        client.wait_until_idle()
        wrong = oracle.promises(ledger.entries.values(), client)
    deadline = time.monotonic() + _SETTLE_SECONDS
    while len(_open_files(service)) > first + _SLACK and time.monotonic() < deadline:
        time.sleep(0.2)
    still = len(_open_files(service))
    return [*wrong, f"{still} files are open, {first} were"] if still > first + _SLACK else wrong


@contextmanager
def _limited(service: FaultyService, room: int) -> Iterator[None]:
    pid = service.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(_open_files(service)) + 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + room, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def _open_files(service: FaultyService) -> list[int]:
    return [int(path.name) for path in Path(f"/proc/{service.process.pid}/fd").iterdir()]
