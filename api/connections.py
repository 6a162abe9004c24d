"""How long a connection may take for what it does, and which one has to go when there are too many.

uvicorn waits for a request as long as its client likes, and for a reader likewise. A thousand clients that
send a byte a second, or read none, would then keep everybody else out. Here each connection has deadlines,
and when all places are taken a newcomer gets the place of the one that has made the least of its own: an
attacker who wants to hold the places has to do honest requests with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

LINGER_SECONDS = 5.0
"""How long what a client still sends is thrown away after its answer, so that it gets to read that answer.

Closing a socket with unread bytes in it makes TCP discard the answer as well (RFC 9112 section 9.6).
"""

_SWEEP_SECONDS = 0.5
_YOUNG_SECONDS = 1.0
_SLOW_SENDER, _SLOW_READER = 3, 2
_IN_THE_MIDST = (_SLOW_SENDER, _SLOW_READER)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds for a request's head and for a reader who reads nothing, and how many connections at most.

    ``body_rate``, bytes per second, is what a body has to keep up to be safe when places are short.
    """

    head_seconds: float = 10.0
    write_seconds: float = 30.0
    body_rate: float = 1000.0
    connections: int = 1000


class Activity(Enum):
    """What a connection is doing."""

    HEAD = "head"
    """The head of a request is awaited or arriving, and its time runs."""
    IDLE = "idle"
    """Between two requests."""
    BODY = "body"
    """A body is arriving for a handler that waits for it."""
    ANSWERING = "answering"
    LEAVING = "leaving"
    """Answered; what still arrives is thrown away."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A connection at one moment.

    Args:
        seconds: since it began what it does.
        rate: bytes received per second since then.
        unread_seconds: since its client last took any of an answer that waits for it; 0 if none waits.
    """

    activity: Activity
    seconds: float
    rate: float = 0.0
    unread_seconds: float = 0.0


class Overdue(Enum):
    """Which deadline has passed."""

    HEAD = "head"
    READER = "reader"
    LINGER = "linger"


def overdue(standing: Standing, limits: ConnectionLimits) -> Overdue | None:
    """The deadline that a connection has missed, if any. Bodies have theirs in ``api.middleware``."""
    if standing.unread_seconds > limits.write_seconds:
        return Overdue.READER
    if standing.activity is Activity.HEAD and standing.seconds > limits.head_seconds:
        return Overdue.HEAD
    if standing.activity is Activity.LEAVING and standing.seconds > LINGER_SECONDS:
        return Overdue.LINGER
    return None


def dispensability(standing: Standing, limits: ConnectionLimits) -> tuple[int, float] | None:
    """Greater for those that are given up first; None for those that never are.

    Those that have had a second and used it for nothing come first. Younger ones are spared as long as
    there is anyone else: an honest client has only just connected, and is about to send its request.
    """
    young = standing.seconds < _YOUNG_SECONDS
    match standing.activity:
        case Activity.LEAVING:
            return 6, standing.seconds
        case Activity.HEAD:
            return (1 if young else 5), standing.seconds
        case Activity.IDLE:
            return (1 if young else 4), standing.seconds
        case Activity.BODY if not young and standing.rate < limits.body_rate:
            return _SLOW_SENDER, -standing.rate
    if standing.unread_seconds > _YOUNG_SECONDS:
        return _SLOW_READER, standing.unread_seconds
    return None


class Connection(Protocol):
    """What is asked of a connection."""

    def standing(self, now: float) -> Standing: ...
    def expire(self, missed: Overdue) -> None:
        """End it for the deadline it has missed."""

    def drop(self) -> None:
        """End it at once, without an answer."""


class Connections:
    """All open connections of a server; looks at each twice a second while there are any."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()
        self._refused: set[Connection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._period = min(_SWEEP_SECONDS, min(limits.head_seconds, limits.write_seconds) / 4)
        self._batch = max(1, limits.connections // 32)

    def __len__(self) -> int:
        return len(self._open) + len(self._refused)

    def admit(self, connection: Connection) -> bool:
        """Give it a place, that of another if need be. False: all the others do honest work."""
        loop = asyncio.get_running_loop()
        free = len(self._open) < self.limits.connections or self._make_room(loop.time())
        # One that is turned away stays known until it has gone: it has its deadline like any other.
        (self._open if free else self._refused).add(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(self._period, self._look_at_all)
        return free

    def may_linger(self) -> bool:
        """Whether one that was turned away may stay to read why, or there are too many of those already."""
        return len(self._refused) <= self._batch

    def forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._refused.discard(connection)

    def _make_room(self, now: float) -> bool:
        victims = most_dispensable(self._open, now, self.limits, self._batch)
        self._open.difference_update(victims)
        for victim in victims:
            victim.drop()
        return bool(victims)

    def _look_at_all(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [*self._open, *self._refused]:
            missed = overdue(connection.standing(now), self.limits)
            if missed is not None:
                connection.expire(missed)
        self._sweep = loop.call_later(self._period, self._look_at_all) if len(self) else None


def most_dispensable(
    connections: Iterable[Connection], now: float, limits: ConnectionLimits, batch: int
) -> list[Connection]:
    """Whom to give up when a place is needed; nobody when all of them do honest work.

    Of those that wait for a request ``batch`` go at once: under a flood, looking at all of them for each
    newcomer would be the heavier load. Of those in the midst of one, only one goes.
    """
    ranked = [
        (rank, connection)
        for connection in connections
        if (rank := dispensability(connection.standing(now), limits)) is not None
    ]
    if not ranked:
        return []
    ranked.sort(key=lambda one: one[0], reverse=True)
    first = ranked[0][0][0]
    alike = [connection for rank, connection in ranked if rank[0] == first]
    return alike[: 1 if first in _IN_THE_MIDST else batch]
