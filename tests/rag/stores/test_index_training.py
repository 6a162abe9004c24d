from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.stores import chunk_store, index_snapshots, index_training
from rag.stores.index_follower import IndexFollower
from rag.stores.index_view import IndexView
from rag.stores.vector_index import Form, Tuning, VectorIndex
from tests.rag.stores.library import DIMENSION, SPACE, Library, unit_vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_training, "LARGE", 200)
    monkeypatch.setattr(index_training, "CANDIDATES", 60)  # eight dimensions are known by sixteen bits


def _add(library: Library, count: int, name: str) -> None:
    library.add([f"{name} {number}" for number in range(count)], f"{name}.txt")


def _follower(library: Library, folder: Path) -> IndexFollower:
    return IndexFollower(folder, library.space_id, SPACE, DIMENSION)


def _grown(library: Library, follower: IndexFollower) -> VectorIndex:
    follower.grow(library.database)
    if follower._training is not None:
        follower._training.join(60)
    with library.database.read() as tx:
        return follower.current(tx)


def _exact(library: Library, follower: IndexFollower, share: float) -> None:
    """What a search finds is what comparing with every vector of SQL finds, and its scores are exact."""
    hits = total = 0
    with library.database.read() as tx:
        view = follower.view(tx)
        flat = VectorIndex(DIMENSION)
        for ids, rows in index_training._batches(library.database, library.space_id, 10_000):
            flat.add(ids, rows)
        for query in unit_vectors(40, seed=77):
            expected = dict(flat.search(query, 10))
            found = view.nearest(tx, query, view.candidates(query, 10, None), 10)
            assert len(found) == len(expected)
            assert all(
                found[one] == pytest.approx(expected[one], abs=1e-5) for one in found if one in expected
            )
            hits += len(found.keys() & expected.keys())
            total += len(expected)
    assert hits >= share * total


def test_a_large_index_is_exchanged_for_an_inverted_one(library: Library, folder: Path) -> None:
    _add(library, 150, "small")
    follower = _follower(library, folder)
    with library.database.read() as tx:
        assert follower.current(tx).form is Form.FLAT
    assert _grown(library, follower).form is Form.FLAT
    _add(library, 250, "more")
    with library.database.read() as tx:
        follower.current(tx)
    index = _grown(library, follower)
    assert index.form is Form.INVERTED
    assert len(index) == 400
    _exact(library, follower, 0.95)
    with library.database.read() as tx:
        standing = follower.standing(tx)
    assert standing.form is Form.INVERTED
    assert standing.recall is not None
    assert standing.recall >= index_training.RECALL
    assert index.tuning.trained_on == 400


def test_few_of_an_inverted_index_are_all_compared(library: Library, folder: Path) -> None:
    gone = library.add([f"gone {number}" for number in range(20)], "gone.txt")
    _add(library, 400, "there")
    library.remove(gone)
    follower = _follower(library, folder)
    with library.database.read() as tx:
        follower.current(tx)
    assert _grown(library, follower).form is Form.INVERTED
    scope = [(11, 30), (101, 180), (900, 950)]
    with library.database.read() as tx:
        view = follower.view(tx)
        held = [chunk_store.vectors_between(tx, library.space_id, *one) for one in scope[:2]]
        ids, rows = (np.concatenate(column) for column in zip(*held, strict=True))
        assert len(ids) == 90
        for query in unit_vectors(5, seed=3):
            expected = ids[np.argsort(-(rows @ query))[:20]].tolist()
            found = view.nearest(tx, query, view.candidates(query, 20, scope), 20)
            assert sorted(found, key=lambda one: -found[one]) == expected


def test_an_inverted_index_follows_and_comes_back_from_its_snapshot(library: Library, folder: Path) -> None:
    first = library.add([f"first {number}" for number in range(120)], "first.txt")
    _add(library, 200, "second")
    follower = _follower(library, folder)
    with library.database.read() as tx:
        follower.current(tx)
    recall = _grown(library, follower).tuning
    library.remove(first)
    _add(library, 30, "third")
    _exact(library, follower, 0.9)
    follower.save()
    assert next(folder.glob("*.faiss")).name.endswith("inverted.faiss")
    again = _follower(library, folder)
    _add(library, 10, "fourth")
    _exact(library, again, 0.9)
    assert again.rebuilds == 0
    with library.database.read() as tx:
        index = again.current(tx)
    assert (index.form, index.tuning, len(index)) == (Form.INVERTED, recall, 240)


