"""One server per data folder: a second one would write the same index files and the same blobs."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from api.file_lock import FileLock, Held
from rag.errors import Conflict

_NAME = "server.lock"


class FolderLock:
    """Held from ``acquire`` until ``release`` or the end of the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / _NAME)

    def acquire(self) -> Self:
        """Raises ``Conflict`` (``data_folder_in_use``), naming the process that has it."""
        try:
            self._lock.acquire()
        except Held as held:
            raise Conflict(
                "data_folder_in_use",
                f"The data folder {self._folder} is in use by process {held.holder}; "
                "stop that server or set FOOTNOTE_DATA to another folder.",
            ) from None
        return self

    def release(self) -> None:
        self._lock.release()
