"""The requests a generator has taken and not yet answered."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Self

from rag.errors import Busy, FootnoteError
from rag.models.cancellation import Cancelled
from rag.models.generation import EngineEvent, FinishedEvent, GenerationEvent, ProgressEvent

_FIRST_GUESS_S = 2.0
_MEMORY = 0.2
"""Weight of the newest request in the running mean of how long one takes."""


class _Mailbox:
    """Where the events of one request arrive. It does not know its reader, so that one can be forgotten."""

    def __init__(self) -> None:
        self.events: SimpleQueue[EngineEvent | FootnoteError | Cancelled] = SimpleQueue()
        self.opened = time.monotonic()
        self.begun: float | None = None
        """When the first sign of work on it came."""
        self.cancelled: float | None = None
        """When it was asked to end."""


class Generation(Iterator[GenerationEvent]):
    """The events of one request as they come; closing or forgetting it early cancels the request.

    Raises:
        FootnoteError: from ``next``; ``generator_died`` when the process ended meanwhile.
        Cancelled: from ``next``, after ``cancel``.
    """

    def __init__(self, mailbox: _Mailbox, cancel: Callable[[], None]) -> None:
        self._mailbox = mailbox
        self._cancel = cancel
        self._ended = False

    def __next__(self) -> GenerationEvent:
        while not self._ended:
            event = self._mailbox.events.get()
            if isinstance(event, FootnoteError | Cancelled):
                self._ended = True
                raise event
            if isinstance(event, ProgressEvent):
                continue
            self._ended = isinstance(event, FinishedEvent)
            return event
        raise StopIteration

    def close(self) -> None:
        """Cancel unless it has ended. Does not wait: what ran is done with a moment later."""
        if not self._ended:
            self._ended = True
            self._cancel()

    def cancel(self) -> None:
        """As ``close``, from another thread than the one that reads, which is woken at once."""
        if not self._ended:
            # Told first: what the request ends with once it is given up must not be read as its answer.
            self._mailbox.events.put(Cancelled())
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
        limit: most requests at once, the running ones included.
        together: so many of them are worked on side by side.
    """

    def __init__(self, limit: int, together: int = 1) -> None:
        self._limit = limit
        self._together = together
        # Reentrant: a generation collected as garbage is cancelled from any line of code.
        self._lock = threading.RLock()
        self._open: dict[int, _Mailbox] = {}
        self._numbers = itertools.count(1)
        self._service_s = _FIRST_GUESS_S
        self.cancellations = CancellationTimes()

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
                    retry_after=max(1.0, round(self._service_s * len(self._open) / self._together, 1)),
                )
            number = next(self._numbers)
            self._open[number] = mailbox = _Mailbox()

        def cancel_this() -> None:
            with self._lock:
                mailbox.cancelled = mailbox.cancelled or time.monotonic()
                if mailbox.begun is None:  # it only waited: its place is free at once
                    self._open.pop(number, None)
            cancel(number)

        return number, Generation(mailbox, cancel_this)

    def put(self, number: int, event: EngineEvent | FootnoteError) -> None:
        """Pass on an event. What comes for a request that is no longer there is dropped."""
        with self._lock:
            if isinstance(event, FinishedEvent | FootnoteError):
                mailbox = self._open.pop(number, None)
            else:
                mailbox = self._open.get(number)
            if mailbox and mailbox.cancelled and isinstance(event, FinishedEvent):
                self.cancellations.observe(time.monotonic() - mailbox.cancelled)
            elif isinstance(event, FinishedEvent):
                spent = event.timings.get("prefill", 0.0) + event.timings.get("decode", 0.0)
                self._service_s += _MEMORY * (spent - self._service_s)
            if mailbox and mailbox.begun is None:
                mailbox.begun = time.monotonic()
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

    def overdue(self, total_s: float, abandoned_s: float) -> bool:
        """Whether one is being worked on for longer than ``total_s``, or was cancelled and has not ended
        within ``abandoned_s`` although it was being worked on."""
        now = time.monotonic()
        with self._lock:
            mailboxes = tuple(self._open.values())
        return any(
            now - mailbox.begun > total_s
            or (mailbox.cancelled is not None and now - mailbox.cancelled > abandoned_s)
            for mailbox in mailboxes
            if mailbox.begun is not None
        )

    def __len__(self) -> int:
        with self._lock:
            return len(self._open)


class CancellationTimes:
    """How long it took from asking a generation to end until the model was free, over the last thousand."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds: deque[float] = deque(maxlen=1000)

    def observe(self, seconds: float) -> None:
        self.count += 1
        self.seconds.append(seconds)
