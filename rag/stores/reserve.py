"""Space kept back so that a full disk can be emptied again: deleting writes before it frees anything."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from rag.errors import StorageFailed

_T = TypeVar("_T")

LARGEST_BYTES = 16 * 2**20
"""What deleting a document of some thousand passages writes into the write-ahead log."""
_SHARE_OF_DISK = 16


class Reserve:
    """The file at ``path``, as large as its disk allows, which is given up while something is deleted.

    Safe to use from many threads.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def hold(self) -> None:
        """Take the space if it is there. A disk without it is used without a reserve."""
        with self._lock:
            self._hold()

    def release(self) -> None:
        """Give the space up until ``hold``: opening a database on a full disk takes some as well."""
        self._path.unlink(missing_ok=True)

    def spend(self, work: Callable[[], _T]) -> _T:
        """Do ``work``; where the disk is too full for it, do it once more with the reserve given up.

        ``work`` must have left nothing behind when it raises ``StorageFailed`` (``disk_full``).
        """
        try:
            return work()
        except StorageFailed as error:
            if error.code != "disk_full":
                raise
        with self._given_up():
            return work()

    @contextmanager
    def _given_up(self) -> Iterator[None]:
        with self._lock:
            self.release()
            try:
                yield
            finally:
                self._hold()

    def _hold(self) -> None:
        with suppress(OSError):
            disk = os.statvfs(self._path.parent)
            size = min(LARGEST_BYTES, disk.f_blocks * disk.f_frsize // _SHARE_OF_DISK)
            if self._path.exists() and self._path.stat().st_size == size:
                return
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, size)
            except OSError:
                self.release()
            finally:
                os.close(descriptor)
