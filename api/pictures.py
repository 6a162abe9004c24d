"""Pictures of PDF pages, drawn once and kept as files that can be deleted at any moment."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ingest.sandbox import ParseServer
from rag.errors import Busy
from rag.stores.blobs import BlobStore, storage_errors

_STEP = 0.25
_AT_ONCE = 2
_PATIENCE_SECONDS = 30.0
MAX_BYTES = 256 * 1024 * 1024


class PagePictures:
    """A cache under ``folder``, keyed by the file's hash, the page and the scale.

    Somebody waits for each picture, so the processes that draw come from a fork server, which the first
    picture starts: a fresh interpreter would take longer than drawing does. ``close`` ends it.
    """

    def __init__(self, folder: Path, blobs: BlobStore) -> None:
        self._folder = folder
        self._blobs = blobs
        self._reader = ParseServer()
        self._drawing = threading.BoundedSemaphore(_AT_ONCE)

    def get(self, sha256: str, page: int, scale: float) -> Path:
        """The picture's file; ``scale`` in pixels per point is rounded to quarters.

        Raises:
            Busy: ``rendering_busy``, too many pages are being drawn.
            NotFound, DocumentRejected: as ``ingest.sandbox.Sandbox.render_page``.
        """
        steps = max(1, round(scale / _STEP))
        path = self._folder / sha256 / f"{page}-{steps}.png"
        if path.exists():
            return path
        if not self._drawing.acquire(timeout=_PATIENCE_SECONDS):
            raise Busy("rendering_busy", "Too many pages are being drawn; try again.", retry_after=2.0)
        try:
            if not path.exists():
                _write(path, self._reader.render_page(self._blobs.sound_path(sha256), page, steps * _STEP))
        finally:
            self._drawing.release()
        return path

    def close(self) -> None:
        """End the fork server; a later picture starts another."""
        self._reader.close()

    def forget(self, hashes: Iterable[str]) -> None:
        """Remove the pictures of deleted files."""
        for sha256 in hashes:
            shutil.rmtree(self._folder / sha256, ignore_errors=True)

    def prune(self, max_bytes: int = MAX_BYTES) -> None:
        """Remove the oldest pictures until the rest fits."""
        entries = []
        for path in self._folder.glob("*/*.png"):
            with suppress(FileNotFoundError):
                found = path.stat()
                entries.append((found.st_mtime, found.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(secrets.token_hex(8))
    with storage_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
