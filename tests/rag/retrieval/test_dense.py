from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.retrieval.dense import DenseSearch, VectorSpace
from rag.stores import chunk_store, refinement, schema
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from tests.rag.stores.library import DIMENSION, SPACE, Library, unit_vectors

WIDE = 16


class _Fixed:
    """Embeds every question as the same vector, and counts how often it is asked."""

    def __init__(self, vector: NDArray[np.float32]) -> None:
        self.vector = vector
        self.asked = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += 1
        return np.stack([self.vector for _ in texts])


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    database = Database(tmp_path / "footnote.db")
    schema.upgrade(database)
    yield Library(database, BlobStore(tmp_path / "blobs"))
    database.close()


@pytest.fixture
def wide(library: Library) -> int:
    with library.database.write() as tx:
        return chunk_store.open_space(tx, "wide", WIDE)


def _dense(library: Library, wide: int, folder: Path) -> tuple[DenseSearch, _Fixed, _Fixed]:
    """The wide space is the reference; the library's own counts half of its cosine and a tenth."""
    reference, student = _Fixed(unit_vectors(1, 1, WIDE)[0]), _Fixed(unit_vectors(1, 2)[0])
    spaces = [
        VectorSpace(IndexFollower(folder / "wide", wide, "wide", WIDE), reference),
        VectorSpace(
            IndexFollower(folder / "own", library.space_id, SPACE, DIMENSION),
            student,
            lambda cosines: 0.5 * cosines + np.float32(0.1),
        ),
    ]
    return DenseSearch(spaces), reference, student


def _refine_two(library: Library, wide: int) -> None:
    with library.database.write() as tx:
        batch = refinement.next_unrefined(tx, 2)
        assert batch is not None
        vectors = unit_vectors(2, 5, WIDE)
        refinement.refine(tx, batch, vectors, student_space=library.space_id, teacher_space=wide)


def test_every_chunk_is_found_in_the_space_it_is_in_and_on_one_scale(
    library: Library, wide: int, tmp_path: Path
) -> None:
    library.add(["one", "two", "three", "four"])
    _refine_two(library, wide)
    dense, reference, student = _dense(library, wide, tmp_path)
    with library.database.read() as tx:
        view = dense.view(tx, dense.embed("question"))
        found = view.search(10, None)
        exact = view.nearest(0, [], [1, 4, 99])
        assert view.search(10, [(2, 3)]).keys() == {2, 3}
    refined = unit_vectors(2, 5, WIDE) @ reference.vector
    own = 0.5 * (unit_vectors(4, 1) @ student.vector)[2:] + 0.1
    assert len(view) == 4
    assert found == pytest.approx(dict(zip([1, 2, 3, 4], [*refined, *own], strict=True)), abs=1e-6)
    assert exact == pytest.approx({1: found[1], 4: found[4]}, abs=1e-6)
    assert view.vector is reference.vector or (view.vector == reference.vector).all()


def test_nothing_is_counted_twice_while_a_document_is_refined(
    library: Library, wide: int, tmp_path: Path
) -> None:
    library.add(["one", "two", "three", "four"])
    dense, _, _ = _dense(library, wide, tmp_path)
    embedded = dense.embed("question")
    for refined in (0, 2, 4):
        with library.database.read() as tx:
            view = dense.view(tx, embedded)
            assert view.search(10, None).keys() == {1, 2, 3, 4}, refined
            assert len(view) == 4
        if refined < 4:
            _refine_two(library, wide)


def test_a_question_is_embedded_once(library: Library, wide: int, tmp_path: Path) -> None:
    dense, reference, student = _dense(library, wide, tmp_path)
    for _ in range(3):
        dense.embed("question")
    dense.embed("another")
    assert (reference.asked, student.asked) == (2, 2)
