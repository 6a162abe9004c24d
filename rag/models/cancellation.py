"""Telling work that nobody wants its result any more, wherever it is: computing, waiting or blocked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancelled(Exception):
    """The work was given up because nobody waits for it. Not a failure, and never shown to anyone."""


class Cancellation:
    """Asked for at most once, from any thread. Who computes calls ``check`` now and then; who is about to
    block leaves a callback that ends the blocking."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._callbacks: dict[object, Callable[[], None]] = {}

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def cancel(self) -> None:
        """Ask for it. Callbacks run here, in the caller's thread; they have to be quick."""
        with self._lock:
            callbacks, self._callbacks = list(self._callbacks.values()), {}
            self._cancelled = True
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raises ``Cancelled`` once it has been asked for."""
        if self._cancelled:
            raise Cancelled

    @contextmanager
    def waking(self, callback: Callable[[], None]) -> Iterator[None]:
        """``callback`` is called when it is asked for within the block, at once if it has been already."""
        token = object()
        with self._lock:
            late = self._cancelled
            if not late:
                self._callbacks[token] = callback
        if late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(token, None)
