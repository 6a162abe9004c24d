"""Original files, content-addressed by SHA-256 and durable before anyone is told so."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rag.errors import NotFound, StorageFailed, TooLarge

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored file: lower-case hexadecimal SHA-256 and size in bytes."""

    sha256: str
    size: int


class BlobStore:
    """Files under ``root/ab/abcdef…``, written through ``root/.incoming`` and renamed into place."""

    def __init__(self, root: Path) -> None:
        self.root = root
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
        temporary = self._incoming / secrets.token_hex(16)
        digest, size = hashlib.sha256(), 0
        try:
            with storage_errors():
                file = open(temporary, "xb")  # noqa: SIM115  # closed by the next line
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
                    with storage_errors():
                        file.write(part)
                with storage_errors():
                    file.flush()
                    os.fsync(file.fileno())
            sha256 = digest.hexdigest()
            target = self.path(sha256)
            with storage_errors():
                if not target.parent.exists():
                    target.parent.mkdir(exist_ok=True)
                    fsync_folder(self.root)
                os.replace(temporary, target)
                fsync_folder(target.parent)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()
        return Blob(sha256, size)

    def path(self, sha256: str) -> Path:
        """Where the blob lies; it may not exist."""
        return self.root / sha256[:2] / sha256

    def open_path(self, sha256: str) -> Path:
        """Where the blob lies. Raises ``NotFound`` (``blob_missing``) when it is gone."""
        path = self.path(sha256)
        if not path.exists():
            raise NotFound("blob_missing", "The original file is no longer stored; upload it again.")
        return path

    def age(self, sha256: str) -> float:
        """Seconds since the blob was last written; 0 when it is gone."""
        try:
            return time.time() - self.path(sha256).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def delete(self, sha256: str, older_than_seconds: float) -> bool:
        """Remove the blob unless it is younger than ``older_than_seconds``. Returns whether it is gone.

        Call it inside the write transaction that made sure nothing refers to the blob.
        """
        path = self.path(sha256)
        try:
            if time.time() - path.stat().st_mtime < older_than_seconds:
                return False
            path.unlink()
        except FileNotFoundError:
            return True
        return True

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


@contextmanager
def storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFailed("disk_full", "The disk is full; free some space and try again.") from error
        raise StorageFailed(
            "storage_failed", "The file could not be written; see the server's log."
        ) from error
