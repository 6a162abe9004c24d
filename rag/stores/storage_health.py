"""Whether what is written to the data folder can still be believed.

After an fsync or a commit that failed, nobody knows what of it is on the disk: the kernel may have thrown
the pages away and reports success the next time (Rebello et al., Can applications recover from fsync
failures?, USENIX ATC 2020). So nothing is ever tried again: the process writes no more, says so, and a
restart reads what the disk really has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from rag.errors import StorageFailed

_log = structlog.get_logger(__name__)


class StorageHealth:
    """One for all that write into a data folder, in one process. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trouble: str | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def trouble(self) -> str | None:
        """What happened, for people; None while everything can be written."""
        return self._trouble

    def fail(self, trouble: str) -> None:
        """From now on nothing is written. The first trouble is the one that is told."""
        with self._lock:
            if self._trouble is not None:
                return
            self._trouble = trouble
            listeners = list(self._listeners)
        _log.error("storage_failed", trouble=trouble)
        for listener in listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called, on the thread that met the trouble, when there is some."""
        with self._lock:
            self._listeners.append(listener)

    def require(self) -> None:
        """Raises ``StorageFailed`` (``storage_failed``) once anything has gone wrong."""
        if self._trouble is not None:
            raise StorageFailed(
                "storage_failed",
                f"Nothing is written any more, since {self._trouble}. Search and answers go on. Look after "
                "the disk, then restart the service.",
            )
