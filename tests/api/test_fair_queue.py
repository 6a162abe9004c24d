from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.fair_queue import FairQueue, QueueFull, ShareTaken


def _drain(queue: FairQueue[str]) -> list[str]:
    taken = []
    while (item := queue.pop()) is not None:
        taken.append(item)
    return taken


def test_keys_take_turns() -> None:
    queue: FairQueue[str] = FairQueue(places=10, share=10)
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert queue.push(item[0], item) is None
    assert _drain(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert len(queue) == 0


def test_a_key_has_a_share_and_no_more() -> None:
    queue: FairQueue[str] = FairQueue(places=10, share=2)
    queue.push("a", "a1")
    queue.push("a", "a2")
    with pytest.raises(ShareTaken):
        queue.push("a", "a3")
    queue.push("b", "b1")


def test_the_longest_line_gives_way_to_a_shorter_one() -> None:
    queue: FairQueue[str] = FairQueue(places=4, share=4)
    for item in ("a1", "a2", "a3", "a4"):
        queue.push("a", item)
    assert queue.push("b", "b1") == ("a", "a4")
    assert queue.push("b", "b2") == ("a", "a3")
    with pytest.raises(QueueFull):  # both have two now
        queue.push("b", "b3")
    assert _drain(queue) == ["a1", "b1", "a2", "b2"]


def test_who_leaves_is_forgotten() -> None:
    queue: FairQueue[str] = FairQueue(places=4, share=4)
    queue.push("a", "a1")
    queue.push("a", "a2")
    assert queue.remove("a", "a1")
    assert not queue.remove("a", "a1")
    assert not queue.remove("b", "b1")
    assert _drain(queue) == ["a2"]


def test_how_many_come_first() -> None:
    queue: FairQueue[str] = FairQueue(places=10, share=10)
    for item in ("a1", "a2", "a3", "b1"):
        queue.push(item[0], item)
    assert queue.ahead_of("a") == 4
    assert queue.ahead_of("b") == 3  # a1 and a2 before b2, and b1
    assert queue.ahead_of("c") == 2


@given(st.lists(st.sampled_from("aaabc"), max_size=60), st.integers(1, 8), st.integers(1, 8))
def test_never_more_than_allowed_and_none_lost(keys: list[str], places: int, share: int) -> None:
    queue: FairQueue[str] = FairQueue(places, share)
    inside: set[str] = set()
    for number, key in enumerate(keys):
        try:
            gave_way = queue.push(key, f"{key}{number}")
        except (QueueFull, ShareTaken):
            continue
        inside.add(f"{key}{number}")
        if gave_way is not None:
            inside.remove(gave_way[1])
        assert len(queue) == len(inside) <= places
        assert all(sum(item[0] == name for item in inside) <= share for name in "abc")
    assert set(_drain(queue)) == inside
