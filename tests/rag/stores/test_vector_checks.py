from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select

from rag.errors import Conflict, Unavailable
from rag.stores import chunk_store
from rag.stores.tables import vectors
from rag.stores.vector_checks import require_usable
from tests.rag.stores.library import DIMENSION, SPACE, Library, unit_vectors

GOOD = unit_vectors(3)


def _spoilt(value: float) -> NDArray[np.float32]:
    rows = GOOD.copy()
    rows[1, 4] = value
    return rows


def _row(values: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = GOOD.copy()
    rows[1] = values
    return rows


BAD = {
    "NaN": _spoilt(np.nan),
    "all NaN": _row(np.full(DIMENSION, np.nan, dtype=np.float32)),
    "Inf": _spoilt(np.inf),
    "minus Inf": _spoilt(-np.inf),
    "both Inf": _row(np.array([np.inf, -np.inf] * (DIMENSION // 2), dtype=np.float32)),
    "zero": _row(np.zeros(DIMENSION, dtype=np.float32)),
    "denormal": _row(np.full(DIMENSION, 1e-42, dtype=np.float32)),
    "too long": GOOD * np.float32(3e19),
    "too short": GOOD * np.float32(0.9),
    "fewer dimensions": unit_vectors(3, dimension=DIMENSION - 1),
    "more dimensions": unit_vectors(3, dimension=DIMENSION + 1),
    "fewer rows": GOOD[:2],
    "more rows": unit_vectors(4),
    "one row flat": GOOD[0],
    "64 bits": GOOD.astype(np.float64),
    "16 bits": GOOD.astype(np.float16),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_searched_is_not_stored(library: Library, name: str) -> None:
    library.add(["one", "two", "three"])
    with library.database.write() as tx:
        other = chunk_store.open_space(tx, "other", DIMENSION)
    with library.database.read() as tx:
        before = tx.scalar(select(func.count()).select_from(vectors))
    with pytest.raises(Unavailable) as caught, library.database.write() as tx:
        chunk_store.insert_vectors(tx, other, range(1, 4), BAD[name])
    assert caught.value.code == "bad_embedding"
    with library.database.read() as tx:
        assert tx.scalar(select(func.count()).select_from(vectors)) == before == 3


def test_what_can_be_searched_is_stored(library: Library) -> None:
    library.add(["one", "two", "three"])
    with library.database.write() as tx:
        other = chunk_store.open_space(tx, "other", DIMENSION)
        chunk_store.insert_vectors(tx, other, range(1, 4), GOOD)
        ids, stored = chunk_store.vectors_between(tx, other, 1, 9)
    assert ids.tolist() == [1, 2, 3]
    assert np.array_equal(stored, GOOD)
    require_usable(GOOD[:0], 0, DIMENSION)


def test_a_space_has_one_dimension(library: Library) -> None:
    with pytest.raises(Conflict) as caught, library.database.write() as tx:
        chunk_store.open_space(tx, SPACE, DIMENSION + 1)
    assert caught.value.code == "embedding_model_changed"
