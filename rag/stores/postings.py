"""Posting lists as arrays in files: which chunks hold a stem, and what each is worth there.

A segment covers a range of chunk ids and never changes. What a stem is worth in a chunk is the part of BM25
that does not depend on how rare the stem is, in one byte: an impact (Anh, de Kretser and Moffat, Vector-space
ranking with effective early termination, SIGIR 2001), so that a search multiplies and adds. Files are mapped,
not read: a stem costs memory when it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

STEM_BYTES = 32
"""Of a longer stem the beginning stands for the whole."""

# As FTS5's bm25() has them.
_K1 = 1.2
_B = 0.75
IMPACT_UNIT = (_K1 + 1) / 255
"""What one step of an impact is worth; 255 steps are what no chunk reaches however often it says a word."""

ARRAYS = ("stems.npy", "starts.npy", "ids.npy", "impacts.npy")
"""The files of a segment."""

_MERGED_AT_ONCE = 4_000_000

Stems = NDArray[np.bytes_]
Postings = tuple[NDArray[np.int32], NDArray[np.uint8]]
"""Chunk ids, ascending, and impacts."""


@dataclass(frozen=True, slots=True)
class Segment:
    """``stems`` (S32, sorted); the postings of stem ``i`` are ``ids`` and ``impacts`` from ``starts[i]`` to
    ``starts[i + 1]``. It covers the chunks ``first..last``; it was made from ``chunks`` of them."""

    first: int
    last: int
    chunks: int
    stems: Stems
    starts: NDArray[np.int64]
    ids: NDArray[np.int32]
    impacts: NDArray[np.uint8]

    def find(self, wanted: Stems) -> list[Postings | None]:
        """The postings of each stem, None of one that no chunk here holds."""
        at = np.minimum(np.searchsorted(self.stems, wanted), max(0, len(self.stems) - 1))
        if not len(self.stems):
            return [None] * len(wanted)
        known = self.stems[at] == wanted
        return [self._postings(int(place)) if there else None for place, there in zip(at, known, strict=True)]

    def _postings(self, at: int) -> Postings:
        start, end = int(self.starts[at]), int(self.starts[at + 1])
        return self.ids[start:end], self.impacts[start:end]

    def write(self, folder: Path) -> None:
        """Write the arrays into a new folder and sync them. Raises ``OSError``."""
        folder.mkdir(parents=True)
        for name in ARRAYS:
            with (folder / name).open("wb") as file:
                np.save(file, getattr(self, name.removesuffix(".npy")))
                file.flush()
                os.fsync(file.fileno())

    @classmethod
    def open(cls, folder: Path, first: int, last: int, chunks: int) -> Self:
        """Map what ``write`` or ``merge`` wrote. Raises ``OSError`` or ``ValueError``.

        Compare checksums first.
        """
        stems, starts, ids, impacts = (
            # As plain arrays: slices of a ``memmap`` cost ten times as much.
            np.asarray(np.load(folder / name, mmap_mode="r", allow_pickle=False))
            for name in ARRAYS
        )
        if len(starts) != len(stems) + 1 or len(ids) != len(impacts) or starts[-1] != len(ids):
            raise ValueError("arrays of different segments")
        return cls(first, last, chunks, stems, starts, ids, impacts)


class SegmentBuilder:
    """Collects chunks in ascending order of id and makes a segment of them.

    ``average`` is the length in words against which a chunk is long or short; None: that of these chunks.
    """

    def __init__(self, average: float | None = None) -> None:
        self._average = average
        self._words = 0
        self._numbers = _Numbers()
        self._ids: list[int] = []
        self._lengths: list[int] = []
        self._tokens: list[NDArray[np.int32]] = []

    def add(self, chunk_id: int, length: int, stems: Sequence[str]) -> None:
        """``length`` counts all words, ``stems`` need not have those that nobody looks for."""
        self._words += length
        self._ids.append(chunk_id)
        self._lengths.append(length)
        self._tokens.append(np.array([self._numbers[stem] for stem in stems], dtype=np.int32))

    @property
    def average(self) -> float:
        return self._average or self._words / max(1, len(self._ids)) or 1.0

    def build(self, first: int, last: int) -> Segment:
        """The segment of ``first..last``, which includes every chunk that was added."""
        ids = np.array(self._ids, dtype=np.int64)
        lengths = np.array(self._lengths, dtype=np.float32)
        stems = np.array([stem.encode()[:STEM_BYTES] for stem in self._numbers], dtype=f"S{STEM_BYTES}")
        ordered, place = np.unique(stems, return_inverse=True)
        tokens = np.concatenate(self._tokens) if self._tokens else np.empty(0, dtype=np.int32)
        holders = np.repeat(np.arange(len(ids)), [len(one) for one in self._tokens])
        keys, counts = np.unique(place[tokens] * max(1, len(ids)) + holders, return_counts=True)
        term, chunk = np.divmod(keys, max(1, len(ids)))
        norm = _K1 * (1 - _B + _B * lengths / self.average)
        worth = counts * (_K1 + 1) / (counts + norm[chunk])
        return Segment(
            first,
            last,
            len(ids),
            ordered,
            np.concatenate([[0], np.cumsum(np.bincount(term, minlength=len(ordered)))]).astype(np.int64),
            ids[chunk].astype(np.int32),
            np.maximum(1, np.rint(worth / IMPACT_UNIT)).astype(np.uint8),
        )


def merge(segments: Sequence[Segment], folder: Path) -> None:
    """Write into a new folder what neighbours, in ascending order of their ids, say together.

    Little of it is in memory at a time. Raises ``OSError``.
    """
    stems = np.unique(np.concatenate([one.stems for one in segments]))
    places = [np.searchsorted(stems, one.stems) for one in segments]
    counts = np.zeros(len(stems), dtype=np.int64)
    for one, place in zip(segments, places, strict=True):
        counts[place] += np.diff(one.starts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    folder.mkdir(parents=True)
    np.save(folder / "stems.npy", stems)
    np.save(folder / "starts.npy", starts)
    shape = (int(starts[-1]),)
    ids = np.lib.format.open_memmap(folder / "ids.npy", mode="w+", dtype=np.int32, shape=shape)
    impacts = np.lib.format.open_memmap(folder / "impacts.npy", mode="w+", dtype=np.uint8, shape=shape)
    free = starts[:-1].copy()
    for one, place in zip(segments, places, strict=True):
        for low, high in _blocks(one.starts):
            source = slice(int(one.starts[low]), int(one.starts[high]))
            moved = free[place[low:high]] - one.starts[low:high]
            target = np.repeat(moved, np.diff(one.starts[low : high + 1])) + np.arange(
                source.start, source.stop
            )
            ids[target] = one.ids[source]
            impacts[target] = one.impacts[source]
        free[place] += np.diff(one.starts)
    del ids, impacts  # unmapped, so that everything is in the files before they are synced
    for name in ARRAYS:
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())


def _blocks(starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Stems ``low..high`` (exclusive) with some millions of postings at most, or a single stem with more."""
    low = 0
    while low < len(starts) - 1:
        high = int(np.searchsorted(starts, starts[low] + _MERGED_AT_ONCE, side="right")) - 1
        high = max(high, low + 1)
        yield low, high
        low = high


class _Numbers(dict[str, int]):
    """A number for each stem, given out when it is first asked for."""

    def __missing__(self, stem: str) -> int:
        number = self[stem] = len(self)
        return number
