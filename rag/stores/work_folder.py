"""A folder to build something in that is then put in place whole, or of which nothing is left."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import Conflict
from rag.stores.blobs import fsync_folder, storage_errors


@contextmanager
def work_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside ``target``, on the same disk, named ``TARGET.partial``, and removed at the end.

    One that was left behind by a process that was killed is emptied and used again: the lock on it ended
    with that process.

    Raises ``Conflict`` (``target_in_use``) while another process builds the same thing.
    """
    folder = target.with_name(target.name + ".partial")
    with storage_errors():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "target_in_use", f"Another process is writing {target}; wait for it or choose another name."
            ) from None
        try:
            with storage_errors():
                _empty(folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def put_in_place(built: Path, target: Path) -> None:
    """Rename; the new name survives a power cut when this returns. What ``built`` holds is synced already."""
    with storage_errors():
        os.replace(built, target)
        fsync_folder(target.parent)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
