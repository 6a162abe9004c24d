"""``python -m tests.faults.shutdowns --n N --seed S``: signals to end, in every phase of a service's life.

SIGTERM, SIGINT and SIGHUP, over one data folder. From the signal on ``/readyz`` is false and new work is
refused; what runs ends in bounded time; the exit status is 0; every document that was acknowledged is read
after the next start. Every fifth time a second signal follows, which ends the service there and then.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from rag.evaluation.reports import Figure, Report, write
from tests.faults.outcome import quantile
from tests.faults.service import ROOT, FaultyService

_SIGNALS = (signal.SIGTERM, signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_SHUTDOWN_SECONDS = 3
_BOUND_SECONDS = 30.0
_READ_SECONDS = 60.0
_CLIENTS = 4


@dataclass(slots=True)
class Found:
    """``seconds`` from the signal to the end, by phase; ``violations`` say what was lost or went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    at_once: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        return sum(map(len, self.seconds.values())) + len(self.at_once)


class Clients:
    """Threads that do one thing over and over until told to stop, and note what became of it."""

    def __init__(self, act: Callable[[httpx.Client, int], str], address: str, found: Found) -> None:
        self._act = act
        self._address = address
        self._found = found
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(one,), daemon=True) for one in range(_CLIENTS)
        ]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_BOUND_SECONDS)

    def _run(self, client_number: int) -> None:
        with httpx.Client(base_url=self._address, timeout=60.0, trust_env=False) as client:
            while not self._over.is_set():
                try:
                    outcome = self._act(client, client_number)
                except (httpx.TransportError, OSError):
                    return  # it has gone
                self._found.answers[outcome] += 1
                if outcome.startswith("5") and "shutting_down" in outcome:
                    return


def run(n: int, seed: int, folder: Path, phases: Sequence[str] = ()) -> Found:
    """End a service ``n`` times, and look for every acknowledged document at the end.

    ``phases`` are taken in turn; all of them by default.
    """
    phases = phases or list(_PHASES)
    chance, found = random.Random(seed), Found()
    settings = {"FOOTNOTE_SHUTDOWN_SECONDS": str(_SHUTDOWN_SECONDS)}
    with FaultyService(folder, variables=settings) as service:
        for number in range(n):
            phase = phases[number % len(phases)]
            _end_once(service, phase, number, chance, found)
        service.start()
        _look_for_everything(service, found)
        if service.stop() != 0:
            found.violations.append("the last end was not clean")
    return found


def _end_once(service: FaultyService, phase: str, number: int, chance: random.Random, found: Found) -> None:
    if phase == "starting":
        service.spawn()
        time.sleep(chance.uniform(0.5, 4.0))
        _signal_and_wait(service, phase, number, chance, found)
        return
    service.start()
    _works_when_ready(service.address, phase, found)
    act = _PHASES[phase](found)
    if act is None:
        _signal_and_wait(service, phase, number, chance, found)
        return
    before = found.answers.total()
    with Clients(act, service.address, found):
        _wait_until(lambda: found.answers.total() > before or phase in _SILENT)
        time.sleep(chance.uniform(0.0, 0.5))
        _signal_and_wait(service, phase, number, chance, found)


def _works_when_ready(address: str, phase: str, found: Found) -> None:
    answer = httpx.post(address + "/v1/search", json={"query": "anything"}, timeout=60.0, trust_env=False)
    if answer.status_code != 200:
        found.violations.append(f"{phase}: ready, but a search answered {answer.status_code}")


def _wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _BOUND_SECONDS
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.01)


def _signal_and_wait(
    service: FaultyService, phase: str, number: int, chance: random.Random, found: Found
) -> None:
    twice = number % 5 == 4 and phase != "starting"
    sent = chance.choice(_SIGNALS)
    service.process.send_signal(sent)
    began = time.monotonic()
    if twice:
        time.sleep(0.02)
        service.process.send_signal(sent)
    elif service.address and phase != "starting":
        _is_refused(service.address, phase, found)
    try:
        status = service.process.wait(_BOUND_SECONDS)
    except Exception:
        found.violations.append(f"{phase}: still there after {_BOUND_SECONDS:g} s")
        service.kill()
        return
    took = time.monotonic() - began
    if twice and status != 0:  # 0: it had ended before the second came
        found.at_once.append(took)
        if status != 128 + sent:
            found.violations.append(f"{phase}: status {status} after a second signal")
    else:
        found.seconds.setdefault(phase, []).append(took)
        if status != 0 and not (phase == "starting" and status == -sent and not service.address):
            found.violations.append(f"{phase}: status {status} after {sent.name}: {service.log()[-500:]}")


def _is_refused(address: str, phase: str, found: Found) -> None:
    """Whoever asks now, on a new connection, must not be told that it is ready or be let begin anything."""
    for method, path in (("GET", "/readyz"), ("POST", "/v1/search")):
        with suppress(httpx.TransportError):  # nobody listens any more: as clear an answer
            answer = httpx.request(
                method, address + path, json={"query": "anything"}, timeout=10.0, trust_env=False
            )
            if answer.status_code != 503:
                found.violations.append(f"{phase}: {path} answered {answer.status_code} after the signal")


