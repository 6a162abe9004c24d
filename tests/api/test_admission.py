"""Places, the line before them, and being turned away. Counts and states; a second here is never measured."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from api.admission import Admission, Limits, Place, key_of
from rag.errors import Busy, ServerBusy, Unavailable

Run = Callable[[Admission], Awaitable[None]]


def _run(test: Run, *, running: int = 1, waiting: int = 4, share: int = 2, patience: float = 60.0) -> None:
    async def inside() -> None:
        limits = Limits(running, waiting, share, patience)
        admission = Admission("asks", "question", "too_many_questions", limits, first_guess=1.0)
        try:
            await test(admission)
        finally:
            admission.close()

    asyncio.run(inside())


async def _line(admission: Admission, *keys: str) -> list[asyncio.Task[Place]]:
    """Have these wait, in this order."""
    tasks = [asyncio.create_task(admission.enter(key)) for key in keys]
    await asyncio.sleep(0)
    return tasks


def test_the_line_moves_when_a_place_is_given_back() -> None:
    async def test(admission: Admission) -> None:
        place = await admission.enter("a")
        first, second = await _line(admission, "a", "a")
        assert (admission.taken, admission.waiting) == (1, 2)
        place.leave()
        place.leave()  # once is enough, twice does no harm
        (await first).leave()
        (await second).leave()
        assert (admission.taken, admission.waiting) == (0, 0)
        assert admission.outcomes == {"admitted": 3}

    _run(test)


def test_a_flood_of_one_key_delays_another_by_one_turn() -> None:
    async def test(admission: Admission) -> None:
        place = await admission.enter("flood")
        flood = await _line(admission, *["flood"] * 6)
        (quiet,) = await _line(admission, "quiet")
        refused = [task for task in flood if task.done()]
        assert len(refused) == 2
        for task in refused:
            with pytest.raises(Busy) as caught:
                task.result()
            assert not isinstance(caught.value, ServerBusy)
            assert caught.value.code == "too_many_questions"
        place.leave()
        (await flood[0]).leave()
        (await quiet).leave()
        assert not flood[2].done()
        for task in flood[1:4]:
            (await task).leave()

    _run(test, waiting=8, share=4)


def test_the_newest_of_the_longest_line_gives_way() -> None:
    async def test(admission: Admission) -> None:
        place = await admission.enter("flood")
        flood = await _line(admission, *["flood"] * 4)
        (quiet,) = await _line(admission, "quiet")
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="too_many_questions"):
            flood[3].result()
        assert admission.outcomes["gave_way"] == 1
        place.leave()
        for task in (flood[0], quiet, flood[1], flood[2]):
            (await task).leave()

    _run(test, waiting=4, share=4)


def test_a_full_line_of_equals_is_the_servers_fault() -> None:
    async def test(admission: Admission) -> None:
        place = await admission.enter("a")
        tasks = await _line(admission, "a", "b", "c", "d")
        with pytest.raises(ServerBusy) as caught:
            await admission.enter("e")
        assert caught.value.code == "server_busy"
        assert caught.value.retry_after > 0
        place.leave()
        for task in tasks:
            (await task).leave()

    _run(test)


def test_who_leaves_the_line_costs_nothing() -> None:
    async def test(admission: Admission) -> None:
        place = await admission.enter("a")
        gone, stays = await _line(admission, "a", "a")
        gone.cancel()
        await asyncio.sleep(0)
        assert admission.waiting == 1
        place.leave()
        (await stays).leave()
        assert admission.outcomes == {"admitted": 2, "went_away": 1}

    _run(test)


def test_who_leaves_in_the_moment_of_being_let_in_gives_the_place_back() -> None:
    async def test(admission: Admission) -> None:
        place = await admission.enter("a")
        gone, stays = await _line(admission, "a", "a")
        place.leave()  # grants it to the first ...
        gone.cancel()  # ... which has not run since
        (await stays).leave()
        assert (admission.taken, admission.waiting) == (0, 0)

    _run(test)


def test_waiting_ends_when_patience_does() -> None:
    async def test(admission: Admission) -> None:
        for _ in range(50):
            admission._rate.observe(0.0)  # so short that waiting seems worth it
        with await admission.enter("a"):
            with pytest.raises(ServerBusy):
                await admission.enter("a")
            assert admission.waiting == 0
            assert admission.outcomes["timed_out"] == 1

    _run(test, patience=0.02)


def test_nobody_is_let_wait_for_what_cannot_come_in_time() -> None:
    async def test(admission: Admission) -> None:
        place = await admission.enter("a")  # the first guess is a second each
        tasks = await _line(admission, "a", "b", "c")
        with pytest.raises(ServerBusy):
            await admission.enter("d")
        assert admission.waiting == 3
        place.leave()
        for task in tasks:
            (await task).leave()

    _run(test, waiting=100, share=100, patience=2.5)


def test_who_comes_back_as_told_is_let_in() -> None:
    """Twelve at once, one place, two in line: each of the nine others comes back once, as told."""

    async def test(admission: Admission) -> None:
        clock = 0.0
        arrivals = [(0.0, n) for n in range(12)]
        waiting: list[tuple[int, asyncio.Task[Place]]] = []
        served: set[int] = set()
        refusals = dict.fromkeys(range(12), 0)
        place: Place | None = None
        while len(served) < 12:
            if place is not None:
                place.leave()
            due = sorted(arrival for arrival in arrivals if arrival[0] <= clock)
            arrivals = [arrival for arrival in arrivals if arrival[0] > clock]
            for _, number in due:
                (task,) = await _line(admission, "a")
                await asyncio.sleep(0)
                if task.done() and task.exception() is not None:
                    refusals[number] += 1
                    error = task.exception()
                    assert isinstance(error, Busy)
                    arrivals.append((clock + math.ceil(error.retry_after), number))
                else:
                    waiting.append((number, task))
            await asyncio.sleep(0)
            number, task = next((n, t) for n, t in waiting if t.done())
            waiting.remove((number, task))
            place = task.result()
            served.add(number)
            clock += 1.0
        assert max(refusals.values()) == 1

    async def prepared(admission: Admission) -> None:
        admission._rate.observe = lambda seconds: None  # type: ignore[method-assign]  # a second each
        await test(admission)

    _run(prepared, waiting=4, share=2)


def test_once_stopped_nobody_waits_or_enters() -> None:
    async def test(admission: Admission) -> None:
        place = await admission.enter("a")
        (task,) = await _line(admission, "a")
        admission.stop()
        for attempt in (task, admission.enter("a")):
            with pytest.raises(Unavailable, match="shutting_down"):
                await attempt
        place.leave()
        assert (admission.taken, admission.waiting) == (0, 0)

    _run(test)


def test_the_caller_is_named_by_the_key() -> None:
    class Caller:
        key = "key_7"

    assert key_of({"footnote.caller": Caller()}) == "key_7"
    assert key_of({}) == "local"
