from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from rag.stores import index_snapshots
from rag.stores.vector_index import VectorIndex
from tests.rag.stores.library import DIMENSION, SPACE, unit_vectors

VECTORS = unit_vectors(50)


def _index(count: int = 50) -> VectorIndex:
    index = VectorIndex(DIMENSION)
    index.add(np.arange(1, count + 1, dtype=np.int64), VECTORS[:count])
    return index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    index_snapshots.save(folder, _index(), seq=7, space=SPACE)
    return folder


def test_a_snapshot_comes_back(folder: Path) -> None:
    loaded = index_snapshots.load(folder, SPACE, DIMENSION)
    assert loaded is not None
    index, seq = loaded
    assert seq == 7
    assert index.search(VECTORS[9], 5) == _index().search(VECTORS[9], 5)


def test_there_is_one_snapshot_at_a_time(folder: Path) -> None:
    (folder / "6.faiss.tmp").write_bytes(b"left behind")
    index_snapshots.save(folder, _index(20), seq=8, space=SPACE)
    assert sorted(path.name for path in folder.iterdir()) == ["8.faiss", "manifest.json"]
    loaded = index_snapshots.load(folder, SPACE, DIMENSION)
    assert loaded is not None
    assert (len(loaded[0]), loaded[1]) == (20, 8)


def test_no_flipped_bit_is_believed(folder: Path) -> None:
    path = folder / "7.faiss"
    whole = path.read_bytes()
    chance = random.Random(5)
    for position in [0, 1, 4, 8, 20, 36, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(100))]:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        assert index_snapshots.load(folder, SPACE, DIMENSION) is None, position
    path.write_bytes(whole)
    assert index_snapshots.load(folder, SPACE, DIMENSION) is not None


@pytest.mark.parametrize("name", ["7.faiss", "manifest.json"])
def test_no_file_that_was_cut_off_or_grew_is_believed(folder: Path, name: str) -> None:
    path = folder / name
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert index_snapshots.load(folder, SPACE, DIMENSION) is None, length
    path.write_bytes(whole + b"x")
    assert index_snapshots.load(folder, SPACE, DIMENSION) is None
    path.unlink()
    assert index_snapshots.load(folder, SPACE, DIMENSION) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", 49),
        ("dimension", 9),
        ("space", "another"),
        ("faiss", "0.0.1"),
        ("sha256", "0" * 64),
        ("bytes", 1),
        ("file", "../7.faiss"),
        ("file", "missing"),
        ("unknown", 1),
        ("seq", "7"),
        ("seq", 6),
    ],
)
def test_a_manifest_that_says_something_else_is_not_believed(folder: Path, field: str, value: object) -> None:
    shutil.copy(folder / "7.faiss", folder.parent / "7.faiss")
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest[field] = value
    path.write_text(json.dumps(manifest))
    assert index_snapshots.load(folder, SPACE, DIMENSION) is None


@pytest.mark.parametrize("manifest", ["", "[]", "null", "{}", "\udcff", '{"seq": 1}', "[" * 100_000])
def test_a_manifest_that_is_none_is_not_believed(folder: Path, manifest: str) -> None:
    (folder / "manifest.json").write_bytes(manifest.encode("utf-8", "surrogateescape"))
    assert index_snapshots.load(folder, SPACE, DIMENSION) is None


@pytest.mark.parametrize("space", ["other model", ""])
def test_another_space_has_no_snapshot_here(folder: Path, space: str) -> None:
    assert index_snapshots.load(folder, space, DIMENSION) is None


@pytest.mark.parametrize("failing_sync", [1, 2, 3, 4])
def test_a_save_that_fails_at_any_step_leaves_a_snapshot_that_can_be_believed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing_sync: int
) -> None:
    calls = 0
    real = os.fsync

    def failing(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing_sync:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="No space"):
        index_snapshots.save(folder, _index(20), seq=8, space=SPACE)
    loaded = index_snapshots.load(folder, SPACE, DIMENSION)
    assert loaded is not None
    assert (loaded[1], len(loaded[0])) in ((7, 50), (8, 20))
