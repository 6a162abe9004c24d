"""The only door to FAISS: chunk ids and unit vectors in, ids and cosines out.

An index has one of two forms. ``FLAT`` holds float32 vectors and looks at every one of them. ``INVERTED``
holds a byte a dimension, in lists around centroids that were trained on the vectors themselves, and looks
at the lists nearest to the question (IVF with scalar quantization; Jégou, Douze and Schmid, Product
quantization for nearest neighbor search, TPAMI 33(1), 2011): its scores are near the exact ones, and whoever
wants those computes them from the vectors in SQL.

FAISS takes what would poison it (NaN, duplicate ids, other dtypes) without a word, so everything is
checked here. The index holds nothing that SQL does not hold as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.stores.scopes import Range
from rag.stores.sharing import SharedLock

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

FAISS_VERSION: str = faiss.__version__

_TRAINING_ROUNDS = 8
_SPARE = 4
"""How many more vectors than asked for the lists that are looked at should hold inside the scope."""


class Form(StrEnum):
    FLAT = "flat"
    INVERTED = "inverted"


@dataclass(frozen=True, slots=True)
class Tuning:
    """How an inverted index was set: the lists a search of everything looks at, on how many vectors it was
    trained and tuned, and the recall@10 against exact search that was measured on some of them then."""

    probes: int = 1
    trained_on: int = 0
    recall: float | None = None


class DamagedIndex(Exception):
    """The bytes are not an index of the expected shape."""


@contextmanager
def one_thread() -> Iterator[None]:
    """What the calling thread has FAISS do inside the block takes one core."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # of the calling thread alone
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


