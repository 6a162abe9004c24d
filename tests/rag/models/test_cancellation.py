from __future__ import annotations

import threading
import time

import pytest

from rag.errors import Unavailable
from rag.models.cancellation import Cancellation, Cancelled
from rag.models.generation import FinishedEvent, GenerationRequest, PromptPart, TokenEvent
from rag.models.generator import Generator, Patience
from rag.models.locations import default_model_path
from tests.rag.models.conftest import SETTINGS

LONG = GenerationRequest((PromptPart("Once upon a time"),), max_tokens=200, temperature=1.0, seed=1)
_PATIENCE = 30.0


def test_who_computes_finds_out_by_looking() -> None:
    cancellation = Cancellation()
    cancellation.check()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        cancellation.check()


def test_who_blocks_is_woken_once_and_only_within_the_block() -> None:
    cancellation, woken = Cancellation(), []
    with cancellation.waking(lambda: woken.append("before")):
        pass
    with cancellation.waking(lambda: woken.append("within")):
        cancellation.cancel()
        cancellation.cancel()
    with cancellation.waking(lambda: woken.append("late")):
        pass
    assert woken == ["within", "late"]


def test_a_reader_blocked_by_a_generation_is_woken(generator: Generator) -> None:
    """It waits for the first token of one that waits itself, so no event would ever wake it."""
    cancellation = Cancellation()
    ended = threading.Event()
    with generator.generate(LONG) as first:
        next(first)
        waits = generator.generate(LONG)

        def read() -> None:
            with cancellation.waking(waits.cancel), pytest.raises(Cancelled):
                list(waits)
            ended.set()

        thread = threading.Thread(target=read)
        thread.start()
        cancellation.cancel()
        assert ended.wait(_PATIENCE)
        thread.join()
        assert isinstance(next(first), TokenEvent | FinishedEvent)  # untouched


def test_a_prompt_being_read_is_given_up_and_the_next_is_right(generator: Generator) -> None:
    """The answer afterwards is the one that a model without a history gives."""
    short = GenerationRequest((PromptPart("The capital of France is"),), max_tokens=5)
    expected = [event.text for event in generator.generate(short) if isinstance(event, TokenEvent)]
    prompt = GenerationRequest((PromptPart("A house by the sea. " * 30),), max_tokens=50)
    for pause in (0.0, 0.02, 0.05, 0.1):
        generation = generator.generate(prompt)
        time.sleep(pause)
        generation.close()
        found = [event.text for event in generator.generate(short) if isinstance(event, TokenEvent)]
        assert found == expected


def test_what_goes_on_for_too_long_is_ended() -> None:
    """Events keep coming, so that silence never gives it away."""
    with Generator(default_model_path(), SETTINGS, Patience(start=60, total=0.7)) as generator:
        generator.wait_ready()
        pid = generator.pid
        slow = GenerationRequest(LONG.prompt, max_tokens=8000, temperature=1.5, seed=3)
        with pytest.raises(Unavailable, match="generator_died"):
            _ask_for_ever(generator, slow)
        generator.wait_ready()
        assert generator.pid != pid


def _ask_for_ever(generator: Generator, request: GenerationRequest) -> None:
    while True:
        list(generator.generate(request))
