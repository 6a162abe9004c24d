"""Original files, content-addressed by SHA-256 and durable before anyone is told so."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rag.errors import Conflict, NotFound, ServerBusy, StorageFailed, TooLarge
from rag.stores.storage_health import StorageHealth

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FAILED = {errno.EIO: "the disk failed a write", errno.EROFS: "the file system can only be read"}
"""What nothing is to be written after, and how it is told."""
_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored file: lower-case hexadecimal SHA-256 and size in bytes."""

    sha256: str
    size: int


class BlobStore:
    """Files under ``root/ab/abcdef…``, written through ``root/.incoming`` and renamed into place.

    Args:
        health: of the data folder: a disk that refuses a write is told there, and nothing is written after.
    """

    def __init__(self, root: Path, health: StorageHealth | None = None) -> None:
        self.root = root
        self._health = health or StorageHealth()
        self._durable_folders: set[str] = set()
        self._incoming = root / ".incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def put(self, parts: Iterable[bytes], limit: int) -> Blob:
        """Store the bytes and return once they survive a power cut.

        An existing blob is written anew rather than trusted: its modification time then protects it
        from a collection of unreferenced blobs until the caller's transaction refers to it.

        Raises:
            TooLarge: more than ``limit`` bytes came; nothing is kept.
            StorageFailed: the disk is full or refused the write; nothing is kept.
        """
        self._health.require()
        temporary = self._incoming / secrets.token_hex(16)
        try:
            blob = self._receive(temporary, parts, limit)
            with storage_errors(self._health):
                self._move_into_place(temporary, blob.sha256)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
        return blob

    def _receive(self, temporary: Path, parts: Iterable[bytes], limit: int) -> Blob:
        digest, size = hashlib.sha256(), 0
        with storage_errors(self._health):
            # Unbuffered: what waited in a buffer of a full disk would be tried again when it is closed.
            file = open(temporary, "xb", buffering=0)  # noqa: SIM115  # closed by the next line
        with file:
            # Errors of ``parts`` are the sender's and pass through; only writing is storage.
            for part in parts:
                size += len(part)
                if size > limit:
                    raise TooLarge(
                        "file_too_large",
                        f"The file has more than {limit:,} bytes; split it, or raise "
                        "FOOTNOTE_MAX_UPLOAD_BYTES.",
                    )
                digest.update(part)
                with storage_errors(self._health):
                    _write_all(file, part)
            with storage_errors(self._health):
                os.fsync(file.fileno())
        return Blob(digest.hexdigest(), size)

    def _move_into_place(self, temporary: Path, sha256: str) -> None:
        folder = self.path(sha256).parent
        folder.mkdir(exist_ok=True)
        # A folder that is there may have been made by somebody who did not live to sync it.
        if folder.name not in self._durable_folders:
            fsync_folder(self.root)
            self._durable_folders.add(folder.name)
        os.replace(temporary, folder / sha256)
        fsync_folder(folder)

    def path(self, sha256: str) -> Path:
        """Where the blob lies; it may not exist."""
        return self.root / sha256[:2] / sha256

    def open_path(self, sha256: str) -> Path:
        """Where the blob lies. Raises ``NotFound`` (``blob_missing``) when it is gone."""
        path = self.path(sha256)
        if not path.exists():
            raise NotFound("blob_missing", "The original file is no longer stored; upload it again.")
        return path

    def sound_path(self, sha256: str) -> Path:
        """Where the blob lies, once every byte of it has been read and found to be what was sent.

        Raises ``NotFound`` (``blob_missing``) or ``Conflict`` (``blob_corrupt``).
        """
        path = self.open_path(sha256)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise Conflict(
                "blob_corrupt",
                "The stored file is not what was sent any more: the disk has changed it. Upload it again, "
                "and look after the disk.",
            )
        return path

    def require(self, blobs: Iterable[Blob]) -> None:
        """Inside the write transaction that refers to them: they are there, and will stay.

        Between storing and referring only their age protects them, and a clock that is set forward, or a
        machine that was asleep, makes anything old. Raises ``ServerBusy`` (``file_cleared_away``).
        """
        for blob in blobs:
            if not self.path(blob.sha256).exists():
                raise ServerBusy(
                    "file_cleared_away",
                    "The file was cleared away before it was entered, as happens when the clock is set "
                    "forward; send it again.",
                    retry_after=1.0,
                )

    def age(self, sha256: str) -> float:
        """Seconds since the blob was last written; 0 when it is gone."""
        try:
            return time.time() - self.path(sha256).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def delete(self, sha256: str, older_than_seconds: float) -> bool:
        """Remove the blob unless it is younger than ``older_than_seconds``, or somebody holds them all, or
        no more files can be opened: then it is collected later. Returns whether it is gone.

        Call it inside the write transaction that made sure nothing refers to the blob.
        """
        path = self.path(sha256)
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB) as alone:
                if not alone or time.time() - path.stat().st_mtime < older_than_seconds:
                    return False
                path.unlink()
        except FileNotFoundError:
            return True
        except (StorageFailed, ServerBusy):
            return False
        return True

    @property
    def incoming(self) -> Path:
        """The folder of uploads that are being written."""
        return self._incoming

    @contextmanager
    def held(self) -> Iterator[None]:
        """As long as this is open, no process deletes a blob: what is read of the database afterwards refers
        only to blobs that stay. What should have gone meanwhile is collected later, as unreferenced.

        The lock ends with the process that has it, however that ends.
        """
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def _locked(self, kind: int) -> Iterator[bool]:
        """Whether the lock on all blobs, which is one on their folder, was got."""
        with storage_errors():
            descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(descriptor, kind)
                got = True
            except BlockingIOError:
                got = False
            yield got
        finally:
            os.close(descriptor)

    def __iter__(self) -> Iterator[str]:
        """Every stored SHA-256."""
        for folder in self.root.iterdir():
            if len(folder.name) == 2:
                yield from (path.name for path in folder.iterdir())

    def sweep_incoming(self, older_than_seconds: float) -> None:
        """Remove what uploads that never finished left behind."""
        now = time.time()
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if now - path.stat().st_mtime > older_than_seconds:
                    path.unlink()


def fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(file: io.FileIO, part: bytes) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[file.write(rest) :]


@contextmanager
def storage_errors(health: StorageHealth | None = None) -> Iterator[None]:
    """Raises ``StorageFailed``: ``disk_full``, or ``storage_failed``, which ``health`` is told of; where
    nothing is wrong with the disk, ``ServerBusy`` (``too_many_files``)."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFailed("disk_full", "The disk is full; free some space and try again.") from error
        if error.errno in _NO_MORE_FILES:
            raise ServerBusy(
                "too_many_files",
                "The service has as many files and connections open as it may; try again, or let it have "
                "more (ulimit -n).",
                retry_after=1.0,
            ) from error
        if health is not None and error.errno in _FAILED:
            health.fail(_FAILED[error.errno])
        raise StorageFailed(
            "storage_failed", "The file could not be written; see the server's log, then restart the service."
        ) from error
