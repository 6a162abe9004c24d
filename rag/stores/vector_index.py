"""The only door to FAISS: chunk ids and unit vectors in, ids and cosines out.

An index has one of two forms. ``FLAT`` holds float32 vectors and looks at every one of them. ``INVERTED``
holds two bits a dimension, in lists around centroids that were trained on the vectors themselves, and looks
at the lists nearest to the question (IVF with product quantization; Jégou, Douze and Schmid, Product
quantization for nearest neighbor search, TPAMI 33(1), 2011), where it compares with 32 vectors at a time
from tables in registers (André, Kermarrec and Le Scouarnec, Cache locality is not enough, VLDB 2015): its
scores are near the exact ones, and whoever wants those computes them from the vectors in SQL.

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
from typing import Any, Self, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.stores.scopes import Range
from rag.stores.sharing import SharedLock

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

FAISS_VERSION: str = faiss.__version__

_TRAINING_ROUNDS = 8
_BITS = 4
"""Of each pair of dimensions."""
_SPARE = 4
"""How many more vectors than asked for the lists that are looked at should hold inside the scope."""


class Form(StrEnum):
    FLAT = "flat"
    INVERTED = "inverted"


@dataclass(frozen=True, slots=True)
class Tuning:
    """How an inverted index was set: the lists a search of everything looks at, on how many vectors it was
    trained, the recall@10 against exact search that was measured last, and among how many vectors."""

    probes: int = 1
    trained_on: int = 0
    recall: float | None = None
    measured_on: int = 0


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

    def __init__(self, dimension: int, inverted: faiss.IndexPreTransform | None = None) -> None:
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
        turned = _pairing_rotation(rows)
        width = turned.d_out
        lists_of_codes = faiss.IndexIVFPQFastScan(
            faiss.IndexFlatIP(width), width, lists, width // 2, _BITS, faiss.METRIC_INNER_PRODUCT
        )
        lists_of_codes.cp.niter = _TRAINING_ROUNDS
        lists_of_codes.cp.spherical = True
        for clustering in (lists_of_codes.cp, lists_of_codes.pq.cp):
            clustering.min_points_per_centroid = 1  # fewer only make it warn on standard error
        index = faiss.IndexPreTransform(turned, lists_of_codes)
        index.train(rows)
        return cls(rows.shape[1], index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def form(self) -> Form:
        return Form.INVERTED if isinstance(self._index, faiss.IndexPreTransform) else Form.FLAT

    @property
    def lists(self) -> int:
        """How many lists an inverted index has; 1 of a flat one."""
        return int(_inner(self._index).nlist) if self.form is Form.INVERTED else 1

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
                if self.form is Form.INVERTED:
                    _clear_unused_places(_inner(self._index))
                self._present[first : last + 1] = False

    def search(
        self, query: Vectors, k: int, ranges: Sequence[Range] | None = None, probes: int | None = None
    ) -> list[tuple[int, float]]:
        """Up to ``k`` pairs of id and inner product, best first, among the ids in ``ranges`` (None: all).
        ``probes`` tries another number of lists than the index is set to.

        ``query`` is one finite vector, shape ``(dimension,)``. An inverted index may miss some and knows
        the products to some hundredths, unless it is asked for a quarter of all there is or more.
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
            usual = self.tuning.probes if probes is None else probes
            parameters = self._parameters(wanted, inside, bitmap, usual)
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

    def among(self, ranges: Sequence[Range]) -> list[int]:
        """The ids in ``ranges`` that are in the index, as it was told."""
        with self._lock.shared():
            inside = [first + np.flatnonzero(self._present[first : last + 1]) for first, last in ranges]
        return [one for part in inside for one in part.tolist()]

    def ids(self) -> set[int]:
        """Every id that is in the index, as FAISS has it."""
        with self._lock.shared():
            return set(self._ids().tolist())

    def vectors_of(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """The stored vectors of those ids that are in a flat index. An inverted one has none to give."""
        found: dict[int, Vectors] = {}
        if self.form is Form.INVERTED:
            return found
        there = [one for one, here in zip(ids, self.holds(ids), strict=True) if here]
        with self._lock.shared():
            for one in there:
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
        if not _has_a_form(loaded):
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
        self, wanted: int, inside: int, bitmap: NDArray[np.uint8] | None, probes: int
    ) -> faiss.SearchParameters | None:
        selector = None
        if bitmap is not None:
            selector = faiss.IDSelectorBitmap(bitmap.size, faiss.swig_ptr(bitmap))  # n counts bytes
        # FAISS's types do not know the arguments that its wrappers take.
        if self.form is Form.INVERTED:
            lists = self._lists_for(wanted, inside, probes)
            inner = faiss.SearchParametersIVF(sel=selector, nprobe=lists)  # type: ignore[call-arg]
            return faiss.SearchParametersPreTransform(index_params=inner)  # type: ignore[call-arg]
        return None if selector is None else faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]

    def _lists_for(self, wanted: int, inside: int, probes: int) -> int:
        """Lists to look at. In a part of everything the nearest are further away, spread over more lists."""
        usual = probes * len(self) / inside
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
        if self.form is Form.FLAT:
            mapped: Ids = faiss.vector_to_array(self._index.id_map)  # type: ignore[attr-defined]
            return mapped
        lists: Any = _inner(self._index).invlists
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


