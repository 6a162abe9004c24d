"""What happens when the model's process, its file or its callers misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import Busy, Unavailable
from rag.models.generation import (
    FinishedEvent,
    GenerationRequest,
    GeneratorSettings,
    GeneratorState,
    PromptPart,
    TokenEvent,
)
from rag.models.generator import Generator, Patience
from rag.models.locations import default_model_path
from tests.rag.models.conftest import SETTINGS

ROOMY = replace(SETTINGS, context=4096)
ALONE = replace(ROOMY, parallel=1)

# So hot that it hardly ever ends by itself: it outlasts whatever keeps this process from looking at it.
LONG = GenerationRequest((PromptPart("Once upon a time"),), max_tokens=4000, temperature=2.0, seed=1)
SHORT = GenerationRequest((PromptPart("Once upon a time"),), max_tokens=3)


@pytest.fixture(scope="module")
def fragile() -> Iterator[Generator]:
    with Generator(default_model_path(), ALONE, Patience(start=60, waiting=2)) as running:
        running.wait_ready()
        yield running


def _until(condition: object) -> None:
    deadline = time.monotonic() + 30
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "nothing happened within 30 s"
        time.sleep(0.02)


def test_a_killed_process_is_an_error_for_its_callers_and_is_replaced(fragile: Generator) -> None:
    running, waiting = fragile.generate(LONG), fragile.generate(LONG)
    assert isinstance(next(running), TokenEvent)
    first = fragile.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    for generation in (running, waiting):
        with pytest.raises(Unavailable) as caught:
            list(generation)
        assert caught.value.code == "generator_died"
    assert isinstance(list(fragile.generate(SHORT))[-1], FinishedEvent)
    assert fragile.status.state is GeneratorState.READY
    assert fragile.pid != first


def test_closing_early_frees_the_place(fragile: Generator) -> None:
    generation = fragile.generate(LONG)
    next(generation)
    generation.close()
    _until(lambda: fragile.load == 0)
    assert list(generation) == []


def test_a_cancelled_request_that_waits_never_runs(fragile: Generator) -> None:
    with fragile.generate(LONG) as running:
        next(running)
        fragile.generate(LONG).close()
        assert fragile.load == 1
    last = list(fragile.generate(SHORT))[-1]
    assert isinstance(last, FinishedEvent)
    assert fragile.load == 0


def test_a_forgotten_generation_is_cancelled(fragile: Generator) -> None:
    fragile.generate(LONG)
    _until(lambda: fragile.load == 0)


def test_too_many_at_once(fragile: Generator) -> None:
    taken = [fragile.generate(LONG) for _ in range(3)]
    with pytest.raises(Busy) as caught:
        fragile.generate(SHORT)
    assert caught.value.code == "generator_busy"
    assert caught.value.retry_after >= 1
    for generation in taken:
        generation.close()
    _until(lambda: fragile.load == 0)
    list(fragile.generate(SHORT))


def test_a_stalled_process_is_replaced() -> None:
    with Generator(default_model_path(), SETTINGS, Patience(start=60, stall=1.0)) as generator:
        generator.wait_ready()
        time.sleep(1.2)  # silence while nothing is to be done is no stall
        assert isinstance(list(generator.generate(SHORT))[-1], FinishedEvent)
        pid = generator.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(Unavailable, match="generator_died"):
            list(generator.generate(SHORT))
        generator.wait_ready()
        assert generator.pid != pid


@pytest.mark.parametrize("keep", [0, 100, 4_000, 1_000_000, 50_000_000])
def test_a_cut_model_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.gguf"
    with default_model_path().open("rb") as file:
        path.write_bytes(file.read(keep))
    _assert_unusable(path)


@pytest.mark.parametrize("at", [8, 40, 5_000])
def test_a_damaged_model_file(tmp_path: Path, at: int) -> None:
    """Eight bytes of 0xff over counts, the first key and the vocabulary."""
    path = tmp_path / "damaged.gguf"
    content = bytearray(default_model_path().read_bytes()[:2_000_000])
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    _assert_unusable(path)


def test_a_web_page_for_a_model(tmp_path: Path) -> None:
    path = tmp_path / "page.gguf"
    path.write_text("<!DOCTYPE html><html><body>Not found</body></html>")
    _assert_unusable(path)


def test_a_missing_model_file(tmp_path: Path) -> None:
    _assert_unusable(tmp_path / "none.gguf")


def _assert_unusable(path: Path) -> None:
    with Generator(path, GeneratorSettings(context=256)) as generator:
        for _ in range(2):  # the second time at once
            with pytest.raises(Unavailable) as caught:
                generator.generate(SHORT)
            assert caught.value.code == "model_unusable"
            assert str(path.parent) not in caught.value.detail
        assert generator.status.state is GeneratorState.FAILED
        assert generator.status.reason
        assert generator.pid is None


def test_closing_ends_what_runs_and_refuses_what_comes() -> None:
    generator = Generator(default_model_path(), ROOMY).start()
    running = generator.generate(LONG)
    next(running)
    pid = generator.pid
    generator.close()
    with pytest.raises(Unavailable, match="shutting_down"):
        list(running)
    with pytest.raises(Unavailable, match="shutting_down"):
        generator.generate(SHORT)
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_process_ends_with_a_killed_parent() -> None:
    program = (
        "from rag.models.generator import Generator\n"
        "from rag.models.locations import default_model_path\n"
        "generator = Generator(default_model_path()).start()\n"
        "generator.wait_ready()\n"
        "print(generator.pid, flush=True)\n"
        "input()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
    _until(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
