"""When a change in a watched folder is believed: files being written settle first, files gone may come back.

Pure: told what was seen and when, it says what holds. Programs save in many ways (write in place for
seconds, write beside and rename over, delete and write again), and each looks like another change half way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from api.cli.folders.scanning import Stat

SETTLE_SECONDS = 1.0
"""A file whose size and time have not changed for so long is taken to be complete."""

GRACE_SECONDS = 5.0
"""A file that has been away for so long is taken to be deleted."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What holds at a moment.

    Attributes:
        unsettled: sources of files that may still be written to.
        missing: sources that are away, but not for long enough.
        again_at: when to look again, on the clock of the caller; None: only when something happens.
    """

    unsettled: Collection[str]
    missing: Collection[str]
    again_at: float | None


class Patience:
    """Remembers since when each file has been as it is."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Stat, float]] = {}
        self._away: dict[str, float] = {}

    def look(self, files: Mapping[str, Stat], expected: Collection[str], now: float) -> Belief:
        """What to believe at ``now`` of ``files`` (by source), when the service has ``expected`` sources."""
        seen: dict[str, tuple[Stat, float]] = {}
        for source, stat in files.items():
            before, since = self._seen.get(source, (None, now))
            seen[source] = (stat, since if stat == before else now)
        self._seen = seen
        self._away = {source: self._away.get(source, now) for source in expected if source not in files}
        unsettled = {
            source: since + SETTLE_SECONDS
            for source, (_, since) in seen.items()
            if now < since + SETTLE_SECONDS
        }
        missing = {
            source: since + GRACE_SECONDS
            for source, since in self._away.items()
            if now < since + GRACE_SECONDS
        }
        due = [*unsettled.values(), *missing.values()]
        return Belief(unsettled.keys(), missing.keys(), min(due, default=None))