def _asking(found: Found) -> Callable[[httpx.Client, int], str]:
    def act(client: httpx.Client, number: int) -> str:
        body = {"question": "Which word is kept?", "mode": "quote", "stream": bool(number % 2)}
        return _named(client.post("/v1/ask", json=body))

    return act


def _uploading(found: Found) -> Callable[[httpx.Client, int], str]:
    def act(client: httpx.Client, number: int) -> str:
        return _upload(client, found, wait=False)

    return act


def _waiting(found: Found) -> Callable[[httpx.Client, int], str]:
    def act(client: httpx.Client, number: int) -> str:
        return _upload(client, found, wait=True)

    return act


def _half_uploaded(found: Found) -> Callable[[httpx.Client, int], str]:
    """A body of which the rest never comes: it must not hold up the end."""

    def act(client: httpx.Client, number: int) -> str:
        parts = urlsplit(str(client.base_url))
        with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=60.0) as half:
            half.sendall(
                b"POST /v1/documents HTTP/1.1\r\nHost: " + parts.netloc.encode() + b"\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n--x\r\n"
            )
            with suppress(OSError):
                half.recv(1000)
        raise httpx.TransportError("it ended, as it should")

    return act


_PHASES: Mapping[str, Callable[[Found], Callable[[httpx.Client, int], str] | None]] = {
    "starting": lambda _: None,
    "idle": lambda _: None,
    "asking": _asking,
    "uploading": _uploading,
    "waiting for documents": _waiting,
    "half an upload": _half_uploaded,
}


_SILENT = frozenset({"half an upload"})
"""Phases in which nobody is ever answered."""


def _upload(client: httpx.Client, found: Found, *, wait: bool) -> str:
    word = f"kept{random.getrandbits(60):x}"
    content = f"The word {word} is kept here. " * 20
    answer = client.post(
        "/v1/documents", params={"wait": wait}, files={"file": (f"{word}.txt", content.encode())}
    )
    if answer.status_code in (200, 202):
        found.acknowledged[answer.json()["document"]["id"]] = word
    return _named(answer)


def _named(answer: httpx.Response) -> str:
    if answer.status_code < 400:
        broken = "text/event-stream" in answer.headers["content-type"] and "event: done" not in answer.text
        if broken and "shutting_down" not in answer.text:
            return f"{answer.status_code} cut off"
        return str(answer.status_code)
    return f"{answer.status_code} {answer.json()['code']}"


def _look_for_everything(service: FaultyService, found: Found) -> None:
    """Every acknowledged document becomes readable and is found by its own word."""
    with service.client() as client:
        for document, word in found.acknowledged.items():
            state, deadline = "", time.monotonic() + _READ_SECONDS  # thousands may wait before the first
            while time.monotonic() < deadline:
                answer = client.get(f"/v1/documents/{document}")
                state = str(answer.json().get("state", answer.status_code))
                if state in ("ready", "refined", "failed", "404"):
                    break
                time.sleep(0.05)
            hits = client.post("/v1/search", json={"query": word, "k": 1}).json()["hits"]
            if state not in ("ready", "refined") or not hits or hits[0]["document"]["id"] != document:
                found.violations.append(f"document {document} is {state} after it was acknowledged")


def report(found: Found, seed: int) -> Report:
    figures = []
    for phase, seconds in found.seconds.items():
        shown = " / ".join(f"{quantile(seconds, share):.1f} s" for share in (0.5, 1.0))
        figures.append(
            Figure(
                f"{phase}, {len(seconds)} times: p50 / longest",
                shown,
                f"< {_BOUND_SECONDS:g} s",
                max(seconds) < _BOUND_SECONDS,
            )
        )
    if found.at_once:
        shown = f"{max(found.at_once):.2f} s"
        figures.append(
            Figure(
                f"a second signal, {len(found.at_once)} times: longest",
                shown,
                "< 1 s",
                max(found.at_once) < 1,
            )
        )
    cut = sum(count for outcome, count in found.answers.items() if outcome.endswith("cut off"))
    figures += [
        Figure("answers cut off without a word", str(cut), "0", cut == 0),
        Figure(
            f"violations (of {found.n} ends and {len(found.acknowledged)} acknowledged documents)",
            str(len(found.violations)),
            "0",
            not found.violations,
        ),
    ]
    outcomes = ", ".join(f"{name}: {count}" for name, count in sorted(found.answers.items()))
    return Report(
        "shutdowns",
        f"{found.n} ends of a service",
        f"python -m tests.faults.shutdowns --n {found.n} --seed {seed}",
        figures,
        [
            f"Seed {seed}; light models, {_SHUTDOWN_SECONDS} s for what runs. Answers meanwhile: {outcomes}.",
            f"None of {found.n} proves a rate below {3 / max(1, found.n):.1%} at 95 %.",
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 when anything was lost or took too long."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.shutdowns")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-report", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="shutdowns-", ignore_cleanup_errors=True) as folder:
        found = run(options.n, options.seed, Path(folder))
    made = report(found, options.seed)
    for figure in made.figures:
        print(f"{figure.name}: {figure.value}")
    for violation in found.violations:
        print(f"  {violation}")
    if not options.no_report:
        print(f"wrote {write(made, ROOT / 'data' / 'reports')}")
    return int(bool(found.violations) or any(figure.met is False for figure in made.figures))


if __name__ == "__main__":
    sys.exit(main())
