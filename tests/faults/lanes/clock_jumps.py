"""The time of day jumps, by years, hours and minutes, both ways, under load and at a kill (catalogue A19)."""

from __future__ import annotations

import math
import random
import time
from pathlib import Path

import httpx

from tests.faults import clock, oracle
from tests.faults.clients import Crowd
from tests.faults.ledger import Ledger
from tests.faults.outcome import Outcome
from tests.faults.over_rest import Client, Unexpected
from tests.faults.service import DidNotStart, FaultyService

TITLE = "the clock jumps under load, and while a job waits for a dead worker"
_CLIENTS = 4
_YEAR = 365 * 86400.0
_OFFSETS = (0.0, 10 * _YEAR, -10 * _YEAR, 86400.0, -86400.0, 3600.0, -3600.0, 70.0, -70.0)
_STORM_SECONDS = 0.4
_KILLED = 0.3
_TIDY_SECONDS = 60.0


def run(n: int, seed: int, folder: Path) -> Outcome:
    """``n`` jumps to another offset, at three in ten with a kill; then all jobs must end."""
    began = time.monotonic()
    chance = random.Random(seed)
    ledger = Ledger(folder / "ledger" / "requests.jsonl")
    crowd = Crowd(ledger, _CLIENTS, seed)
    path = folder / "clock"
    clock.set_to(path, 0.0)
    wrong: list[str] = []
    with FaultyService(folder, variables={clock.VARIABLE: str(path)}) as service:
        service.start()
        for number in range(n):
            offset = chance.choice(_OFFSETS)
            jump = f"jump {number} to {offset:+.0f} s"
            _storm_and_jump(service, crowd, chance, path, offset)
            try:
                if service.process.poll() is not None:
                    service.start()
                else:
                    service.wait_until_ready()
                wrong += [f"{jump}: {one}" for one in _after(service, crowd, ledger)]
            except (DidNotStart, Unexpected, httpx.TransportError) as error:
                wrong.append(f"{jump}: {error}")
                break
        clock.set_to(path, 0.0)
        service.stop()
        service.start()
        wrong += [f"with the right time again: {one}" for one in _left_behind(service)]
    ledger.close()
    figures = {"acknowledged uploads": f"{sum(len(one.versions) for one in ledger.entries.values())}"}
    return Outcome("clock", TITLE, n, seed, wrong + crowd.violations, time.monotonic() - began, figures)


def _storm_and_jump(
    service: FaultyService, crowd: Crowd, chance: random.Random, path: Path, offset: float
) -> None:
    with crowd.at_work(service.client):
        time.sleep(chance.uniform(0.1, _STORM_SECONDS))
        if chance.random() < _KILLED:
            service.kill(chance.choice(("worker", "all")))
        clock.set_to(path, offset)
        time.sleep(_STORM_SECONDS)


def _left_behind(service: FaultyService) -> list[str]:
    """What is wrong once the worker has had the time to tidy, which it does when it starts."""
    deadline = time.monotonic() + _TIDY_SECONDS
    while (found := oracle.folder(service.data)) and time.monotonic() < deadline:
        time.sleep(1.0)
    return found


def _after(service: FaultyService, crowd: Crowd, ledger: Ledger) -> list[str]:
    with service.client() as http:
        client = Client(http)
        client.wait_until_idle()
        crowd.settle(client)
        client.wait_until_idle()
        wrong = oracle.promises(ledger.entries.values(), client)
    # How old a file is, the service cannot tell while its clock is wrong.
    return wrong + oracle.folder(service.data, spared_seconds=math.inf)
