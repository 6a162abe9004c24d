"""When a place will be free, from how long the last ones were needed. Pure: times are handed in."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

_MEMORY = 0.2
"""Weight of the newest service time in the running mean."""
_LONGEST_SECONDS = 60.0
"""Nobody is sent away for longer: what is known now says nothing about later."""
_GOLDEN = (5**0.5 - 1) / 2
"""Its multiples, without their whole parts, lie evenly between 0 and 1 however many there are (Weyl)."""


class ServiceRate:
    """Service times, and the times at which those who were turned away have been told to come back.

    They are told different times, as places become free: with the same time for all of them, all but the
    first would be turned away again.

    Args:
        places: how many are served at once.
        first_guess: seconds that one takes, until one has been measured.
    """

    def __init__(self, places: int, first_guess: float) -> None:
        self._places = places
        self._mean = first_guess
        self._promised: dict[str, float] = {}
        self._spread = 0.0

    def observe(self, seconds: float) -> None:
        """One more has been served."""
        self._mean += _MEMORY * (seconds - self._mean)

    def interval(self, ages: Sequence[float] = ()) -> float:
        """Seconds between two that are done.

        Args:
            ages: seconds for which those that are being served have been. Should most of them take
                longer than usual, then so will the next.
        """
        return max(self._mean, median(ages) if ages else 0.0) / self._places

    def promise(self, key: str, now: float, soonest: float, spacing: float) -> float:
        """Seconds after which to come back, and nobody else of ``key`` before ``spacing`` more.

        Of a crowd that would have to wait too long most never come back. The others are told times all over
        the later half of the longest one.
        """
        self._promised = {name: time for name, time in self._promised.items() if time > now}
        free = max(now + soonest, self._promised.get(key, 0.0) + spacing)
        latest = now + _LONGEST_SECONDS
        self._promised[key] = min(free, latest)
        if free < latest:
            return free - now
        self._spread = (self._spread + _GOLDEN) % 1.0
        return _LONGEST_SECONDS * (1 + self._spread) / 2
