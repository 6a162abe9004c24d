from __future__ import annotations

import numpy as np
import pytest

from rag.errors import Unavailable
from rag.records import DocumentState
from rag.stores import chunk_store, refinement
from rag.stores.refinement import Unrefined
from tests.rag.stores.library import DIMENSION, Library, unit_vectors

TEACHER_DIMENSION = DIMENSION * 2


@pytest.fixture
def teacher(library: Library) -> int:
    with library.database.write() as tx:
        return chunk_store.open_space(tx, "teacher", TEACHER_DIMENSION)


def _next(library: Library) -> Unrefined:
    with library.database.read() as tx:
        batch = refinement.next_unrefined(tx, 2)
    assert batch is not None
    return batch


def _refine(library: Library, batch: Unrefined, teacher: int) -> DocumentState | None:
    vectors = unit_vectors(len(batch.texts), seed=7, dimension=TEACHER_DIMENSION)
    with library.database.write() as tx:
        return refinement.refine(tx, batch, vectors, student_space=library.space_id, teacher_space=teacher)


def _held(library: Library, space: int) -> list[int]:
    with library.database.read() as tx:
        ids, _ = chunk_store.vectors_between(tx, space, 0, 1000)
    return [int(one) for one in ids]


def test_a_document_is_refined_piece_by_piece_and_every_chunk_has_one_vector(
    library: Library, teacher: int
) -> None:
    document = library.add(["one", "two", "three"])
    batch = _next(library)
    assert batch.texts == [("context", "one"), ("context", "two")]
    assert _refine(library, batch, teacher) is DocumentState.READY
    assert (_held(library, library.space_id), _held(library, teacher)) == ([3], [1, 2])
    assert library.document(document.public_id).newest.refined_chunks == 2
    assert _refine(library, _next(library), teacher) is DocumentState.REFINED
    assert (_held(library, library.space_id), _held(library, teacher)) == ([], [1, 2, 3])
    assert library.document(document.public_id).newest.state is DocumentState.REFINED
    with library.database.read() as tx:
        assert refinement.next_unrefined(tx, 2) is None


def test_the_oldest_is_refined_first(library: Library) -> None:
    first, _ = library.add(["one"], "a.txt"), library.add(["two"], "b.txt")
    assert _next(library).version_id == first.newest.id


def test_two_workers_do_not_do_it_twice(library: Library, teacher: int) -> None:
    library.add(["one", "two", "three"])
    batch = _next(library)
    assert _refine(library, batch, teacher) is DocumentState.READY
    assert _refine(library, batch, teacher) is None
    assert _held(library, teacher) == [1, 2]


@pytest.mark.parametrize("event", ["deleted", "replaced"])
def test_what_is_no_longer_searched_meanwhile_is_let_go(library: Library, teacher: int, event: str) -> None:
    document = library.add(["one", "two"])
    batch = _next(library)
    if event == "deleted":
        library.remove(document)
    else:
        library.accept(b"new", replacing=document)
        library.publish(library.claim(), ["another"])
    assert _refine(library, batch, teacher) is None
    assert _held(library, teacher) == []


def test_vectors_that_cannot_be_searched_change_nothing(library: Library, teacher: int) -> None:
    library.add(["one", "two"])
    batch = _next(library)
    broken = np.full((2, TEACHER_DIMENSION), np.nan, dtype=np.float32)
    with pytest.raises(Unavailable), library.database.write() as tx:
        refinement.refine(tx, batch, broken, student_space=library.space_id, teacher_space=teacher)
    assert _held(library, library.space_id) == [1, 2]
