"""The engine beside llama.cpp's own loop, and beside llama-cpp-python's server behind the same prompts.

``python -m tests.benchmarks.generation [--rounds N] [--clients N ...] [--model FILE]`` writes a dated table
and a picture. Every figure is the median of ratios of two things measured one right after the other, over
the same prompts, weights and threads, so that what else the machine does is shared by both.
``OMP_WAIT_POLICY=passive`` is how the service runs its model: threads that wait do not spin. With
``--processor-time`` and no ``--clients`` the engine is measured where other programs take the processors.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from unittest import mock

from rich.progress import Progress

from rag.errors import FootnoteError
from rag.evaluation.pictures.growth import Line, growth
from rag.evaluation.reports import Figure, Report, write
from rag.generation import drafting
from rag.generation.drafting import Drafting
from rag.models import engine as engine_module
from rag.models.chat_formats import ChatFormat
from rag.models.engine import Engine
from rag.models.generation import (
    EngineEvent,
    FinishedEvent,
    GenerationRequest,
    GeneratorSettings,
    ProgressEvent,
    PromptPart,
)
from rag.models.generator import Generator
from rag.models.locations import default_model_path
from rag.models.model_rounds import manual, one_round
from rag.models.remote.generator import Limits, RemoteGenerator
from rag.models.remote.server import ModelServer
from rag.models.text_generator import TextGenerator
from rag.records import DocumentRef, Evidence
from rag.text.sentences import sentence_spans
from tests.benchmarks.bare_llama import BareLoop

Clock = Callable[[], float]

REPORTS = Path(__file__).parents[2] / "data" / "reports"
STREAMS = 8
WRITTEN = 48
_CONTEXT = 2048
_PASSAGES = 3
_QUESTION = "What does this say, and when does it apply?"


@dataclass(slots=True)
class Found:
    """Ratios by what was measured, one for each round."""

    alone: list[float] = field(default_factory=list)
    guessing: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    served: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    """Texts a minute by the number of clients: the engine's, the other server's."""
    lengths: Sequence[float] = ()
    """Tokens in a text on the average, of both: equal work is what makes the rates comparable."""


def main() -> None:
    arguments = _arguments()
    found = Found()
    with Progress() as progress:
        measure_engine(arguments, found, progress)
        if arguments.clients:
            measure_serving(
                arguments.model, arguments.threads, arguments.rounds, arguments.clients, found, progress
            )
    REPORTS.mkdir(parents=True, exist_ok=True)
    pictures = [_picture(found, REPORTS)] if found.served else []
    command = f"OMP_WAIT_POLICY=passive python -m tests.benchmarks.generation --rounds {arguments.rounds}"
    command += " --processor-time" * arguments.processor_time
    notes = [
        f"{arguments.rounds} rounds, {arguments.threads} threads, {arguments.model.stem}; "
        f"load of the machine at the end: {os.getloadavg()[0]:.1f}"
        f"{'; processor time, not the clock' if arguments.processor_time else ''}.",
        "The other server is llama-cpp-python's `create_chat_completion` behind a lock, over HTTP: what its "
        "own server does with one model, without the packages that one needs. It uses the model's template.",
    ]
    report = Report("generation", "Writing answers", command, _figures(found), notes, pictures)
    print(write(report, REPORTS).read_text())


def measure_engine(arguments: argparse.Namespace, found: Found, progress: Progress) -> None:
    """One stream, first tokens and eight streams, in this process."""
    clock = time.process_time if arguments.processor_time else time.perf_counter
    spent = "processor_seconds" if arguments.processor_time else "seconds"
    engine = Engine(arguments.model, GeneratorSettings(threads=arguments.threads))
    prefix = drafting.prefix(Drafting.FREE, engine.chat_format)
    engine.warm(prefix)
    shared = len(engine.model.tokenize(prefix))
    bare = BareLoop(engine.model, _CONTEXT, arguments.threads, clock)
    requests = prompts(engine.chat_format)
    for number in progress.track(range(arguments.rounds + 1), description="engine"):
        if number == 1:
            _forget(found)  # what was first read from the disk is not counted
        request = next(requests)
        _one_stream(engine, bare, request, shared, clock, found)
        _first_tokens(engine, bare, next(requests), shared, clock, found)
        measured = one_round(engine, number, STREAMS)
        rates = [measured[task]["tokens"] / measured[task][spent] for task in ("together", "alone")]
        found.together.append(rates[0] / rates[1])
    bare.close()


def _forget(found: Found) -> None:
    for ratios in (found.alone, found.guessing, found.together, found.first, found.second):
        ratios.clear()


def prompts(layout: ChatFormat) -> Iterator[GenerationRequest]:
    """Drafts wanted from three passages of Python's manual, others each time."""
    text = manual()
    spans = [text[start:end] for start, end in sentence_spans(text)]
    passages = [one for one in spans if 80 < len(one) < 400 and one[0].isupper()]
    document = DocumentRef("", "", 1)
    while True:
        for at in range(0, len(passages) - _PASSAGES, _PASSAGES):
            evidence = [
                Evidence(number, document, 0, None, 0, len(one), one, "", 1.0)
                for number, one in enumerate(passages[at : at + _PASSAGES], start=1)
            ]
            planned = drafting.plan(Drafting.FREE, _QUESTION, evidence, layout)
            if planned is not None:
                yield planned.request


