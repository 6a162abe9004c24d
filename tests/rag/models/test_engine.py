"""Many texts at once over one context, with the real model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from rag.errors import FootnoteError, TooLarge
from rag.models import engine as engine_module
from rag.models.chat_formats import Message, render
from rag.models.engine import Engine
from rag.models.generation import (
    FinishedEvent,
    FinishReason,
    GenerationRequest,
    GeneratorSettings,
    PromptPart,
    TokenEvent,
)
from rag.models.locations import default_model_path

FACTS = "The tower was completed in 1889 by the company of Gustave Eiffel. It is 330 metres tall. "
REPEAT = FACTS + "Repeat these two sentences word for word."
CAPITALS = {"France": "Paris", "Italy": "Rome", "Japan": "Tokyo", "Germany": "Berlin", "Egypt": "Cairo"}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(default_model_path(), GeneratorSettings(context=256, threads=2, parallel=3))


@pytest.fixture(autouse=True)
def _left_idle(engine: Engine) -> Iterator[None]:
    yield
    assert not engine.busy


@dataclass
class Heard:
    """What was said of the requests, and in which step."""

    texts: dict[int, str] = field(default_factory=lambda: defaultdict(str))
    ends: dict[int, FinishedEvent | FootnoteError] = field(default_factory=dict)
    token_steps: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    steps: int = 0

    def step(self, engine: Engine) -> None:
        for number, event in engine.step():
            assert number not in self.ends, "something was said after the end"
            if isinstance(event, TokenEvent):
                self.texts[number] += event.text
                self.token_steps[number].append(self.steps)
            elif isinstance(event, FinishedEvent | FootnoteError):
                self.ends[number] = event
        self.steps += 1

    def to_the_end(self, engine: Engine) -> Heard:
        while engine.busy:
            self.step(engine)
        return self

    def reason(self, number: int) -> FinishReason:
        end = self.ends[number]
        assert isinstance(end, FinishedEvent)
        return end.finish_reason

    def reused(self, number: int) -> int:
        end = self.ends[number]
        assert isinstance(end, FinishedEvent)
        return end.usage.reused_tokens


def asked(engine: Engine, question: str, **values: object) -> GenerationRequest:
    prompt = tuple(render([Message("user", question)], engine.chat_format))
    return GenerationRequest(prompt, **{"max_tokens": 24, **values})  # type: ignore[arg-type]


def submit(engine: Engine, requests: Mapping[int, GenerationRequest] | Sequence[GenerationRequest]) -> None:
    numbered = requests.items() if isinstance(requests, Mapping) else enumerate(requests)
    for number, request in numbered:
        engine.submit(number, request)


def alike(first: str, second: str) -> bool:
    """Whether two texts begin alike. Batches of different shape are computed by different kernels, whose
    roundings may tip the scales between two words that are equally good: ask for what can be said in one way
    only (``REPEAT``)."""
    return first[:30] == second[:30] != ""


def test_everyone_gets_their_own_answer(engine: Engine) -> None:
    submit(
        engine,
        [asked(engine, f"What is the capital of {land}? Answer in one sentence.") for land in CAPITALS],
    )
    heard = Heard().to_the_end(engine)
    for number, capital in enumerate(CAPITALS.values()):
        assert capital in heard.texts[number]
        assert heard.reason(number) is FinishReason.STOP


def test_texts_grow_together(engine: Engine) -> None:
    submit(engine, [asked(engine, "Count from one to a hundred.") for _ in range(3)])
    heard = Heard().to_the_end(engine)
    assert heard.token_steps[0][1:] == heard.token_steps[1][1:] == heard.token_steps[2][1:]


def test_who_joins_does_not_stop_who_writes(engine: Engine) -> None:
    engine.submit(1, asked(engine, "Write about the sea.", max_tokens=40))
    heard = Heard()
    while not heard.token_steps[1]:
        heard.step(engine)
    joined = heard.steps
    engine.submit(2, asked(engine, FACTS * 6, max_tokens=4))
    while not heard.token_steps[2]:
        heard.step(engine)
    reading = range(joined, heard.steps - 1)
    assert len(reading) > 1
    assert set(reading) <= set(heard.token_steps[1])
    heard.to_the_end(engine)


def test_a_cancelled_one_ends_in_the_next_step_and_harms_nobody(engine: Engine) -> None:
    alone = asked(engine, REPEAT, max_tokens=20)
    engine.submit(0, alone)
    expected = Heard().to_the_end(engine).texts[0]
    submit(engine, {1: alone, 2: asked(engine, "Tell me a story."), 3: asked(engine, FACTS * 5)})
    engine.submit(4, asked(engine, "Name three colours."))
    heard = Heard()
    heard.step(engine)
    for number in (2, 3, 4):  # writes, is being read, waits
        engine.cancel(number)
    heard.step(engine)
    assert {heard.reason(number) for number in (2, 3, 4)} == {FinishReason.CANCELLED}
    assert alike(heard.to_the_end(engine).texts[1], expected)
    engine.cancel(1)  # has ended: no harm


def test_what_a_scope_has_said_is_not_computed_again(engine: Engine) -> None:
    engine.submit(1, asked(engine, REPEAT, cache_scope="a"))
    first = Heard().to_the_end(engine)
    submit(engine, {2: asked(engine, REPEAT, cache_scope="a"), 3: asked(engine, REPEAT, cache_scope="b")})
    engine.submit(4, asked(engine, REPEAT))
    heard = Heard().to_the_end(engine)
    end = heard.ends[2]
    assert isinstance(end, FinishedEvent)
    assert heard.reused(2) == end.usage.prompt_tokens - 1
    assert alike(heard.texts[2], first.texts[1])
    assert heard.reused(3) == heard.reused(4) == 0


def test_nobody_continues_what_has_no_scope(engine: Engine) -> None:
    question = FACTS + "When was it completed?"
    for number in (1, 2):
        engine.submit(number, asked(engine, question))
    heard = Heard().to_the_end(engine)
    assert heard.reused(1) == heard.reused(2) == 0


def test_the_warmed_prefix_serves_everyone(engine: Engine) -> None:
    prompt = render([Message("user", REPEAT)], engine.chat_format)
    engine.submit(0, GenerationRequest(tuple(prompt), max_tokens=16))
    cold = Heard().to_the_end(engine)
    system = prompt[0]
    engine.warm([system])
    submit(
        engine, [GenerationRequest(tuple(prompt), max_tokens=16, cache_scope=scope) for scope in ("a", None)]
    )
    heard = Heard().to_the_end(engine)
    assert heard.reused(0) == heard.reused(1) > 0
    assert alike(heard.texts[0], cold.texts[0])
    assert alike(heard.texts[1], cold.texts[0])
    engine.warm([PromptPart("\n")])


def test_more_than_the_cache_holds_wait_their_turn(engine: Engine) -> None:
    requests = [
        asked(engine, FACTS * (1 + number % 5) + "Repeat.", max_tokens=60, cache_scope=f"scope {number % 2}")
        for number in range(12)
    ]
    submit(engine, requests)
    heard = Heard().to_the_end(engine)
    assert [heard.reason(number) for number in range(12)].count(FinishReason.CANCELLED) == 0


def test_one_scope_cannot_keep_the_others_out(engine: Engine) -> None:
    flood = {
        number: asked(engine, "Count to ten.", max_tokens=10, cache_scope="flood") for number in range(9)
    }
    submit(engine, flood)
    engine.submit(100, asked(engine, "Hello.", max_tokens=10, cache_scope="quiet"))
    heard = Heard()
    while 100 not in heard.ends:
        heard.step(engine)
    assert len(heard.ends) <= 5  # those that had begun, one that came before, and itself
    heard.to_the_end(engine)


def test_guesses_change_nothing_but_the_steps(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    request = asked(engine, REPEAT, max_tokens=48)
    engine.submit(1, request)
    guessed = Heard().to_the_end(engine)
    monkeypatch.setattr(engine_module, "_GUESSES", 0)
    engine.submit(1, request)
    plain = Heard().to_the_end(engine)
    assert alike(guessed.texts[1], plain.texts[1])
    assert guessed.steps < plain.steps


def test_too_long_a_prompt_is_refused_at_once(engine: Engine) -> None:
    with pytest.raises(TooLarge):
        engine.submit(1, asked(engine, FACTS * 40))
    with pytest.raises(TooLarge):
        engine.submit(2, asked(engine, "x" * 1_000_000))
