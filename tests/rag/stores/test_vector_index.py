from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.stores.scopes import Range
from rag.stores.vector_index import DamagedIndex, Tuning, VectorIndex
from tests.rag.stores.library import DIMENSION, unit_vectors

VECTORS = unit_vectors(200, seed=1)
IDS = np.arange(10, 610, 3, dtype=np.int64)


def _index() -> VectorIndex:
    index = VectorIndex(DIMENSION)
    index.add(IDS, VECTORS)
    return index


def _inverted() -> VectorIndex:
    index = VectorIndex.inverted(VECTORS, lists=12)
    index.add(IDS, VECTORS)
    return index


Make = Callable[[], VectorIndex]
FORMS = [pytest.param(_index, id="flat"), pytest.param(_inverted, id="inverted")]


_INVERTED = _inverted()


def _brute_force(query: np.ndarray, k: int, inside: np.ndarray) -> list[int]:
    scores = VECTORS @ query
    return [int(IDS[at]) for at in np.argsort(-scores, kind="stable") if inside[at]][:k]


_BOUNDS = st.integers(0, 700)
_RANGES = st.lists(st.tuples(_BOUNDS, _BOUNDS).map(lambda pair: (min(pair), max(pair))), max_size=5)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    k=st.integers(1, 250),
    ranges=st.none() | _RANGES,
)
def test_search_is_the_same_as_looking_at_every_vector(seed: int, k: int, ranges: list[Range] | None) -> None:
    query = unit_vectors(1, seed)[0]
    inside = np.full(len(IDS), ranges is None)
    for first, last in ranges or []:
        inside |= (first <= IDS) & (last >= IDS)
    found = _index().search(query, k, ranges)
    assert [one for one, _ in found] == _brute_force(query, k, inside)
    for one, score in found:
        assert score == pytest.approx(float(VECTORS[np.searchsorted(IDS, one)] @ query), abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1000), k=st.integers(1, 250), ranges=st.none() | _RANGES)
def test_an_inverted_search_keeps_to_its_scope_and_misses_nothing_it_has_to_give_all_of(
    seed: int, k: int, ranges: list[Range] | None
) -> None:
    query = unit_vectors(1, seed)[0]
    inside = np.full(len(IDS), ranges is None)
    for first, last in ranges or []:
        inside |= (first <= IDS) & (last >= IDS)
    found = _INVERTED.search(query, k, ranges)
    expected = _brute_force(query, k, inside)
    assert len({one for one, _ in found}) == len(found) <= k
    assert {one for one, _ in found} <= set(IDS[inside].tolist())
    if 4 * k >= inside.sum():
        assert len(found) == len(expected)


def test_an_inverted_index_knows_products_to_some_hundredths() -> None:
    rows = unit_vectors(2000, seed=4, dimension=128)
    rows[:, 7:] *= 0.5  # as with embeddings, some directions say more than others
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = VectorIndex.inverted(rows, lists=8)
    index.add(np.arange(2000, dtype=np.int64), rows)
    for query in rows[:20]:
        errors = [score - float(rows[one] @ query) for one, score in index.search(query, 500)]
        assert np.abs(errors).mean() < 0.03


def test_an_odd_number_of_dimensions() -> None:
    rows = unit_vectors(300, seed=4, dimension=7)
    index = VectorIndex.inverted(rows, lists=4)
    index.add(np.arange(300, dtype=np.int64), rows)
    assert {one for one, _ in index.search(rows[5], 300)} == set(range(300))


def test_what_was_removed_bends_no_score_of_what_is_added_next() -> None:
    """FAISS 1.15 mixes the codes of vectors that are added with those that were removed before."""
    gone, kept = unit_vectors(150, seed=2), unit_vectors(60, seed=3)
    changed, fresh = VectorIndex.inverted(VECTORS, lists=4), VectorIndex.inverted(VECTORS, lists=4)
    changed.add(IDS, VECTORS)
    changed.add(np.arange(1000, 1150, dtype=np.int64), gone)
    changed.remove(1000, 1149)
    changed.remove(10, 309)
    changed.add(np.arange(2000, 2060, dtype=np.int64), kept)
    fresh.add(IDS[IDS > 309], VECTORS[IDS > 309])
    fresh.add(np.arange(2000, 2060, dtype=np.int64), kept)
    for query in unit_vectors(20, seed=5):
        assert dict(changed.search(query, 160)) == pytest.approx(dict(fresh.search(query, 160)))


_STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "search"]), _BOUNDS, st.integers(0, 40)), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(steps=_STEPS, make=st.sampled_from([_index, _inverted]))
def test_any_history_leaves_what_a_dictionary_would_hold(
    steps: list[tuple[str, int, int]], make: Callable[[], VectorIndex]
) -> None:
    index, held = make(), dict(zip(IDS.tolist(), VECTORS, strict=True))
    for step, first, length in steps:
        if step == "add":
            ids = [one for one in range(first, first + length) if one not in held]
            rows = unit_vectors(len(ids), seed=first)
            index.add(np.array(ids, dtype=np.int64), rows)
            held |= dict(zip(ids, rows, strict=True))
        elif step == "remove":
            index.remove(first, first + length)
            held = {one: row for one, row in held.items() if not first <= one <= first + length}
        else:
            found = index.search(VECTORS[first % len(VECTORS)], max(1, length))
            assert {one for one, _ in found} <= set(held)
    assert index.ids() == set(held)
    assert len(index) == len(held)
    assert index.holds([0, 10, 650, 10**6]).tolist() == [one in held for one in (0, 10, 650, 10**6)]
    assert {one for one, _ in index.search(VECTORS[0], len(held) + 5)} == set(held)


