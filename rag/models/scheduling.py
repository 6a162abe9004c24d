"""Who comes next at the model: fair between scopes in the queue, short prompts first when they are read."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Scoped(Protocol):
    """Something asked for by somebody; None is a somebody too."""

    @property
    def scope(self) -> str | None: ...


Item = TypeVar("Item", bound=Scoped)


class FairQueue(Generic[Item]):
    """First come, first served within a scope; scopes take turns."""

    def __init__(self) -> None:
        self._by_scope: OrderedDict[str | None, deque[Item]] = OrderedDict()

    def put(self, item: Item) -> None:
        self._by_scope.setdefault(item.scope, deque()).append(item)

    def first(self) -> Item | None:
        """Whose turn it is."""
        return next((items[0] for items in self._by_scope.values()), None)

    def take(self) -> Item:
        """Remove ``first``; the other scopes come before its next one."""
        scope, items = next(iter(self._by_scope.items()))
        item = items.popleft()
        if items:
            self._by_scope.move_to_end(scope)
        else:
            del self._by_scope[scope]
        return item

    def remove(self, item: Item) -> None:
        items = self._by_scope[item.scope]
        items.remove(item)
        if not items:
            del self._by_scope[item.scope]

    def __iter__(self) -> Iterator[Item]:
        return (item for items in self._by_scope.values() for item in items)

    def __len__(self) -> int:
        return sum(map(len, self._by_scope.values()))


def reading_order(remaining: dict[int, int], passed_over: dict[int, int], slice_tokens: int) -> list[int]:
    """Which prompts to read from next, by key: the one that has fewest tokens left, where each step that
    a prompt was passed over counts as a slice read. So short ones are quick and long ones do come.

    Args:
        remaining: tokens left by key.
        passed_over: how often each was passed over; a missing one never was.
        slice_tokens: tokens read in a step.
    """
    return sorted(remaining, key=lambda key: remaining[key] - slice_tokens * passed_over.get(key, 0))
