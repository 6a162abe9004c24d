"""One server per data folder: a second one would write the same index files and the same blobs."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from rag.errors import Conflict

_NAME = "server.lock"


class FolderLock:
    """Held from ``acquire`` until ``release`` or the end of the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Raises ``Conflict`` (``data_folder_in_use``), naming the process that has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise Conflict(
                "data_folder_in_use",
                f"The data folder {self._path.parent} is in use by process {holder}; "
                "stop that server or set FOOTNOTE_DATA to another folder.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
