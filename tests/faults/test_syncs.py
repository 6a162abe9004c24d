"""What is promised has been synced, in the right order: no kill can show that, only a power cut could."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from rag.stores import index_snapshots
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.receipt_journal import ReceiptJournal
from rag.stores.vector_index import VectorIndex

_FULL = 2


class Syncs:
    """What this process syncs and renames, in order: ``("sync", inode)`` and ``("rename", inode)``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[str, int]] = []
        fsync, replace = os.fsync, os.replace

        def see_sync(descriptor: int) -> None:
            self.seen.append(("sync", os.fstat(descriptor).st_ino))
            fsync(descriptor)

        def see_rename(source: Path, target: Path) -> None:
            self.seen.append(("rename", os.stat(source).st_ino))
            replace(source, target)

        monkeypatch.setattr(os, "fsync", see_sync)
        monkeypatch.setattr(os, "replace", see_rename)

    def assert_durable(self, path: Path) -> None:
        """Synced under another name, renamed, and its folder synced after that."""
        file, folder = path.stat().st_ino, path.parent.stat().st_ino
        renamed = self.seen.index(("rename", file))
        assert ("sync", file) in self.seen[:renamed]
        assert ("sync", folder) in self.seen[renamed:]


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    return Syncs(monkeypatch)


def test_a_stored_file_is_durable_with_the_folders_that_lead_to_it(tmp_path: Path, syncs: Syncs) -> None:
    store = BlobStore(tmp_path / "blobs")
    path = store.path(store.put([b"foot", b"note"], 100).sha256)
    syncs.assert_durable(path)
    root = ("sync", store.root.stat().st_ino)
    assert root in syncs.seen[: syncs.seen.index(("rename", path.stat().st_ino))]


def test_a_folder_that_somebody_else_made_is_synced_all_the_same(tmp_path: Path, syncs: Syncs) -> None:
    store = BlobStore(tmp_path / "blobs")
    (store.root / "a0").mkdir()
    names = (store.put([str(number).encode()], 100).sha256 for number in range(2000))
    next(name for name in names if name.startswith("a0"))
    folders_made = len([path for path in store.root.iterdir() if len(path.name) == 2])
    assert syncs.seen.count(("sync", store.root.stat().st_ino)) == folders_made


def test_an_index_snapshot_and_its_manifest_are_durable(tmp_path: Path, syncs: Syncs) -> None:
    index = VectorIndex(4)
    index.add(np.array([1]), np.eye(1, 4, dtype=np.float32))
    manifest = index_snapshots.save(tmp_path / "index", index, 7, "space")
    syncs.assert_durable(tmp_path / "index" / manifest.file)
    syncs.assert_durable(tmp_path / "index" / "manifest.json")


def test_a_receipt_that_waits_is_durable(tmp_path: Path, syncs: Syncs) -> None:
    path = tmp_path / "receipts.journal"
    ReceiptJournal(path).append({"id": "ans_1"})
    assert syncs.seen == [("sync", path.stat().st_ino), ("sync", tmp_path.stat().st_ino)]


@pytest.mark.parametrize("way", [Database.write, Database.migrating])
def test_a_commit_is_synced(tmp_path: Path, way: Callable[..., object]) -> None:
    database = Database(tmp_path / "a.db")
    with way(database) as tx:  # type: ignore[attr-defined]  # a context manager, whichever of the two
        assert tx.scalar(text("PRAGMA synchronous")) == _FULL
        assert tx.scalar(text("PRAGMA journal_mode")) == "wal"
    database.close()
