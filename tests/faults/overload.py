"""``python -m tests.faults.overload --seconds S --factor F --seed N``: more questions than can be answered.

The rate that the service reaches with as many clients as it has places is 1x. Then questions arrive at random
(Poisson) at 1x, 2x and F x that rate, whether or not earlier ones have been answered. What counts is how many
are answered (goodput), how soon the others are turned away, and whether memory grows. At last a crowd of
clients that do as ``Retry-After`` says, of which each should be let in at its second try.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from api.local_service import LocalService
from rag.evaluation.reports import Figure, Report, write
from tests.faults.outcome import quantile
from tests.faults.plain_http import Reply, exchange
from tests.faults.service import ROOT, FaultyService

PLACES, WAITING = 4, 16
_SETTINGS = {
    "FOOTNOTE_ANSWER_CACHE": "off",  # every question is to be work
    "FOOTNOTE_MAX_CONCURRENT_ASKS": str(PLACES),
    "FOOTNOTE_MAX_WAITING_ASKS": str(WAITING),
}
_TEXT = "The lighthouse of {0} was completed in {1} and is {2} metres high. It was built of granite. "
_PLACES = ("Aldmoor", "Birkham", "Carrow", "Dunsley", "Eastry", "Fenwick", "Garve", "Holme")
_SETTLE_SECONDS = 30.0
_PERCENT = 10.0
_REJECTED_MS = 50.0
_TRIES = 4


@dataclass(slots=True)
class Step:
    """One rate of arrival."""

    factor: float
    offered: int
    seconds: float
    replies: Sequence[Reply]
    memory: float

    @property
    def goodput(self) -> float:
        return sum(one.status == 200 for one in self.replies) / self.seconds

    @property
    def refused(self) -> list[float]:
        """Milliseconds until each refusal."""
        return [1000 * one.seconds for one in self.replies if one.status in (429, 503)]

    @property
    def other(self) -> int:
        """Neither answered nor refused."""
        return sum(one.status not in (200, 429, 503) for one in self.replies)

    @property
    def without_retry_after(self) -> int:
        return sum(one.status in (429, 503) and one.retry_after < 1 for one in self.replies)


@dataclass(slots=True)
class Found:
    """``tries`` counts, by its number, the try at which each obedient client was let in; 0: never."""

    capacity: float = 0.0
    steps: list[Step] = field(default_factory=list)
    tries: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Target:
    """Who is asked, how, and whose memory is looked at."""

    address: str
    pid: int
    mode: str = "quote"


def measure(target: Target, seconds: float, factors: Sequence[float], seed: int, obedient: int) -> Found:
    return asyncio.run(_measure(target, seconds, factors, random.Random(seed), obedient))


async def _measure(
    target: Target, seconds: float, factors: Sequence[float], chance: random.Random, obedient: int
) -> Found:
    found = Found(capacity=await _closed(target, seconds, chance))
    for factor in factors:
        found.steps.append(await _open(target, factor, found.capacity * factor, seconds, chance))
    await asyncio.gather(*(_obey(target, chance, found) for _ in range(obedient)))
    return found


async def _closed(target: Target, seconds: float, chance: random.Random) -> float:
    """Answers a second with as many clients as there are places."""
    done, began = 0, time.perf_counter()

    async def client() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            reply = await _ask(target, chance)  # not in the sum, whose left side is read first
            done += reply.status == 200

    await asyncio.gather(*(client() for _ in range(PLACES)))
    return done / (time.perf_counter() - began)


async def _open(target: Target, factor: float, rate: float, seconds: float, chance: random.Random) -> Step:
    asked: list[asyncio.Task[Reply]] = []
    began = due = time.perf_counter()
    while due - began < seconds:
        due += chance.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked.append(asyncio.create_task(_ask(target, chance)))
    replies = await asyncio.gather(*asked)
    # Until the last is answered: what was admitted but answered late must not count as extra.
    return Step(factor, len(asked), time.perf_counter() - began, replies, _mebibytes(target.pid))


async def _obey(target: Target, chance: random.Random, found: Found) -> None:
    for number in range(1, _TRIES + 1):
        reply = await _ask(target, chance)
        if reply.status == 200:
            found.tries[number] += 1
            return
        await asyncio.sleep(reply.retry_after)
    found.tries[0] += 1


async def _ask(target: Target, chance: random.Random) -> Reply:
    question = f"When was the lighthouse of {chance.choice(_PLACES)} completed?"
    return await exchange(target.address, "POST", "/v1/ask", {"question": question, "mode": target.mode})


def fill(client: httpx.Client) -> None:
    """Something to ask about."""
    for number, place in enumerate(_PLACES):
        text = _TEXT.format(place, 1850 + number, 30 + number) * 5
        answer = client.post(
            "/v1/documents", params={"wait": "true"}, files={"file": (f"{place}.txt", text.encode())}
        )
        answer.raise_for_status()


def report(found: Found, options: argparse.Namespace) -> Report:
    base = found.steps[0].goodput
    figures = [Figure(f"answers a second with {PLACES} clients (1x)", f"{found.capacity:.1f}")]
    for step in found.steps:
        name = f"{step.factor:g}x: "
        kept = abs(step.goodput / base - 1) * 100 if base else 100.0
        figures.append(
            Figure(
                name + "answers a second",
                f"{step.goodput:.1f} ({step.goodput / base - 1:+.0%} of 1x)" if base else "0",
                f"within {_PERCENT:g} % of 1x",
                kept <= _PERCENT or step.goodput > base,
            )
        )
        if step.refused:
            worst = quantile(step.refused, 0.99)
            shown = f"{quantile(step.refused, 0.5):.0f} / {worst:.0f} ms"
            figures.append(
                Figure(
                    name + f"refused (n={len(step.refused)} of {step.offered}), p50 / p99",
                    shown,
                    f"p99 < {_REJECTED_MS:g} ms",
                    worst < _REJECTED_MS,
                )
            )
        figures.append(
            Figure(
                name + "neither answered nor refused, or without Retry-After",
                f"{step.other + step.without_retry_after}",
                "0",
                step.other + step.without_retry_after == 0,
            )
        )
        figures.append(Figure(name + "memory of the api afterwards", f"{step.memory:.0f} MiB"))
    told = sum(found.tries.values()) - found.tries[1]
    if told:
        share = found.tries[2] / told
        figures.append(
            Figure(
                f"let in at the first retry, of {told} who came back as told",
                f"{share:.1%}",
                ">= 95 %",
                share >= 0.95,
            )
        )
    parts = "light models" if options.light else f"the real models, mode={options.mode}"
    command = f"python -m tests.faults.overload --seconds {options.seconds:g} --factor {options.factor:g}"
    command += f" --seed {options.seed}" + (" --light" if options.light else f" --mode {options.mode}")
    return Report(
        "overload",
        "More questions than can be answered",
        command,
        figures,
        [
            f"Seed {options.seed}; {parts}; {PLACES} places, {WAITING} may wait, half of them of one key. "
            "Clients run on the same machine and share its processors.",
            "Goodput counts until the last question that was let in has been answered.",
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 when a figure misses its target."""
    options = _options(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="overload-", ignore_cleanup_errors=True) as folder,
        ExitStack() as open_,
    ):
        target = _start(Path(folder), open_, options)
        factors = [1.0, 2.0, options.factor]
        found = measure(target, options.seconds, factors, options.seed, options.obedient)
    made = report(found, options)
    for figure in made.figures:
        print(f"{figure.name}: {figure.value}" + (f" (to reach: {figure.target})" if figure.target else ""))
    if not options.no_report:
        print(f"wrote {write(made, ROOT / 'data' / 'reports')}")
    return int(any(figure.met is False for figure in made.figures))


def _start(folder: Path, open_: ExitStack, options: argparse.Namespace) -> Target:
    if options.light:
        light = open_.enter_context(FaultyService(folder, variables=_SETTINGS))
        light.start()
        with light.client() as client:
            fill(client)
        return Target(light.address, light.process.pid)
    real = open_.enter_context(LocalService(folder, _SETTINGS))
    with httpx.Client(base_url=real.address, timeout=120.0, trust_env=False) as client:
        fill(client)
    return Target(real.address, real.process.pid, options.mode)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.overload")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each rate")
    parser.add_argument("--factor", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", choices=["quote", "auto", "answer"], default="quote")
    parser.add_argument("--obedient", type=int, default=60, help="clients who do as Retry-After says")
    parser.add_argument("--light", action="store_true", help="models that weigh nothing")
    parser.add_argument("--no-report", action="store_true")
    return parser.parse_args(arguments)


def _mebibytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
