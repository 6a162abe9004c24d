from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat
from typing import Any

import pytest

from api.cli import watching

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", _SIGNALS)
def test_an_interrupt_that_some_code_loses_ends_it_at_the_next_tick(number: signal.Signals) -> None:
    class Losing:
        steps = 0

        def step(self, now: float) -> None:
            self.steps += 1
            with suppress(KeyboardInterrupt):
                signal.raise_signal(number)

    keeper: Any = Losing()
    ended = watching._ended_by_signal()
    with pytest.raises(KeyboardInterrupt):
        watching._follow(keeper, chain([True], repeat(False, 5)), ended)
    assert keeper.steps == 1
