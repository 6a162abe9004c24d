from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.background import Pumped


def test_events_come_in_order_and_end() -> None:
    async def run() -> list[int]:
        with ThreadPoolExecutor(1) as pool:
            return [item async for item in Pumped(lambda: iter(range(5)), pool)]

    assert asyncio.run(run()) == [0, 1, 2, 3, 4]


def test_an_error_of_the_generator_reaches_the_reader() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("x")

    async def run() -> list[int]:
        with ThreadPoolExecutor(1) as pool:
            return [item async for item in Pumped(broken, pool)]

    with pytest.raises(KeyError):
        asyncio.run(run())


def test_closing_stops_the_generator_at_its_next_event() -> None:
    go_on, closed = threading.Event(), threading.Event()

    def endless() -> Iterator[int]:
        try:
            yield 0
            go_on.wait()
            while True:
                yield 1
        finally:
            closed.set()

    async def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            pumped = Pumped(endless, pool)
            assert await anext(pumped) == 0
            await pumped.aclose()
            go_on.set()
            await pumped.finished()

    asyncio.run(run())
    assert closed.is_set()
