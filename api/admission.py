"""A bounded number of things at once, a bounded line of those that wait, and a quick and honest no.

Everything here happens on the event loop and none of it waits for a thread: however busy the machine is,
turning somebody away costs a few dictionary look-ups.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.types import Scope

from api.fair_queue import FairQueue, QueueFull, ShareTaken
from api.service_rate import ServiceRate
from rag.errors import Busy, ServerBusy, Unavailable

LOCAL_KEY = "local"
"""Whose requests they are where one person uses the service without keys."""

_EVERYBODY = ""


def key_of(scope: Scope) -> str:
    """The public id of the key that a request came with."""
    return str(getattr(scope.get("footnote.caller"), "key", LOCAL_KEY))


def shutting_down() -> Unavailable:
    return Unavailable(
        "shutting_down", "The service is shutting down; send the request again when it has been started."
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """``running`` at once, ``waiting`` behind them, ``share`` of those for one key; ``patience`` is how many
    seconds one may wait."""

    running: int
    waiting: int
    share: int
    patience: float


class Place:
    """One of the places, from when it was taken until ``leave``."""

    def __init__(self, admission: Admission) -> None:
        self._admission: Admission | None = admission
        self._began = time.monotonic()

    @property
    def age(self) -> float:
        return time.monotonic() - self._began

    def leave(self) -> None:
        """Give it back; more than once does no harm. On the event loop."""
        admission, self._admission = self._admission, None
        if admission is not None:
            admission._left(self)

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class Admission:
    """Places for one kind of work, fair between keys.

    Args:
        name: for metrics and threads, in the plural: ``asks``.
        thing: what one of them is, for people: ``question``.
        code: of the error for who asks for more than their share: ``too_many_questions``.
        limits: see :class:`Limits`.
        first_guess: seconds one takes, until that has been measured.
    """

    def __init__(self, name: str, thing: str, code: str, limits: Limits, first_guess: float) -> None:
        self.name = name
        self._thing = thing
        self._code = code
        self._limits = limits
        self._queue: FairQueue[asyncio.Future[Place]] = FairQueue(limits.waiting, limits.share)
        self._rate = ServiceRate(limits.running, first_guess)
        self._places: set[Place] = set()
        self._outcomes: Counter[str] = Counter()
        self._stopped = False
        # Threads of its own, as many as there are places: one that has a place never waits for a thread.
        self.executor = ThreadPoolExecutor(limits.running, thread_name_prefix=name)

    @property
    def taken(self) -> int:
        return len(self._places)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many were ``admitted``, ``refused_share``, ``refused_full``, ``gave_way``, ``timed_out`` or
        ``went_away`` while they waited."""
        return self._outcomes

    def check(self, key: str) -> None:
        """Raises what ``enter`` would raise at once, so that nothing needs to be read of a request."""
        if self._stopped:
            raise shutting_down()
        if self._free:
            return
        try:
            self._queue.check(key)
        except ShareTaken:
            raise self._own_excess(key, "refused_share") from None
        except QueueFull:
            raise self._server_busy("refused_full") from None
        if self._queue.ahead_of(key) * self._interval() > self._limits.patience:
            raise self._server_busy("refused_full")

    async def enter(self, key: str) -> Place:
        """A place, at once or when it is this key's turn. Cancelling gives up the place in the line.

        Raises:
            Busy: this key has its share of the line already.
            ServerBusy: ``server_busy``: the line is full, or it took too long.
            Unavailable: ``shutting_down``, after ``stop``.
        """
        self.check(key)
        if self._free:
            return self._take()
        waiter: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        gave_way = self._queue.push(key, waiter)
        if gave_way is not None:
            other, pushed_out = gave_way
            pushed_out.set_exception(self._own_excess(other, "gave_way"))
        try:
            async with asyncio.timeout(self._limits.patience):
                return await waiter
        except BaseException as error:
            self._give_up(key, waiter)
            if isinstance(error, TimeoutError):
                raise self._server_busy("timed_out") from None
            if isinstance(error, asyncio.CancelledError):
                self._outcomes["went_away"] += 1
            raise

    def stop(self) -> None:
        """Let nobody in any more and send away who waits; who has a place keeps it. On the event loop."""
        self._stopped = True
        while (waiter := self._queue.pop()) is not None:
            if not waiter.done():
                waiter.set_exception(shutting_down())

    def close(self) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)

    @property
    def _free(self) -> bool:
        return len(self._places) < self._limits.running and not self._queue

    def _give_up(self, key: str, waiter: asyncio.Future[Place]) -> None:
        """Leave the line, or give back the place that was granted in this very moment."""
        self._queue.remove(key, waiter)
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            waiter.result().leave()

    def _take(self) -> Place:
        place = Place(self)
        self._places.add(place)
        self._outcomes["admitted"] += 1
        return place

    def _left(self, place: Place) -> None:
        self._places.discard(place)
        self._rate.observe(place.age)
        while len(self._places) < self._limits.running:
            waiter = self._queue.pop()
            if waiter is None:
                return
            if not waiter.done():
                waiter.set_result(self._take())

    def _interval(self) -> float:
        return self._rate.interval([place.age for place in self._places])

    def _own_excess(self, key: str, outcome: str) -> Busy:
        """Of this key one becomes free whenever it has had its turn among the keys that wait."""
        self._outcomes[outcome] += 1
        spacing = self._interval() * max(1, self._queue.keys)
        seconds = self._rate.promise(key, time.monotonic(), spacing, spacing)
        return Busy(
            self._code,
            f"As many of your {self.name} wait as may; send this {self._thing} again after the time in "
            "Retry-After.",
            retry_after=seconds,
        )

    def _server_busy(self, outcome: str) -> ServerBusy:
        self._outcomes[outcome] += 1
        spacing = self._interval()
        seconds = self._rate.promise(_EVERYBODY, time.monotonic(), spacing, spacing)
        return ServerBusy(
            "server_busy",
            f"The service has as many {self.name} as it can take; send this {self._thing} again after the "
            "time in Retry-After.",
            retry_after=seconds,
        )
