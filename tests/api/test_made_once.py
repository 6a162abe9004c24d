from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from api.made_once import MadeOnce

_AT_ONCE = 16


def test_it_is_made_once_for_all_who_ask_at_once() -> None:
    made: list[int] = []

    def make() -> int:
        time.sleep(0.05)
        made.append(len(made))
        return len(made)

    once, barrier = MadeOnce(make), Barrier(_AT_ONCE)

    def ask(_: int) -> int:
        barrier.wait()
        return once()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        assert list(pool.map(ask, range(_AT_ONCE))) == [1] * _AT_ONCE
    assert made == [0]


def test_what_failed_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("the first time")
        return "made"

    once = MadeOnce(make)
    with pytest.raises(OSError, match="first"):
        once()
    assert once() == "made"