def _inner(index: faiss.Index) -> faiss.IndexIVF:
    """The lists of an inverted index, behind the rotation."""
    assert isinstance(index, faiss.IndexPreTransform)
    return cast(faiss.IndexIVF, faiss.downcast_index(index.index))


def _has_a_form(loaded: faiss.Index) -> bool:
    if isinstance(loaded, faiss.IndexPreTransform):
        return isinstance(_inner(loaded), faiss.IndexIVFPQFastScan)
    return isinstance(loaded, faiss.IndexIDMap2)


def _clear_unused_places(index: faiss.IndexIVF) -> None:
    """What was removed is to leave nothing. FAISS 1.15 leaves the codes at the ends of lists, where it mixes
    them with those that are added next."""
    held: Any = index.invlists
    lists: Any = faiss.downcast_InvertedLists(held)
    places, size = lists.n_per_block, lists.block_size
    used = _bits_of_first_places(lists.packer, places, size)
    for at in range(index.nlist):
        blocks, places_used = divmod(lists.list_size(at), places)
        if places_used:
            codes = faiss.rev_swig_ptr(lists.get_codes(at), (blocks + 1) * size)
            codes[blocks * size :] &= used[places_used]


def _bits_of_first_places(packer: Any, places: int, size: int) -> NDArray[np.uint8]:
    """By number of codes in a block, from 0 to ``places``, the bits of the block that are theirs."""
    bits = np.zeros((places + 1, size), dtype=np.uint8)
    every_bit = np.full(packer.code_size, 255, dtype=np.uint8)
    for place in range(places):
        bits[place + 1] = bits[place]
        packer.pack_1(every_bit, place, bits[place + 1 : place + 2])
    return bits


def _pairing_rotation(rows: Vectors) -> faiss.LinearTransform:
    """Turns vectors so that each pair of dimensions, which share a code, has one that says much and one that
    says little (Ge, He, Ke and Sun, Optimized product quantization, CVPR 2013, 4.3). Inner products stay as
    they are; to an odd number of dimensions one that is always 0 is added."""
    dimension = rows.shape[1]
    axes = np.linalg.eigh(rows.T @ rows)[1].T[::-1]  # rows, those that say most first
    axes = np.vstack([axes, np.zeros((dimension % 2, dimension))])
    half = len(axes) // 2
    paired = np.stack([axes[:half], axes[half:][::-1]], axis=1).reshape(-1, dimension)
    turn = faiss.LinearTransform(dimension, len(axes), False)
    faiss.copy_array_to_vector(paired.astype(np.float32).ravel(), turn.A)
    turn.is_orthonormal, turn.is_trained = True, True
    return turn
