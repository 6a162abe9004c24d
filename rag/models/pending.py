"""The requests a generator has taken and not yet answered."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Self

from rag.errors import Busy, FootnoteError
from rag.models.generation import EngineEvent, FinishedEvent, GenerationEvent, ProgressEvent

_FIRST_GUESS_S = 2.0
_MEMORY = 0.2
"""Weight of the newest request in the running mean of how long one takes."""


class _Mailbox:
    """Where the events of one request arrive. It does not know its reader, so that one can be forgotten."""

    def __init__(self) -> None:
        self.events: SimpleQueue[EngineEvent | FootnoteError] = SimpleQueue()
        self.opened = time.monotonic()


class Generation(Iterator[GenerationEvent]):
    """The events of one request as they come; closing or forgetting it early cancels the request.

    Raises:
        FootnoteError: from ``next``; ``generator_died`` when the process ended meanwhile.
    """

    def __init__(self, mailbox: _Mailbox, cancel: Callable[[], None]) -> None:
        self._mailbox = mailbox
        self._cancel = cancel
        self._ended = False

    def __next__(self) -> GenerationEvent:
        while not self._ended:
            event = self._mailbox.events.get()
            if isinstance(event, FootnoteError):
                self._ended = True
                raise event
            if isinstance(event, ProgressEvent):
                continue
            self._ended = isinstance(event, FinishedEvent)
            return event
        raise StopIteration

    def close(self) -> None:
        """Cancel unless it has ended. Does not wait; the place in the queue is free a moment later."""
        if not self._ended:
            self._ended = True
            self._cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class PendingGenerations:
    """Gives numbers to requests, bounds how many there are, and routes events to them. Thread safe.

    Args:
        limit: most requests at once, the running one included.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: dict[int, _Mailbox] = {}
        self._numbers = itertools.count(1)
        self._service_s = _FIRST_GUESS_S

    def add(self, cancel: Callable[[int], None]) -> tuple[int, Generation]:
        """A new request and its number; ``cancel`` is called with that number.

        Raises:
            Busy: ``generator_busy`` when the limit is reached.
        """
        with self._lock:
            if len(self._open) >= self._limit:
                raise Busy(
                    "generator_busy",
                    "Too many questions are waiting for the language model; ask again later.",
                    retry_after=max(1.0, round(self._service_s * len(self._open), 1)),
                )
            number = next(self._numbers)
            self._open[number] = mailbox = _Mailbox()
        return number, Generation(mailbox, lambda: cancel(number))

    def put(self, number: int, event: EngineEvent | FootnoteError) -> None:
        """Pass on an event. What comes for a request that is no longer there is dropped."""
        with self._lock:
            if isinstance(event, FinishedEvent | FootnoteError):
                mailbox = self._open.pop(number, None)
            else:
                mailbox = self._open.get(number)
            if isinstance(event, FinishedEvent):
                spent = event.timings.get("prefill", 0.0) + event.timings.get("decode", 0.0)
                self._service_s += _MEMORY * (spent - self._service_s)
        if mailbox:
            mailbox.events.put(event)

    def end_all(self, error: Callable[[], FootnoteError]) -> None:
        """End every request, each with an error of its own."""
        with self._lock:
            ended, self._open = self._open, {}
        for mailbox in ended.values():
            mailbox.events.put(error())

    def oldest_s(self) -> float:
        """Seconds since the oldest open request came; 0 when there is none."""
        with self._lock:
            first = next(iter(self._open.values()), None)
        return time.monotonic() - first.opened if first else 0.0

    def __len__(self) -> int:
        with self._lock:
            return len(self._open)
