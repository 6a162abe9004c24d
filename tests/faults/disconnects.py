"""``python -m tests.faults.disconnects --n N --seed S``: clients that leave, at every moment of an answer.

The api, its sockets and the language model's process are the product's own; only the search is left out, so
that a question is at the model (or in the line before it) nearly all of its time. Beside those who leave,
others ask and stay: none of them may notice.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from api.answering import Answering
from api.assembly import Service
from api.settings import Settings
from rag.evaluation.reports import Figure, Report, write
from rag.generation.asking import AnswerEvent, AskRequest, DoneEvent, RetrievalEvent, TokenEvent
from rag.models import generation
from rag.models.cancellation import Cancellation
from rag.models.generation import GenerationRequest, GeneratorSettings, PromptPart
from rag.models.generator import Generator, Patience
from rag.models.locations import default_model_path
from rag.records import Answer, AnswerStatus, Coverage
from tests.faults.in_process import Serving
from tests.faults.outcome import quantile
from tests.faults.plain_http import connect, exchange
from tests.faults.service import ROOT

_STAYING = 2
_LONGEST_STAY_SECONDS = 2.5
_GIVE_UP_SECONDS = 30.0
_PROMPT = "The harbour was built in stone, and the boats came home before the evening. "
_REPEATED = 10
_TOKENS = 24


class ModelAnswerer:
    """Has the model go on from a prompt that takes it a while to read; the answer is what it writes."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def ask(self, request: AskRequest, cancellation: Cancellation) -> Iterator[AnswerEvent]:
        yield RetrievalEvent(Coverage(0, 0, 0), ())
        prompt = (PromptPart(request.question + " " + _PROMPT * _REPEATED),)
        written = ""
        asked = GenerationRequest(prompt, max_tokens=_TOKENS)
        with closing(self._generator.generate(asked)) as events, cancellation.waking(events.cancel):
            for event in events:
                if isinstance(event, generation.TokenEvent):
                    written += event.text
                    yield TokenEvent(event.text)
        yield DoneEvent(answer_of(written))


def answer_of(text: str) -> Answer:
    """An answer that is nothing but ``text``."""
    return Answer(
        id="ans_0",
        status=AnswerStatus.ANSWERED,
        answer=text,
        sentences=(),
        citations=(),
        coverage=Coverage(0, 0, 0),
        timings={},
        model=None,
    )


@dataclass(slots=True)
class Found:
    """``released`` are milliseconds from the client's leaving until its place was free, by where it was."""

    released: dict[str, list[float]] = field(default_factory=dict)
    never: int = 0
    finished_before: int = 0
    stayed: Counter[str] = field(default_factory=Counter)
    model_free: Sequence[float] = ()
    left_over: int = 0

    @property
    def n(self) -> int:
        return sum(map(len, self.released.values()))


def run(n: int, seed: int, folder: Path) -> Found:
    """Have ``n`` clients leave, and two others stay all the time."""
    settings = Settings(data=folder / "data", max_concurrent_asks=2, max_waiting_asks=32)
    service = Service(settings)
    wanted = GeneratorSettings(context=2048, threads=2)
    with Generator(default_model_path(), wanted, Patience(waiting=16)) as generator:
        generator.wait_ready()
        service._answerer = ModelAnswerer(generator)  # type: ignore[assignment]  # all that the route uses
        with Serving(service) as serving:
            found = asyncio.run(_leave_and_stay(service, serving.address, n, random.Random(seed)))
        found.model_free = [1000 * seconds for seconds in generator.cancellations.seconds]
        found.left_over = service.gate.taken + service.gate.waiting
    return found


async def _leave_and_stay(service: Service, address: str, n: int, chance: random.Random) -> Found:
    found, over = Found(), asyncio.Event()
    staying = [
        asyncio.create_task(_stay(address, over, found, stream=bool(one % 2))) for one in range(_STAYING)
    ]
    number = 0
    while found.n + found.never < n:
        number += 1
        await _leave(service, address, number, chance, found)
    over.set()
    await asyncio.gather(*staying)
    return found


async def _stay(address: str, over: asyncio.Event, found: Found, *, stream: bool) -> None:
    """Ask again and again and read every answer to its end."""
    while not over.is_set():
        reply = await exchange(address, "POST", "/v1/ask", {"question": "Who stays?", "stream": stream})
        whole = reply.status == 200 and (not stream or b"event: done" in reply.body)
        found.stayed["answered" if whole else f"failed with {reply.status} {reply.code}"] += 1


async def _leave(service: Service, address: str, number: int, chance: random.Random, found: Found) -> None:
    question = f"Who leaves? Number {number}."
    stream, reset = chance.random() < 0.5, chance.random() < 0.5
    stay = chance.uniform(0, _LONGEST_STAY_SECONDS)
    _, writer = await connect(address, "POST", "/v1/ask", {"question": question, "stream": stream})
    await asyncio.sleep(stay)
    where = _where(service, question)
    if where == "over":
        found.finished_before += 1
        writer.close()
        return
    left = time.perf_counter()
    _hang_up(writer, reset=reset)
    while _where(service, question) != "over":
        if time.perf_counter() - left > _GIVE_UP_SECONDS:
            found.never += 1
            return
        await asyncio.sleep(0.001)
    kind = f"{where}, {'streaming' if stream else 'not streaming'}"
    found.released.setdefault(kind, []).append(1000 * (time.perf_counter() - left))


def _where(service: Service, question: str) -> str:
    """Where the question is: ``in line``, ``at the model`` (reading or writing), or ``over``."""
    for one in list(service.load.under_way):
        if isinstance(one, Answering) and one.question.question == question:
            return "in line" if one.waiting else "at the model"
    return "over"


def _hang_up(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    """Close the connection in order, or with a reset as a client that crashes does."""
    if reset:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


def report(found: Found, seed: int) -> Report:
    figures = []
    for kind, times in sorted(found.released.items()):
        name = f"place free after the client left, {kind} (n={len(times)}), p50 / p99 / worst"
        shown = " / ".join(f"{quantile(times, share):,.0f} ms" for share in (0.5, 0.99, 1.0))
        figures.append(Figure(name, shown))
    free = found.model_free
    shown = " / ".join(f"{quantile(free, share):,.0f} ms" for share in (0.5, 0.99, 1.0))
    figures.append(Figure(f"model free after it was told (n={len(free)}), p50 / p99 / worst", shown))
    failed = sum(found.stayed.values()) - found.stayed["answered"]
    figures += [
        Figure("places never given back", f"{found.never + found.left_over}", "0", not found.never),
        Figure(f"others harmed (of {sum(found.stayed.values())})", f"{failed}", "0", failed == 0),
    ]
    return Report(
        "disconnects",
        f"{found.n} clients that left",
        f"python -m tests.faults.disconnects --n {found.n} --seed {seed}",
        figures,
        [
            f"Seed {seed}. {found.finished_before} more were answered before they left and do not count.",
            "Half close the connection in order, half reset it. The model's time is from its being told.",
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 1 when a place was lost or somebody else harmed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.disconnects")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-report", action="store_true")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="disconnects-") as folder:
        found = run(options.n, options.seed, Path(folder))
    made = report(found, options.seed)
    for figure in made.figures:
        print(f"{figure.name}: {figure.value}")
    if not options.no_report:
        print(f"wrote {write(made, ROOT / 'data' / 'reports')}")
    return int(any(figure.met is False for figure in made.figures))


if __name__ == "__main__":
    sys.exit(main())