def _one_stream(
    engine: Engine, bare: BareLoop, request: GenerationRequest, shared: int, clock: Clock, found: Found
) -> None:
    """The same prompt written on by llama.cpp's loop, by the engine, and by the engine with guessing."""
    plain = GenerationRequest(request.prompt, max_tokens=WRITTEN)
    tokens = engine.model.tokenize(request.prompt)
    with mock.patch.object(engine_module, "_GUESS_AMONG", 0):
        without = _written(engine, plain, clock)
    bare.read(tokens, shared)
    loop = WRITTEN / bare.write(WRITTEN)
    found.alone.append(without / loop)
    found.guessing.append(_written(engine, plain, clock) / loop)


def _written(engine: Engine, request: GenerationRequest, clock: Clock) -> float:
    """Tokens a second, from when the prompt has been read."""
    read = clock()
    for event in _events(engine, request):
        if isinstance(event, ProgressEvent) and event.done == event.total:
            read = clock()
        if isinstance(event, FinishedEvent):
            return event.usage.completion_tokens / (clock() - read)
    raise AssertionError("a text has an end")


def _first_tokens(
    engine: Engine, bare: BareLoop, request: GenerationRequest, shared: int, clock: Clock, found: Found
) -> None:
    """From the request to its first token: the engine's against llama.cpp reading the same tokens behind the
    same prefix, and that of a second question about the same passages against the first."""
    tokens = engine.model.tokenize(request.prompt)
    first = replace(request, max_tokens=1, cache_scope="bench")
    second = replace(first, prompt=_asked_again(first))
    before = bare.read(tokens, shared)
    times = [_timed(engine, one, clock) for one in (first, second)]
    after = bare.read(tokens, shared)
    found.first.append(2 * times[0] / (before + after))
    found.second.append(times[1] / times[0])


def _asked_again(request: GenerationRequest) -> tuple[PromptPart, ...]:
    """Another question about the same passages."""
    return tuple(
        replace(part, text=part.text.replace(_QUESTION, "Who may use it?")) for part in request.prompt
    )


def _events(engine: Engine, request: GenerationRequest) -> Iterator[EngineEvent]:
    engine.submit(0, request)
    while engine.busy:
        for _, event in engine.step():
            if isinstance(event, FootnoteError):
                raise event
            yield event


def _timed(engine: Engine, request: GenerationRequest, clock: Clock) -> float:
    """Seconds until it has ended."""
    began = clock()
    for _ in _events(engine, request):
        pass
    return clock() - began