def test_ranges_beyond_what_there_is_are_harmless() -> None:
    index = _index()
    assert index.search(VECTORS[0], 5, []) == []
    assert index.search(VECTORS[0], 5, [(10_000, 10_001)]) == []
    assert index.search(VECTORS[0], 5, [(0, 10**6)])[0][0] == 10
    assert index.search(VECTORS[0], 0) == []
    assert VectorIndex(DIMENSION).search(VECTORS[0], 5) == []


def test_removed_ids_are_gone_and_the_rest_stays() -> None:
    index = _index()
    index.remove(100, 399)
    index.remove(100, 399)
    kept = (IDS < 100) | (IDS > 399)
    assert len(index) == kept.sum()
    assert [one for one, _ in index.search(VECTORS[50], 999)] == _brute_force(VECTORS[50], 999, kept)
    assert set(index.vectors_of([10, 100, 11])) == {10}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_faiss_would_take_are_refused(bad: float) -> None:
    index = _index()
    rows = unit_vectors(2)
    rows[1, 3] = bad
    with pytest.raises(ValueError, match="finite"):
        index.add(np.array([1000, 1001]), rows)
    with pytest.raises(ValueError, match="finite"):
        index.search(rows[1], 5)
    assert len(index) == len(IDS)


@pytest.mark.parametrize("ids", [[13], [607], [1000, 1000], [1001, 1000], [-5], [9, 10, 13]])
def test_an_id_is_never_taken_twice(ids: list[int]) -> None:
    index = _index()
    index.remove(10, 10)
    with pytest.raises(ValueError, match=r"ids must ascend|in the index already"):
        index.add(np.array(ids, dtype=np.int64), unit_vectors(len(ids)))
    assert len(index) == len(IDS) - 1


def test_an_id_that_was_removed_may_come_back() -> None:
    index = _index()
    index.remove(10, 10)
    index.add(np.array([10]), VECTORS[3:4])
    assert {one for one, _ in index.search(VECTORS[3], 2)} == {10, int(IDS[3])}


def test_another_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        _index().add(np.array([1000]), unit_vectors(1, dimension=DIMENSION + 1))
    with pytest.raises(ValueError, match="expected a finite vector of 8"):
        _index().search(unit_vectors(1, dimension=DIMENSION + 1)[0], 3)


def test_other_number_types_are_converted() -> None:
    index = VectorIndex(DIMENSION)
    doubles = np.asfortranarray(VECTORS.astype(np.float64))
    index.add(IDS, doubles)  # type: ignore[arg-type]  # wrong on purpose
    assert index.search(doubles[7], 1)[0][0] == IDS[7]


def _read(path: Path, data: bytes, dimension: int = DIMENSION, count: int = len(IDS)) -> VectorIndex:
    path.write_bytes(data)
    return VectorIndex.read(path, dimension, count, Tuning(probes=3))


@pytest.mark.parametrize("make", FORMS)
def test_bytes_and_back(tmp_path: Path, make: Make) -> None:
    data, count = make().to_bytes()
    index = _read(tmp_path / "index", data.tobytes())
    assert (len(index), count, index.tuning.probes) == (len(IDS), len(IDS), 3)
    assert index.search(VECTORS[3], 99) == make().search(VECTORS[3], 99)
    with pytest.raises(ValueError, match="in the index already"):
        index.add(IDS[-1:], VECTORS[:1])


@pytest.mark.parametrize("cut", [0, 1, 4, 33, 100, -1])
def test_bytes_that_were_cut_off_are_damaged(tmp_path: Path, cut: int) -> None:
    with pytest.raises(DamagedIndex):
        _read(tmp_path / "index", _index().to_bytes()[0].tobytes()[:cut])


def test_another_index_than_expected_is_damaged(tmp_path: Path) -> None:
    data = _index().to_bytes()[0].tobytes()
    for dimension, count in ((DIMENSION + 1, len(IDS)), (DIMENSION, len(IDS) - 1)):
        with pytest.raises(DamagedIndex):
            _read(tmp_path / "index", data, dimension, count)


def test_searches_and_changes_at_once() -> None:
    """Every answer is one that was right at some moment: what is always there is always found."""
    index = _index()
    failures: list[object] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            for at in (0, 66, 133):
                found = index.search(VECTORS[at], 1)
                if not found or found[0][0] != IDS[at]:
                    failures.append((at, found))

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(200):
        index.add(np.array([10_000 + number]), -VECTORS[:1])
        index.remove(10_000 + number, 10_000 + number)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(index) == len(IDS)
