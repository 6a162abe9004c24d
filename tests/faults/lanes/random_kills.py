"""SIGKILL at a random moment while several clients write, search and ask (catalogue A2, A22, A23)."""

from __future__ import annotations

import random
import time
from pathlib import Path

import httpx

from rag.stores import log_damage
from tests.faults import oracle
from tests.faults.clients import Crowd
from tests.faults.ledger import Ledger
from tests.faults.outcome import Outcome, quantile
from tests.faults.over_rest import Client, Unexpected
from tests.faults.service import DidNotStart, FaultyService

TITLE = "killed at random under load of several clients"
CLIENTS = 8
_VICTIMS = ("all", "api", "worker")
_SHORTEST, _LONGEST = 0.02, 0.9
_ALL_EVERY = 25
"""Kills after which everything is looked at, and not only what the last one can have met."""
_SOME = 20


def run(n: int, seed: int, folder: Path, clients: int = CLIENTS) -> Outcome:
    """Kill ``n`` times over one data folder; the oracle is asked after every restart, of everything after
    every 25th and the last."""
    began = time.monotonic()
    chance = random.Random(seed)
    ledger = Ledger(folder / "ledger" / "requests.jsonl")
    crowd = Crowd(ledger, clients, seed)
    wrong: list[str] = []
    starts: list[float] = []
    with FaultyService(folder) as service:
        service.start()
        for number in range(n):
            _storm_and_kill(service, crowd, chance)
            try:
                if service.process.poll() is not None:
                    starts.append(service.start())
                else:
                    service.wait_until_ready()
                every = len(ledger.entries) if number % _ALL_EVERY == 0 or number == n - 1 else _SOME
                wrong += [f"kill {number}: {one}" for one in _after(service, crowd, ledger, chance, every)]
            except (DidNotStart, Unexpected, httpx.TransportError) as error:
                wrong.append(f"kill {number}: {error}")
                break
    ledger.close()
    acknowledged = sum(len(entry.versions) for entry in ledger.entries.values())
    figures = {
        "acknowledged uploads": f"{acknowledged:,}",
        "acknowledged deletes": f"{sum(entry.deleted for entry in ledger.entries.values()):,}",
        "answers": f"{len(crowd.answers):,}",
        "restart to ready p50": f"{quantile(starts, 0.5):.1f} s",
        "restart to ready p99": f"{quantile(starts, 0.99):.1f} s",
    }
    return Outcome("kills", TITLE, n, seed, wrong + crowd.violations, time.monotonic() - began, figures)


def _storm_and_kill(service: FaultyService, crowd: Crowd, chance: random.Random) -> None:
    with crowd.at_work(service.client):
        time.sleep(chance.uniform(_SHORTEST, _LONGEST))
        service.kill(chance.choice(_VICTIMS))


def _after(
    service: FaultyService, crowd: Crowd, ledger: Ledger, chance: random.Random, most: int
) -> list[str]:
    """The seven points, first with requests open that got no answer, then with those made again.

    Of everything that this round touched, and of ``most`` others drawn at random.
    """
    began = time.monotonic()
    touched = ledger.touched()
    others = sorted(ledger.entries.keys() - touched)
    touched.update(chance.sample(others, min(most, len(others))))
    with service.client() as http:
        client = Client(http)
        client.wait_until_idle()
        wrong = oracle.promises([ledger.entries[key] for key in sorted(touched)], client)
        crowd.settle(client)
        client.wait_until_idle()
        touched |= ledger.touched()
        wrong += oracle.promises([ledger.entries[key] for key in sorted(touched)], client)
        wrong += [
            f"answer lost: {one}"
            for one in crowd.answers[-20:]
            if client.answer(one).status_code not in (200, 410)
        ]
    if log_damage.noted(service.data / "footnote.db") is not None:
        wrong.append("a loss is told of where nothing was lost")
    # What was too young when the worker looked, right after its start, is looked at again ten minutes later.
    spared = oracle.BLOB_GRACE_SECONDS + time.monotonic() - began
    return wrong + oracle.folder(service.data, spared_seconds=spared)
