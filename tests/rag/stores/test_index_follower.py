from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from rag.stores import index_snapshots
from rag.stores.index_follower import IndexFollower
from rag.stores.tables import vectors
from tests.rag.stores.library import DIMENSION, SPACE, Library, unit_vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def _follower(library: Library, folder: Path, space: str = SPACE) -> IndexFollower:
    return IndexFollower(folder, library.space_id, space, DIMENSION)


def _assert_is_what_sql_holds(library: Library, follower: IndexFollower) -> None:
    with library.database.read() as tx:
        index = follower.current(tx)
        rows = tx.execute(select(vectors.c.chunk_id, vectors.c.vector)).all()
        stored = {row.chunk_id: np.frombuffer(row.vector, dtype="<f4") for row in rows}
    assert len(index) == len(stored)
    held = index.vectors_of(list(stored))
    assert all(np.array_equal(held[one], vector) for one, vector in stored.items())
    if stored:
        query = unit_vectors(1, seed=99)[0]
        expected = sorted(stored, key=lambda one: -float(stored[one] @ query))
        assert [one for one, _ in index.search(query, 5)] == expected[:5]


def test_it_follows_what_comes_and_goes(library: Library, folder: Path) -> None:
    follower = _follower(library, folder)
    _assert_is_what_sql_holds(library, follower)
    first = library.add(["a", "b", "c"], "first.txt")
    _assert_is_what_sql_holds(library, follower)
    library.add(["d"], "second.txt")
    library.remove(first)
    library.remove(library.add(["e", "f"], "third.txt"))
    _assert_is_what_sql_holds(library, follower)
    assert follower.rebuilds == 1, "only the first time, when there was no snapshot"


def test_a_restart_replays_from_the_snapshot(library: Library, folder: Path) -> None:
    first = library.add(["a", "b", "c"], "first.txt")
    before = _follower(library, folder)
    _assert_is_what_sql_holds(library, before)
    before.save()
    library.remove(first)
    library.add(["d", "e"], "second.txt")
    after = _follower(library, folder)
    _assert_is_what_sql_holds(library, after)
    assert after.rebuilds == 0


def test_nothing_new_is_not_written_again(library: Library, folder: Path) -> None:
    follower = _follower(library, folder)
    follower.save()
    assert not folder.exists(), "nothing was read yet"
    library.add(["a"])
    _assert_is_what_sql_holds(library, follower)
    follower.save()
    manifest = folder / "manifest.json"
    written = manifest.stat().st_mtime_ns
    follower.save()
    assert manifest.stat().st_mtime_ns == written


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove folder", "remove manifest"])
def test_a_damaged_snapshot_is_rebuilt_from_sql(library: Library, folder: Path, damage: str) -> None:
    library.add(["a", "b", "c"])
    before = _follower(library, folder)
    _assert_is_what_sql_holds(library, before)
    before.save()
    data = next(folder.glob("*.faiss"))
    whole = data.read_bytes()
    if damage == "flip":
        data.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
    elif damage == "truncate":
        data.write_bytes(whole[:-10])
    elif damage == "empty":
        data.write_bytes(b"")
    elif damage == "remove folder":
        shutil.rmtree(folder)
    else:
        (folder / "manifest.json").unlink()
    after = _follower(library, folder)
    _assert_is_what_sql_holds(library, after)
    assert after.rebuilds == 1


def test_a_snapshot_of_another_space_is_not_used(library: Library, folder: Path) -> None:
    library.add(["a", "b"])
    before = _follower(library, folder)
    _assert_is_what_sql_holds(library, before)
    before.save()
    other = _follower(library, folder, space="another model")
    _assert_is_what_sql_holds(library, other)
    assert other.rebuilds == 1


def test_a_snapshot_ahead_of_the_database_is_not_used(library: Library, folder: Path) -> None:
    """The database was restored from a backup and the index folder was not."""
    library.add(["a", "b"])
    ahead = _follower(library, folder)
    with library.database.read() as tx:
        index = ahead.current(tx)
    index.remove(1, 2)
    index.add(np.array([3, 4], dtype=np.int64), unit_vectors(2))
    index_snapshots.save(folder, index, seq=40, space=SPACE)
    after = _follower(library, folder)
    _assert_is_what_sql_holds(library, after)
    assert after.rebuilds == 1


def test_a_snapshot_of_another_history_is_not_used(library: Library, folder: Path) -> None:
    """Restored from a backup, then written to: the change log has caught up, with other changes."""
    library.add(["a", "b"])
    foreign = _follower(library, folder)
    with library.database.read() as tx:
        index = foreign.current(tx)
    index.add(np.array([3, 4, 5], dtype=np.int64), unit_vectors(3))
    index_snapshots.save(folder, index, seq=2, space=SPACE)
    library.add(["c"], "second.txt")
    library.add(["d"], "third.txt")
    after = _follower(library, folder)
    _assert_is_what_sql_holds(library, after)


def test_a_full_disk_costs_the_snapshot_and_nothing_else(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    library.add(["a"])
    follower = _follower(library, folder)
    _assert_is_what_sql_holds(library, follower)
    monkeypatch.setattr(index_snapshots, "save", failing)
    follower.save()
    monkeypatch.undo()
    follower.save()
    assert index_snapshots.load(folder, SPACE, DIMENSION) is not None


def test_an_older_snapshot_of_the_database_gets_an_index_that_holds_at_least_its_own(
    library: Library, folder: Path
) -> None:
    follower = _follower(library, folder)
    library.add(["a"])
    with library.database.read() as early:
        assert len(follower.current(early)) == 1
        library.add(["b"], "second.txt")
        with library.database.read() as late:
            assert len(follower.current(late)) == 2
        assert len(follower.current(early)) == 2
