"""Who waits for a place, and whose turn it is. Pure: no clock, no event loop."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class ShareTaken(Exception):
    """The key has as many waiting as one key may have."""


class QueueFull(Exception):
    """Everybody together has; nobody has so much more than this key that they would have to give way."""


class FairQueue(Generic[T]):
    """Owners take turns, so that a long line of one delays the next of another by one turn only.

    Round robin between owners is Nagle's fair queueing (RFC 970, 1985). Where all places are taken, the
    newest of the longest line gives way to the first of a shorter one (longest queue drop, McKenney 1990).

    Args:
        places: most items of all keys together.
        share: most items of one key.
    """

    def __init__(self, places: int, share: int) -> None:
        self._places = places
        self._share = share
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        self._size = 0

    def check(self, key: str) -> None:
        """Raises ``ShareTaken`` or ``QueueFull`` where ``push`` would."""
        own = len(self._lines.get(key, ()))
        if own >= self._share:
            raise ShareTaken
        if self._size >= self._places and max(map(len, self._lines.values())) <= own + 1:
            raise QueueFull

    def push(self, key: str, item: T) -> tuple[str, T] | None:
        """Put ``item`` at the end of its key's line. Returns key and item that had to give way, if any.

        Raises ``ShareTaken`` or ``QueueFull``.
        """
        self.check(key)
        gave_way = self._drop_newest() if self._size >= self._places else None
        self._lines.setdefault(key, deque()).append(item)
        self._size += 1
        return gave_way

    def pop(self) -> T | None:
        """The item whose turn it is; None when nobody waits."""
        if not self._lines:
            return None
        key, line = next(iter(self._lines.items()))
        item = line.popleft()
        self._size -= 1
        if line:
            self._lines.move_to_end(key)
        else:
            del self._lines[key]
        return item

    def remove(self, key: str, item: T) -> bool:
        """Take ``item`` out of the line; False when it is not there any more."""
        line = self._lines.get(key, deque())
        if item not in line:
            return False
        line.remove(item)
        self._size -= 1
        if not line:
            del self._lines[key]
        return True

    def ahead_of(self, key: str) -> int:
        """How many would be taken before a new item of ``key``."""
        own = len(self._lines.get(key, ()))
        others = (len(line) for name, line in self._lines.items() if name != key)
        return own + sum(min(size, own + 1) for size in others)

    @property
    def keys(self) -> int:
        """How many keys wait."""
        return len(self._lines)

    def __len__(self) -> int:
        return self._size

    def _drop_newest(self) -> tuple[str, T]:
        """Of the longest line."""
        key, line = max(self._lines.items(), key=lambda pair: len(pair[1]))
        item = line.pop()
        self._size -= 1
        return key, item
