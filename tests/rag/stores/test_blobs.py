from __future__ import annotations

import errno
import hashlib
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import NotFound, ServerBusy, StorageFailed, TooLarge
from rag.stores.blobs import BlobStore
from rag.stores.storage_health import StorageHealth


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_bytes_come_back_under_their_hash(blobs: BlobStore) -> None:
    blob = blobs.put([b"foot", b"note"], limit=8)
    assert blob.sha256 == hashlib.sha256(b"footnote").hexdigest()
    assert blob.size == 8
    assert blobs.open_path(blob.sha256).read_bytes() == b"footnote"
    assert list(blobs) == [blob.sha256]


def test_an_empty_file_is_a_file(blobs: BlobStore) -> None:
    assert blobs.open_path(blobs.put([], limit=0).sha256).read_bytes() == b""


def test_one_byte_too_many_leaves_nothing(blobs: BlobStore) -> None:
    with pytest.raises(TooLarge) as caught:
        blobs.put([b"1234", b"5"], limit=4)
    assert caught.value.code == "file_too_large"
    assert _files(blobs.root) == []


def test_an_upload_that_breaks_off_leaves_nothing(blobs: BlobStore) -> None:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        blobs.put(parts(), limit=100)
    assert _files(blobs.root) == []


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EIO, "storage_failed")])
def test_a_sync_that_fails_is_never_acknowledged(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def failing(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(StorageFailed) as caught:
        blobs.put([b"footnote"], limit=100)
    assert caught.value.code == code
    assert _files(blobs.root) == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS])
def test_nothing_is_written_after_the_disk_has_failed(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Nor is anything else acknowledged by whoever shares its health: the disk may have lost more."""

    def failing(_source: Path, _target: Path) -> None:
        raise OSError(number, os.strerror(number))

    health = StorageHealth()
    with monkeypatch.context() as once:
        once.setattr(os, "replace", failing)
        with pytest.raises(StorageFailed):
            BlobStore(blobs.root, health).put([b"footnote"], limit=100)
    with pytest.raises(StorageFailed) as caught:
        health.require()
    assert caught.value.code == "storage_failed"
    assert _files(blobs.root) == []


def test_everything_is_on_the_disk_before_put_returns(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File contents, then the name it is known by, in this order."""
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def watched_sync(descriptor: int) -> None:
        steps.append(f"sync {Path(os.readlink(f'/proc/self/fd/{descriptor}')).relative_to(blobs.root)}")
        sync(descriptor)

    def watched_replace(source: Path, target: Path) -> None:
        steps.append(f"rename to {target.relative_to(blobs.root)}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_replace)
    sha256 = blobs.put([b"footnote"], limit=100).sha256
    assert steps[0].startswith("sync .incoming/")
    assert steps[1:] == ["sync .", f"rename to {sha256[:2]}/{sha256}", f"sync {sha256[:2]}"]


def test_a_young_blob_is_spared(blobs: BlobStore) -> None:
    sha256 = blobs.put([b"footnote"], limit=100).sha256
    assert not blobs.delete(sha256, older_than_seconds=60)
    os.utime(blobs.path(sha256), (time.time() - 61,) * 2)
    assert blobs.delete(sha256, older_than_seconds=60)
    assert blobs.delete(sha256, older_than_seconds=60), "gone is gone"
    with pytest.raises(NotFound) as caught:
        blobs.open_path(sha256)
    assert caught.value.code == "blob_missing"


def test_nothing_is_deleted_while_somebody_holds_the_blobs(blobs: BlobStore) -> None:
    blob = blobs.put([b"x"], limit=1)
    elsewhere = BlobStore(blobs.root)
    with elsewhere.held(), BlobStore(blobs.root).held():
        assert not blobs.delete(blob.sha256, older_than_seconds=0)
        assert blobs.put([b"y"], limit=1).size == 1, "what comes in may come in"
    assert blobs.delete(blob.sha256, older_than_seconds=0)


def test_without_files_left_it_is_busy_and_deletes_later(blobs: BlobStore) -> None:
    blob = blobs.put([b"x"], limit=1)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1, before[1]))  # what is open stays open
    try:
        assert not blobs.delete(blob.sha256, older_than_seconds=0)
        with pytest.raises(ServerBusy, match="too_many_files"), blobs.held():
            pass
        with pytest.raises(ServerBusy, match="too_many_files"):  # and the disk is not taken for a failing one
            blobs.put([b"y"], limit=1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert blobs.put([b"y"], limit=1).size == 1
    assert blobs.delete(blob.sha256, older_than_seconds=0)


def test_what_looked_old_and_was_collected_is_not_entered(blobs: BlobStore) -> None:
    blob = blobs.put([b"x"], limit=1)
    blobs.require([blob])
    os.utime(blobs.path(blob.sha256), (0, 0))  # as if the clock had been set forward
    assert blobs.delete(blob.sha256, older_than_seconds=60)
    with pytest.raises(ServerBusy, match="file_cleared_away"):
        blobs.require([blob])


def test_storing_the_same_bytes_again_makes_them_young(blobs: BlobStore) -> None:
    sha256 = blobs.put([b"footnote"], limit=100).sha256
    os.utime(blobs.path(sha256), (0, 0))
    blobs.put([b"footnote"], limit=100)
    assert not blobs.delete(sha256, older_than_seconds=60)


def test_only_old_remains_of_uploads_are_swept(blobs: BlobStore) -> None:
    young, old = blobs.root / ".incoming" / "young", blobs.root / ".incoming" / "old"
    young.write_bytes(b"x")
    old.write_bytes(b"x")
    os.utime(old, (time.time() - 3601,) * 2)
    blobs.sweep_incoming(3600)
    assert _files(blobs.root) == [young]
