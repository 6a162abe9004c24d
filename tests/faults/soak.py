"""``python -m tests.faults.soak --minutes 60 [--kill-every SECONDS]``: a long day of everything at once.

Clients upload, replace, delete, search, ask, leave in the middle of answers and cancel jobs. Meanwhile the
memory, open files and threads of every process are looked at, and what the data folder and SQLite's log
take on the disk. All of it should stay where it is: reported is how it changes in an hour (least squares
over what came after the first fifth). At the end, and after every kill, the ledger's promises are held
against the library (``oracle``).
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from rag.evaluation.reports import Figure, Report, write
from rag.stores import log_damage
from tests.faults import oracle, texts
from tests.faults.__main__ import REPORTS
from tests.faults.clients import Crowd
from tests.faults.ledger import Ledger
from tests.faults.over_rest import Client, Unexpected
from tests.faults.service import DidNotStart, FaultyService
from tests.faults.soak_figures import GROWTHS, Sample, Series, draw, look, slope

CLIENTS = 4
PAUSE_SECONDS = 0.05
"""Between two requests of a client: the library is to be used all the time, not to be overloaded."""
_SAMPLES = 300
_RECENT = 200
_TIDY_SECONDS = 30.0
_LEAVES_AFTER = 0.02
_SETTINGS = {"FOOTNOTE_ANSWERS_KEPT_DAYS": "0"}
"""Answers that are kept are documents of their own kind: a library of them grows, as it should."""


@dataclass(slots=True)
class Found:
    violations: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    seconds: float = 0.0
    kills: int = 0
    requests: int = 0
    documents: int = 0


def run(seconds: float, seed: int, folder: Path, kill_every: float = 0.0, clients: int = CLIENTS) -> Found:
    """Use a service over ``folder`` for so long; ``kill_every`` 0 never kills it."""
    found = Found()
    ledger = Ledger(folder / "ledger" / "requests.jsonl")
    crowd = Crowd(ledger, clients, seed, pause=PAUSE_SECONDS)
    began = time.monotonic()
    with FaultyService(folder, variables=_SETTINGS) as service:
        service.start()
        while (left := seconds - (time.monotonic() - began)) > 0:
            lasts = min(left, kill_every) if kill_every else left
            _use(service, crowd, seed + found.kills, found, began, lasts, seconds)
            try:
                if kill_every and lasts < left:
                    service.kill()
                    found.kills += 1
                elif service.stop() != 0:
                    found.violations.append(f"told to end, it ended badly: {service.log()[-500:]}")
                started = time.monotonic()
                service.start()
                found.violations += _judge(service, crowd, ledger, started, whole=lasts >= left)
            except (DidNotStart, Unexpected, httpx.TransportError) as error:
                found.violations.append(str(error))
                break
    ledger.close()
    found.violations += crowd.violations
    found.seconds = time.monotonic() - began
    found.documents = sum(len(entry.versions) for entry in ledger.entries.values())
    found.requests += crowd.requests
    return found


def _use(
    service: FaultyService,
    crowd: Crowd,
    seed: int,
    found: Found,
    began: float,
    lasts: float,
    whole: float,
) -> None:
    """All clients at work for ``lasts`` seconds, with samples all the while."""
    ended = threading.Event()
    restless = _Restless(service, random.Random(seed), ended)
    with crowd.at_work(service.client):
        restless.start()
        until = time.monotonic() + lasts
        while time.monotonic() < until:
            found.samples.append(look(service, time.monotonic() - began))
            time.sleep(min(max(0.0, until - time.monotonic()), whole / _SAMPLES))
        ended.set()
        restless.join()
    found.requests += restless.requests
    found.violations += restless.violations


def _judge(service: FaultyService, crowd: Crowd, ledger: Ledger, started: float, *, whole: bool) -> list[str]:
    """The seven points; of a long ledger only what is recent, unless the ``whole`` of it is asked for."""
    with service.client() as http:
        client = Client(http)
        client.wait_until_idle()
        crowd.settle(client)
        client.wait_until_idle()
        entries = list(ledger.entries.values())
        wrong = oracle.promises(entries if whole else entries[-_RECENT:], client)
    if log_damage.noted(service.data / "footnote.db") is not None:
        wrong.append("a loss is told of where nothing was lost")
    deadline = time.monotonic() + _TIDY_SECONDS
    while left := oracle.folder(service.data, spared_seconds=_spared(started)):
        if time.monotonic() > deadline:
            break
        time.sleep(1.0)  # files are tidied when there is time
    return wrong + left


def _spared(started: float) -> float:
    """Seconds. Files are tidied as the service starts, all but the young ones, and then not for minutes."""
    return oracle.BLOB_GRACE_SECONDS + time.monotonic() - started


class _Restless(threading.Thread):
    """Cancels what it has just sent, deletes it, and leaves before its answer has come."""

    def __init__(self, service: FaultyService, chance: random.Random, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self._service = service
        self._chance = chance
        self._ended = ended
        self.requests = 0
        self.violations: list[str] = []

    def run(self) -> None:
        with self._service.client() as http, suppress(httpx.TransportError):
            while not self._ended.wait(PAUSE_SECONDS):
                self._send_and_cancel(http)
                self._ask_and_leave()

    def _send_and_cancel(self, http: httpx.Client) -> None:
        text = texts.make(self._chance)
        sent = http.post("/v1/documents", files={"file": ("cancelled.txt", text.encode())})
        if sent.status_code not in (200, 202):
            self._expect(sent, 429, 503)
            return
        job, document = sent.json()["job"]["id"], sent.json()["document"]["id"]
        self._expect(http.delete(f"/v1/jobs/{job}"), 200, 409)
        self._expect(http.delete(f"/v1/documents/{document}"), 204)

    def _ask_and_leave(self) -> None:
        self.requests += 1
        question = {"question": texts.make(self._chance, 1), "mode": "quote"}
        with suppress(httpx.TimeoutException):
            httpx.post(
                f"{self._service.address}/v1/ask", json=question, timeout=_LEAVES_AFTER, trust_env=False
            )

    def _expect(self, answer: httpx.Response, *wanted: int) -> None:
        self.requests += 1
        if answer.status_code not in wanted:
            what = f"{answer.request.method} {answer.request.url.path}"
            self.violations.append(f"{what}: {answer.status_code} {answer.text[:200]}")


def report(found: Found, options: argparse.Namespace) -> Report:
    bound = f" (at most {3 / found.requests:.2%} of requests)" if found.requests else ""
    wrong = len(found.violations)
    figures = [
        Figure("requests", f"{found.requests:,}"),
        Figure("violations", f"{wrong}{'' if wrong else bound}", "0", wrong == 0),
    ]
    for growth in GROWTHS:
        series = Series.of(found.samples, growth)
        per_hour = slope(series.settled())
        values = [growth.shown(series.first), growth.shown(series.last), growth.shown(per_hour, sign=True)]
        figures.append(
            Figure(
                f"{growth.name}: first, last, change in an hour",
                ", ".join(values),
                f"< {growth.shown(growth.allowed)} an hour" if growth.allowed else "",
                per_hour <= growth.allowed if growth.allowed else None,
            )
        )
    kills = f" --kill-every {options.kill_every:g}" if options.kill_every else ""
    return Report(
        "soak",
        "Everything at once for a long time",
        f"python -m tests.faults.soak --minutes {options.minutes:g} --seed {options.seed}{kills}",
        figures,
        [
            f"Seed {options.seed}; light models; {CLIENTS} clients with documents of their own and one that "
            f"cancels and leaves; {found.documents:,} versions acknowledged, {found.kills} kills; "
            f"{found.seconds:,.0f} s.",
            "Changes in an hour are the slope of a line through all but the first fifth; of a short run they "
            "say little.",
            *(f"Violated: {one}" for one in found.violations[:10]),
        ],
        [("How memory, files and disk change", _PICTURE)],
    )


_PICTURE = "soak.svg"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 when a promise was broken or something grew."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:
        found = run(60 * options.minutes, options.seed, Path(folder), options.kill_every)
    made = report(found, options)
    for figure in made.figures:
        print(f"{figure.name}: {figure.value}" + (f" (to reach: {figure.target})" if figure.target else ""))
    for violation in found.violations[:20]:
        print(f"  {violation}")
    if not options.no_report:
        print(f"wrote {write(made, REPORTS)}")
        (REPORTS / _PICTURE).write_text(draw(found.samples).svg(standalone=True))
    return int(any(figure.met is False for figure in made.figures))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kill-every", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-report", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