def test_it_is_tried_again_when_the_library_has_grown(library: Library, folder: Path) -> None:
    _add(library, 210, "first")
    follower = _follower(library, folder)
    with library.database.read() as tx:
        follower.current(tx)
    before = _grown(library, follower)
    assert (before.tuning.trained_on, before.tuning.measured_on) == (210, 210)
    _add(library, 90, "second")
    assert _grown(library, follower).tuning.measured_on == 210
    _add(library, 60, "third")
    _grown(library, follower)
    after = _grown(library, follower)
    assert after is before
    assert (after.tuning.trained_on, after.tuning.measured_on) == (210, 360)
    assert after.tuning.recall is not None
    follower.save()
    loaded = index_snapshots.load(folder, SPACE, DIMENSION)
    assert loaded is not None
    assert loaded[0].tuning == after.tuning


def test_fewer_lists_than_are_needed_are_noticed(library: Library) -> None:
    _add(library, 400, "a")
    index, _ = index_training.train(library.database, library.space_id, DIMENSION)
    well = index.tuning
    index.tuning = Tuning(1, well.trained_on, 1.0, 100)
    assert index_training.measure(library.database, library.space_id, index) == well


def test_it_is_made_anew_when_it_has_outgrown_its_lists(library: Library, folder: Path) -> None:
    _add(library, 210, "first")
    follower = _follower(library, folder)
    with library.database.read() as tx:
        follower.current(tx)
    _grown(library, follower)
    _add(library, 500, "second")
    assert _grown(library, follower).tuning.trained_on == 210
    _add(library, 200, "third")
    _grown(library, follower)
    assert _grown(library, follower).tuning.trained_on == 910


def test_what_comes_while_it_is_made_is_neither_lost_nor_there_twice(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_training, "_BATCH", 50)
    gone = library.add([f"gone {number}" for number in range(100)], "gone.txt")
    _add(library, 200, "stays")
    follower = _follower(library, folder)
    with library.database.read() as tx:
        follower.current(tx)
    met = threading.Event()
    changed = threading.Event()
    real = VectorIndex.add

    def slowly(index: VectorIndex, ids: np.ndarray, rows: np.ndarray) -> None:
        real(index, ids, rows)
        if index.form is Form.INVERTED and not met.is_set():
            met.set()
            assert changed.wait(30)

    monkeypatch.setattr(VectorIndex, "add", slowly)
    follower.grow(library.database)
    assert met.wait(30)
    library.remove(gone)
    _add(library, 60, "later")
    with library.database.read() as tx:
        searched = follower.current(tx)
    assert (searched.form, len(searched)) == (Form.FLAT, 260), "searched as before meanwhile"
    changed.set()
    assert follower._training is not None
    follower._training.join(60)
    with library.database.read() as tx:
        index = follower.current(tx)
        stored = {int(one) for ids, _ in index_training._batches(library.database, 1, 10_000) for one in ids}
    assert index.form is Form.INVERTED
    assert index.ids() == stored
    assert len(index) == 260
    _exact(library, follower, 0.95)


def test_it_is_tuned_on_questions_made_of_its_passages(library: Library, folder: Path) -> None:
    texts = [" ".join(f"w{number}x{at}" for at in range(20)) for number in range(220)]
    library.add(texts, "a.txt")
    asked: list[str] = []

    def ask(questions: Sequence[str]) -> np.ndarray:
        asked.extend(questions)
        return unit_vectors(len(questions), seed=5)

    index, _ = index_training.train(library.database, library.space_id, DIMENSION, ask)
    assert len(asked) == len(texts)
    assert all(6 <= len(one.split()) <= 12 and any(one in text for text in texts) for one in asked)
    assert index.tuning.recall is not None
    assert index.tuning.recall >= index_training.RECALL


def test_exact_scores_are_of_this_space_alone(library: Library) -> None:
    _add(library, 40, "a")
    index = VectorIndex.inverted(unit_vectors(64), 4)
    index.add(np.arange(1, 11, dtype=np.int64), unit_vectors(10))
    view = IndexView(index, library.space_id)
    with library.database.read() as tx:
        assert sorted(view.scores_of(tx, unit_vectors(1)[0], [3, 7, 20, 99])) == [3, 7]