class VectorIndex:
    """An inner-product index of vectors of ``dimension`` float32. Safe to use from many threads.

    ``VectorIndex(dimension)`` is flat and empty, ``VectorIndex.inverted(...)`` inverted and empty.
    """

    def __init__(self, dimension: int, inverted: faiss.IndexIVF | None = None) -> None:
        self.dimension = dimension
        self.tuning = Tuning()
        self._lock = SharedLock()
        self._index: faiss.Index = inverted or faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._present = np.zeros(1024, dtype=bool)  # by id: FAISS takes an id twice without a word

    @classmethod
    def inverted(cls, training: Vectors, lists: int) -> Self:
        """An empty index with ``lists`` lists around the centroids of ``training``, finite rows
        ``(n, dimension)``, ``n >= lists``."""
        rows = np.ascontiguousarray(training, dtype=np.float32)
        dimension = rows.shape[1]
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dimension),
            dimension,
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_INNER_PRODUCT,
        )
        index.cp.niter = _TRAINING_ROUNDS
        index.cp.spherical = True
        index.cp.min_points_per_centroid = 1  # fewer only make it warn on standard error
        index.train(rows)
        return cls(dimension, index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def form(self) -> Form:
        return Form.INVERTED if isinstance(self._index, faiss.IndexIVF) else Form.FLAT

    @property
    def lists(self) -> int:
        """How many lists an inverted index has; 1 of a flat one."""
        return int(self._index.nlist) if isinstance(self._index, faiss.IndexIVF) else 1

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add rows ``vectors`` ``(n, dimension)``, finite, under ids that ascend and are not in the index.

        Raises ``ValueError``; nothing is added then.
        """
        if not len(ids):
            return
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        if rows.shape != (len(ids), self.dimension) or not np.isfinite(rows).all():
            raise ValueError(f"expected {len(ids)} finite rows of {self.dimension}, got shape {rows.shape}")
        with self._lock.alone():
            if ids[0] < 0 or (np.diff(ids) <= 0).any():
                raise ValueError("ids must ascend")
            self._reach(int(ids[-1]))
            if self._present[ids].any():
                raise ValueError("an id is in the index already")
            self._index.add_with_ids(rows, ids)
            self._present[ids] = True

    def remove(self, first: int, last: int) -> None:
        """Remove the ids ``first..last``; those that are not there are ignored."""
        with self._lock.alone():
            # Looking through the whole index for what is not there is what this saves.
            if self._present[first : last + 1].any():
                self._index.remove_ids(faiss.IDSelectorRange(first, last + 1))
                self._present[first : last + 1] = False

    def search(
        self, query: Vectors, k: int, ranges: Sequence[Range] | None = None
    ) -> list[tuple[int, float]]:
        """Up to ``k`` pairs of id and inner product, best first, among the ids in ``ranges`` (None: all).

        ``query`` is one finite vector, shape ``(dimension,)``. An inverted index may miss some and knows
        the products to about a hundredth, unless it is asked for a quarter of all there is or more.
        """
        row = np.ascontiguousarray(query, dtype=np.float32).reshape(1, -1)
        if row.shape[1] != self.dimension or not np.isfinite(row).all():
            raise ValueError(f"expected a finite vector of {self.dimension}")
        if ranges is not None and not ranges:
            return []
        with self._lock.shared():
            inside, bitmap = len(self), None
            if ranges is not None:
                flags = self._inside(ranges)
                inside, bitmap = int(np.count_nonzero(flags)), np.packbits(flags, bitorder="little")
            wanted = min(k, inside)
            if wanted < 1:
                return []
            parameters = self._parameters(wanted, inside, bitmap)
            with one_thread():  # a team of threads costs a busy machine more than one question is worth
                scores, ids = self._index.search(row, wanted, params=parameters)
        # FAISS pads with -1 where fewer than k ids qualify.
        return [(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]

    def holds(self, ids: Sequence[int]) -> NDArray[np.bool_]:
        """Which of the ids are in the index, as it was told."""
        wanted = np.asarray(ids, dtype=np.int64)
        with self._lock.shared():
            known = wanted < len(self._present)
            known[known] = self._present[wanted[known]]
        return known

    def ids(self) -> set[int]:
        """Every id that is in the index, as FAISS has it."""
        with self._lock.shared():
            return set(self._ids().tolist())

    def vectors_of(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """The stored vectors of those ids that are in a flat index. An inverted one has none to give."""
        found: dict[int, Vectors] = {}
        if self.form is Form.INVERTED:
            return found
        with self._lock.shared():
            for one in ids:
                try:
                    found[one] = np.asarray(self._index.reconstruct(one), dtype=np.float32)
                except RuntimeError:
                    continue
        return found

    def to_bytes(self) -> tuple[memoryview, int]:
        """The index as FAISS writes it to files, and how many vectors are in it."""
        with self._lock.shared():
            return faiss.serialize_index(self._index).data, len(self)

    @classmethod
    def read(cls, path: Path, dimension: int, count: int, tuning: Tuning) -> Self:
        """The index in a file. Raises ``DamagedIndex``, and ``OSError`` for a file that cannot be read.

        FAISS files carry no checksum: compare one before calling this.
        """
        path.stat()
        try:
            loaded = faiss.read_index(str(path))
        except RuntimeError as error:
            raise DamagedIndex(str(error).splitlines()[-1]) from error
        if not isinstance(loaded, faiss.IndexIDMap2 | faiss.IndexIVFScalarQuantizer):
            raise DamagedIndex("not an index of either form")
        if loaded.d != dimension or loaded.ntotal != count:
            raise DamagedIndex(f"not an index of {count} x {dimension}")
        index = cls(dimension)
        index._index, index.tuning = loaded, tuning
        ids = index._ids()
        if len(ids):
            index._reach(int(ids.max()))
            index._present[ids] = True
        return index

    def _parameters(
        self, wanted: int, inside: int, bitmap: NDArray[np.uint8] | None
    ) -> faiss.SearchParameters | None:
        selector = None
        if bitmap is not None:
            selector = faiss.IDSelectorBitmap(bitmap.size, faiss.swig_ptr(bitmap))  # n counts bytes
        # FAISS's types do not know the arguments that its wrappers take.
        if self.form is Form.INVERTED:
            probes = self._probes(wanted, inside)
            return faiss.SearchParametersIVF(sel=selector, nprobe=probes)  # type: ignore[call-arg]
        return None if selector is None else faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]

    def _probes(self, wanted: int, inside: int) -> int:
        """Lists to look at. In a part of everything the nearest are further away, spread over more lists."""
        usual = self.tuning.probes * len(self) / inside
        enough = _SPARE * wanted * self.lists / inside
        return min(self.lists, math.ceil(max(usual, enough)))

    def _inside(self, ranges: Sequence[Range]) -> NDArray[np.bool_]:
        """By id, whether it is in the index and in ``ranges``."""
        flags = np.zeros(len(self._present), dtype=bool)
        for first, last in ranges:
            flags[first : last + 1] = True
        flags &= self._present
        return flags

    def _ids(self) -> Ids:
        if not isinstance(self._index, faiss.IndexIVF):
            mapped: Ids = faiss.vector_to_array(self._index.id_map)  # type: ignore[attr-defined]
            return mapped
        lists: Any = self._index.invlists
        held = [
            faiss.rev_swig_ptr(lists.get_ids(at), lists.list_size(at)).copy()
            for at in range(self.lists)
            if lists.list_size(at)
        ]
        return np.concatenate(held) if held else np.empty(0, dtype=np.int64)

    def _reach(self, largest_id: int) -> None:
        if largest_id >= len(self._present):
            room = np.zeros(max(largest_id + 1, 2 * len(self._present)), dtype=bool)
            room[: len(self._present)] = self._present
            self._present = room