def measure_serving(
    path: Path, threads: int, rounds: int, clients: Sequence[int], found: Found, progress: Progress
) -> None:
    """So many clients, each with two texts; both sides get the same prompts."""
    settings = GeneratorSettings(threads=threads, parallel=max(clients))
    with (
        Generator(path, settings) as ours,
        _llama_cpp_python(path, threads) as url,
        RemoteGenerator(ModelServer(url, silence_s=600), Limits(parallel=max(clients))) as theirs,
    ):
        sides: tuple[TextGenerator, ...] = (ours, theirs)
        for side in sides:
            side.wait_ready(300)
            side.warm(drafting.prefix(Drafting.FREE, side.chat_format))
        streams = [prompts(side.chat_format) for side in sides]
        for _ in progress.track(range(rounds), description="serving"):
            for many in clients:
                rates = []
                for side, requests in zip(sides, streams, strict=True):
                    asked = [_plain(next(requests)) for _ in range(2 * many)]
                    rates.append(_rate(side, asked, many))
                found.served.setdefault(many, []).append((rates[0], rates[1]))
        totals = [side.tally.totals() for side in sides]
        found.lengths = [one.tokens.get("completion", 0) / sum(one.generations.values()) for one in totals]


def _plain(request: GenerationRequest) -> GenerationRequest:
    """The same prompt without what only one of the two could be held to."""
    return GenerationRequest(request.prompt, max_tokens=WRITTEN)


def _rate(side: TextGenerator, requests: Sequence[GenerationRequest], clients: int) -> float:
    """Prompts a minute."""
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(lambda request: list(side.generate(request)), requests))
    return 60 * len(requests) / (time.perf_counter() - began)


@contextmanager
def _llama_cpp_python(path: Path, threads: int) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "tests.llama_cpp_server",
        "--model",
        str(path),
        "--threads",
        str(threads),
    ]
    environment = os.environ | {"OMP_WAIT_POLICY": "passive"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def _figures(found: Found) -> list[Figure]:
    return [*_engine_figures(found), *(_served_figures(found) if found.served else ())]


def _served_figures(found: Found) -> list[Figure]:
    most = max(found.served)
    shown = ", ".join(f"{statistics.median(column):.0f}" for column in zip(*found.served[most], strict=True))
    lengths = ", ".join(f"{one:.0f}" for one in found.lengths)
    ratios = [ours / theirs for ours, theirs in found.served[most]]
    return [
        Figure(f"texts a minute, {most} clients: engine, llama-cpp-python", shown),
        Figure("tokens in each (the second estimated: that server does not tell)", lengths),
        _at_least("the first against the second", ratios, 2.5),
    ]


def _engine_figures(found: Found) -> list[Figure]:
    return [
        _at_least("one stream, tokens a second, against llama.cpp's own loop", found.alone, 0.95),
        _at_least("the same with guessing from the prompt, as drafts are written", found.guessing, 0.95),
        _at_least(f"{STREAMS} streams, tokens a second in all, against one", found.together, 2.5),
        _at_most("first token, warm, against bare prefill of the same new tokens", found.first, 1.15),
        _at_most(
            "second question about the same passages, first token, against the first", found.second, 0.5
        ),
    ]


def _at_least(name: str, ratios: Sequence[float], target: float) -> Figure:
    return Figure(name, _spread(ratios), f">= {target:g}x", statistics.median(ratios) >= target)


def _at_most(name: str, ratios: Sequence[float], target: float) -> Figure:
    return Figure(name, _spread(ratios), f"<= {target:g}x", statistics.median(ratios) <= target)


def _spread(ratios: Sequence[float]) -> str:
    """The median and the middle half."""
    if len(ratios) < 2:
        return f"{ratios[0]:.2f}x"
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{statistics.median(ratios):.2f}x ({low:.2f} to {high:.2f})"


def _picture(found: Found, folder: Path) -> tuple[str, str]:
    """Throughput against users."""
    names = ("Footnote's engine", "llama-cpp-python")
    lines = []
    for side, name in enumerate(names):
        points = [
            (float(many), statistics.median([pair[side] for pair in pairs]))
            for many, pairs in sorted(found.served.items())
        ]
        assert all(one[0] < other[0] for one, other in pairwise(points))
        lines.append(Line(name, points))
    told = "; ".join(
        f"{line.name}: {line.points[-1][1]:.0f} with {line.points[-1][0]:.0f} clients" for line in lines
    )
    title = "Texts a minute against clients"
    shown = growth(title, f"{told}.", lines, ("clients at once", "texts a minute"))
    (folder / "generation.svg").write_text(shown.svg(standalone=True))
    return title, "generation.svg"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=default_model_path())
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--processor-time", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
