"""Turns in the queue, and the order in which prompts are read."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from rag.models.scheduling import FairQueue, reading_order


@dataclass(frozen=True)
class Asked:
    scope: str | None
    number: int


def drained(queue: FairQueue[Asked]) -> list[Asked]:
    return [queue.take() for _ in range(len(queue))]


def test_scopes_take_turns() -> None:
    queue: FairQueue[Asked] = FairQueue()
    for number in range(4):
        queue.put(Asked("flood", number))
    queue.put(Asked("quiet", 0))
    assert [one.scope for one in drained(queue)] == ["flood", "quiet", "flood", "flood", "flood"]


def test_who_comes_again_waits_for_the_others() -> None:
    queue: FairQueue[Asked] = FairQueue()
    queue.put(Asked("a", 0))
    queue.put(Asked("b", 0))
    assert queue.take() == Asked("a", 0)
    queue.put(Asked("a", 1))
    assert drained(queue) == [Asked("b", 0), Asked("a", 1)]


@given(st.lists(st.sampled_from(["a", "b", None])))
def test_nothing_is_lost_and_a_scope_keeps_its_order(scopes: list[str | None]) -> None:
    queue: FairQueue[Asked] = FairQueue()
    put = [Asked(scope, number) for number, scope in enumerate(scopes)]
    for one in put:
        queue.put(one)
    assert len(queue) == len(put)
    first = queue.first()
    taken = drained(queue)
    assert first == (taken[0] if taken else None)
    for scope in set(scopes):
        assert [one for one in taken if one.scope == scope] == [one for one in put if one.scope == scope]


def test_one_that_gives_up_is_not_waited_for() -> None:
    queue: FairQueue[Asked] = FairQueue()
    for one in (Asked("a", 0), Asked("b", 0), Asked("b", 1)):
        queue.put(one)
    queue.remove(Asked("a", 0))
    queue.remove(Asked("b", 0))
    assert drained(queue) == [Asked("b", 1)]


def test_short_prompts_are_read_first() -> None:
    assert reading_order({1: 900, 2: 50, 3: 300}, {}, 128) == [2, 3, 1]


def test_a_long_prompt_is_not_passed_over_for_ever() -> None:
    passed_over = {1: 0}
    steps = 0
    while reading_order({1: 4000, 2: 60}, passed_over, 128)[0] != 1:  # a new short one every step
        passed_over[1] += 1
        steps += 1
    assert steps <= 4000 // 128 + 1
