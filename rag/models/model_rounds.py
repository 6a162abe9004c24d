"""One round of measuring an engine: reading a prompt, writing one text, writing several at once.

Each is told as wall time and as processor time. Two forms of a model do the same steps, so their processor
times compare even where other programs take the processors meanwhile; wall times then compare those, too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rag.errors import FootnoteError
from rag.models.engine import Engine
from rag.models.generation import FinishedEvent, GenerationRequest, PromptPart

PROMPT_CHARACTERS = 2000
"""Some 450 tokens: instructions, a question and three passages."""
WRITTEN = 48
"""Tokens of one text; an answer is a sentence or two."""
_BEGINNING = 40
"""Characters that a text goes on from: so few tokens that reading them does not count."""
_MOST_TRIES = 6

Spent = dict[str, float]


def one_round(engine: Engine, number: int, parallel: int) -> dict[str, Any]:
    """Tokens, seconds and processor seconds of ``prefill``, ``alone`` and ``together``. Equal numbers give
    equal prompts and seeds."""
    text = manual()
    at = (number * 7919) % max(1, len(text) - PROMPT_CHARACTERS)
    passage = text[at : at + PROMPT_CHARACTERS]
    return {
        "prefill": _reading(engine, passage, number),
        "alone": _writing(engine, [passage[:_BEGINNING]], number),
        "together": _writing(engine, [passage[n * 99 :][:_BEGINNING] for n in range(parallel)], number),
    }


@cache
def manual() -> str:
    """Python's manual of the language: prose that is on every machine."""
    from pydoc_data import topics  # half a megabyte that nothing else needs

    return " ".join(" ".join(page.split()) for _, page in sorted(topics.topics.items()))


def peak_mebibytes() -> float:
    """The most memory this process has had; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        if sys.platform == "win32":
            return 0.0
        import resource  # not on every system

        unit = 1024 * 1024 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _reading(engine: Engine, passage: str, seed: int) -> Spent:
    finished, seconds, processor = _run(engine, [_request(passage, 1, seed)])
    return _spent(sum(one.usage.prompt_tokens for one in finished), seconds, processor)


def _writing(engine: Engine, beginnings: Sequence[str], seed: int) -> Spent:
    """Again until enough has been written: a model may end a text early."""
    wanted = WRITTEN * len(beginnings) * 3 // 4
    total = _spent(0, 0.0, 0.0)
    for again in range(_MOST_TRIES):
        requests = [_request(text, WRITTEN, seed + 1000 * again + n) for n, text in enumerate(beginnings)]
        finished, seconds, processor = _run(engine, requests)
        written = sum(one.usage.completion_tokens for one in finished)
        total = {
            "tokens": total["tokens"] + written,
            "seconds": total["seconds"] + seconds,
            "processor_seconds": total["processor_seconds"] + processor,
        }
        if total["tokens"] >= wanted:
            break
    return total


def _run(engine: Engine, requests: Sequence[GenerationRequest]) -> tuple[list[FinishedEvent], float, float]:
    """What came of the requests, the seconds and the processor seconds."""
    for number, request in enumerate(requests):
        engine.submit(number, request)
    finished: list[FinishedEvent] = []
    began, processor = time.perf_counter(), time.process_time()
    while engine.busy:
        for _, event in engine.step():
            if isinstance(event, FootnoteError):
                raise event
            if isinstance(event, FinishedEvent):
                finished.append(event)
    return finished, time.perf_counter() - began, time.process_time() - processor


def _request(text: str, tokens: int, seed: int) -> GenerationRequest:
    # Sampled, since at temperature 0 the engine guesses several tokens at once, which depends on the text.
    return GenerationRequest((PromptPart(text),), max_tokens=tokens, temperature=1.0, seed=seed)


def _spent(tokens: int, seconds: float, processor: float) -> Spent:
    return {"tokens": tokens, "seconds": seconds, "processor_seconds": processor}
