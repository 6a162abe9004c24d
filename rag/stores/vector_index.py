"""The only door to FAISS: chunk ids and unit vectors in, ids and cosines out.

FAISS takes what would poison it (NaN, duplicate ids, other dtypes) without a word, so everything is
checked here. The index holds nothing that SQL does not hold as well.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.stores.scopes import Range

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

FAISS_VERSION: str = faiss.__version__


class DamagedIndex(Exception):
    """The bytes are not an index of the expected shape."""


class VectorIndex:
    """An exact inner-product index of vectors of ``dimension`` float32. Safe to use from many threads."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._lock = threading.Lock()
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._present = np.zeros(1024, dtype=bool)  # by id: FAISS takes an id twice without a word

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add rows ``vectors`` ``(n, dimension)``, finite, under ids that ascend and are not in the index.

        Raises ``ValueError``; nothing is added then.
        """
        if not len(ids):
            return
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        if rows.shape != (len(ids), self.dimension) or not np.isfinite(rows).all():
            raise ValueError(f"expected {len(ids)} finite rows of {self.dimension}, got shape {rows.shape}")
        with self._lock:
            if ids[0] < 0 or (np.diff(ids) <= 0).any():
                raise ValueError("ids must ascend")
            self._reach(int(ids[-1]))
            if self._present[ids].any():
                raise ValueError("an id is in the index already")
            self._index.add_with_ids(rows, ids)
            self._present[ids] = True

    def remove(self, first: int, last: int) -> None:
        """Remove the ids ``first..last``; those that are not there are ignored."""
        with self._lock:
            # Looking through the whole index for what is not there is what this saves.
            if self._present[first : last + 1].any():
                self._index.remove_ids(faiss.IDSelectorRange(first, last + 1))
                self._present[first : last + 1] = False

    def search(
        self, query: Vectors, k: int, ranges: Sequence[Range] | None = None
    ) -> list[tuple[int, float]]:
        """Up to ``k`` pairs of id and inner product, best first, among the ids in ``ranges`` (None: all).

        ``query`` is one finite vector, shape ``(dimension,)``.
        """
        row = np.ascontiguousarray(query, dtype=np.float32).reshape(1, -1)
        if row.shape[1] != self.dimension or not np.isfinite(row).all():
            raise ValueError(f"expected a finite vector of {self.dimension}")
        if ranges is not None and not ranges:
            return []
        with self._lock:
            wanted = min(k, len(self))
            if wanted < 1:
                return []
            if ranges is None:
                scores, ids = self._index.search(row, wanted)
            else:
                bitmap = _bitmap(ranges)
                selector = faiss.IDSelectorBitmap(bitmap.size, faiss.swig_ptr(bitmap))  # n counts bytes
                scores, ids = self._index.search(row, wanted, params=faiss.SearchParameters(sel=selector))  # type: ignore[call-arg]
        # FAISS pads with -1 where fewer than k ids qualify.
        return [(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]

    def ids(self) -> set[int]:
        """Every id that is in the index, as FAISS has it."""
        with self._lock:
            return set(faiss.vector_to_array(self._index.id_map).tolist())

    def vectors_of(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """The stored vectors of those ids that are in the index."""
        found = {}
        with self._lock:
            for one in ids:
                try:
                    found[one] = np.asarray(self._index.reconstruct(one), dtype=np.float32)
                except RuntimeError:
                    continue
        return found

    def to_bytes(self) -> bytes:
        with self._lock:
            return faiss.serialize_index(self._index).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, dimension: int, count: int) -> VectorIndex:
        """Raises ``DamagedIndex``. FAISS files carry no checksum: compare one before calling this."""
        try:
            loaded = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        except RuntimeError as error:
            raise DamagedIndex(str(error).splitlines()[-1]) from error
        if not isinstance(loaded, faiss.IndexIDMap2) or loaded.d != dimension or loaded.ntotal != count:
            raise DamagedIndex(f"not an id-mapped index of {count} x {dimension}")
        index = cls(dimension)
        index._index = loaded
        ids = faiss.vector_to_array(loaded.id_map)
        if len(ids):
            index._reach(int(ids.max()))
            index._present[ids] = True
        return index

    def _reach(self, largest_id: int) -> None:
        if largest_id >= len(self._present):
            room = np.zeros(max(largest_id + 1, 2 * len(self._present)), dtype=bool)
            room[: len(self._present)] = self._present
            self._present = room


def _bitmap(ranges: Sequence[Range]) -> NDArray[np.uint8]:
    """One bit an id, least significant first, set for the ids in ``ranges``."""
    flags = np.zeros(max(last for _, last in ranges) + 1, dtype=bool)
    for first, last in ranges:
        flags[first : last + 1] = True
    return np.packbits(flags, bitorder="little")
