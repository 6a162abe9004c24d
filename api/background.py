"""Blocking work beside the event loop: iterating a model's events, and stopping when nobody listens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, TypeVar

T = TypeVar("T")


class _End:
    """Marks the end of an iteration; an exception of the iterator travels with it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Pumped(Generic[T]):
    """An iterator that runs on a thread, read from the event loop.

    ``start`` is called on the thread. ``aclose`` makes the thread close the generator at its next
    event, which is how a generator learns that it is not wanted any more.
    """

    def __init__(self, start: Callable[[], Iterator[T]], executor: ThreadPoolExecutor) -> None:
        self._start = start
        self._stopped = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[T | _End] = asyncio.Queue()
        # In the caller's context, so that what is logged and traced on the thread belongs to the request.
        self._done = self._loop.run_in_executor(executor, copy_context().run, self._pump)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        item = await self._queue.get()
        if isinstance(item, _End):
            await self._queue.put(item)
            if item.error is not None:
                raise item.error
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """Returns at once; the thread ends at the next event."""
        self._stopped.set()

    def when_finished(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called on the loop once the thread is done with the iterator."""
        self._done.add_done_callback(lambda _: callback())

    async def finished(self) -> None:
        """Wait for the thread to be done with the iterator."""
        await asyncio.wait({self._done})

    def _pump(self) -> None:
        error: BaseException | None = None
        try:
            items = self._start()
            try:
                for item in items:
                    if self._stopped.is_set():
                        break
                    self._hand_over(item)
            finally:
                if isinstance(items, Generator):
                    items.close()
        except BaseException as raised:  # handed to whoever reads, on the loop
            error = raised
        self._hand_over(_End(error))

    def _hand_over(self, item: T | _End) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:  # the loop has been closed: nobody is left to read
            self._stopped.set()
