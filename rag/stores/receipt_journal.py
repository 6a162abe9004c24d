"""Where receipts wait while the database is being written to, for seconds at most in ordinary life.

Publishing a very large document holds the database's one write lock for as long as ten seconds. An answer
does not wait for that: its receipt is appended here, on the disk before the answer is delivered, and
entered into the database later.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rag.stores.blobs import fsync_folder, storage_errors
from rag.stores.storage_health import StorageHealth


class ReceiptJournal:
    """JSON records, one a line, in the file at ``path``. One process at a time; safe for its threads."""

    def __init__(self, path: Path, health: StorageHealth | None = None) -> None:
        self._path = path
        self._health = health or StorageHealth()
        self._taken = path.with_name(path.name + ".taken")
        self._lock = threading.Lock()

    @property
    def empty(self) -> bool:
        return not (self._path.exists() or self._taken.exists())

    def append(self, record: Mapping[str, Any]) -> None:
        """Store a record; it is on the disk when this returns.

        Raises ``StorageFailed`` (``disk_full``, ``storage_failed``); then it is as if it had never been.
        """
        # A line end on both sides: what a crash cut off before it does not run into it.
        line = b"\n" + json.dumps(record).encode() + b"\n"
        self._health.require()
        with self._lock, storage_errors(self._health):
            self._append(line)

    def take(self) -> Sequence[dict[str, Any]]:
        """The records, oldest first. They stay on the disk until ``done``; taking again gives the same."""
        with self._lock:
            if not self._taken.exists():
                if not self._path.exists():
                    return ()
                os.replace(self._path, self._taken)
            lines = self._taken.read_bytes().splitlines()
        return [record for line in lines if (record := _parsed(line)) is not None]

    def done(self) -> None:
        """What was taken is in the database."""
        self._taken.unlink(missing_ok=True)

    def _append(self, line: bytes) -> None:
        is_new = not self._path.exists()
        with self._path.open("ab", buffering=0) as file:
            length = file.tell()
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), length)
                raise
        if is_new:
            fsync_folder(self._path.parent)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """None for a line that a crash cut off: its answer was never delivered."""
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return record
