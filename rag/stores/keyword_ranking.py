"""BM25 over posting lists: the best chunks for some stems, without looking at every chunk that holds one.

Stems are taken from the rarest to the commonest. Once what the rest could add is less than what the k-th best
chunk has already, no new chunk can come among the best, and the rest is only looked up for those that can
(H. Turtle and J. Flood, Query evaluation: strategies and optimizations, IP&M 31(6), 1995: MaxScore).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rag.stores.postings import IMPACT_UNIT, STEM_BYTES, Postings, Segment, Stems
from rag.stores.scopes import Range

_LEAST_WEIGHT = 1e-6  # as FTS5 weighs a word that more than half of the chunks hold
_MANY_RANGES = 64
"""From so many on, a scope is a mask over the ids instead of cuts through every list."""
_WORTH_CHECKING = 5_000
"""Postings ahead from which on it is worth finding out whether they can be left."""
_LOOKING_UP = 8
"""Postings that are added in the time it takes to look one chunk up."""
_ROUNDING = 1e-4
"""Of sums of some dozen float32: what is this little below the least that is wanted is kept."""


@dataclass(frozen=True)
class _List:
    """A stem's postings inside the scope, a pair of arrays for each segment that has any, and its weight."""

    parts: Sequence[Postings]
    weight: float

    def __len__(self) -> int:
        return sum(len(ids) for ids, _ in self.parts)

    @cached_property
    def most(self) -> float:
        """What the chunk has from it that has most."""
        return self.weight * IMPACT_UNIT * max(int(impacts.max()) for _, impacts in self.parts)


class KeywordRanking:
    """Answers from ``segments``, which are neighbours in ascending order of their ids."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = tuple(segments)
        self.last = self.segments[-1].last if self.segments else 0
        self.chunks = sum(segment.chunks for segment in self.segments)

    def frequencies(self, stems: Sequence[str], ranges: Sequence[Range] | None) -> dict[str, int]:
        """How many chunks among the ids in ``ranges`` (None: all) hold each stem; without what none holds."""
        lists = self._lists(stems, _Scope.of(ranges, self.last))
        return {stem: len(found) for stem, found in zip(stems, lists, strict=True) if len(found)}

    def search(
        self, stems: Mapping[str, int], k: int, ranges: Sequence[Range] | None
    ) -> list[tuple[int, float]]:
        """Up to ``k`` pairs of chunk id and BM25 score, best first, for stems and how often each counts. How
        rare a stem is, is told from all chunks, as FTS5 tells it."""
        found = self._lists(list(stems), _Scope.of(ranges, self.last))
        counted = zip(found, stems.values(), strict=True)
        lists = [_List(one.parts, one.weight * times) for one, times in counted if len(one)]
        lists.sort(key=lambda one: -one.weight)
        return _ranked(lists, k, self.last) if lists and k > 0 else []

    def weights(self, stems: Sequence[str]) -> dict[str, float]:
        """What each stem counts; one that no chunk holds counts as if one did."""
        known = self.frequencies(stems, None)
        return {stem: _weight(known.get(stem, 1), self.chunks) for stem in stems}

    def count(self, stems: Iterable[str], ranges: Sequence[Range] | None, limit: int) -> int:
        """How many chunks hold any of the stems, counted up to ``limit``."""
        lists = self._lists(list(stems), _Scope.of(ranges, self.last))
        longest = max(map(len, lists), default=0)
        if longest >= limit:
            return limit
        held = [ids for one in lists for ids, _ in one.parts]
        return min(limit, len(_distinct(np.concatenate(held)))) if held else 0

    def _lists(self, stems: Sequence[str], scope: _Scope) -> list[_List]:
        """One for each stem, empty where no chunk in the scope holds it."""
        if not stems or not self.segments:
            return [_List((), 0.0) for _ in stems]
        wanted = encoded(stems)
        found = [segment.find(wanted) for segment in self.segments]
        lists = []
        for parts in zip(*found, strict=True):
            there = [part for part in parts if part is not None]
            weight = _weight(sum(len(ids) for ids, _ in there), self.chunks)
            cut = [scope.cut(part) for part in there]
            lists.append(_List([part for part in cut if len(part[0])], weight))
        return lists


@dataclass(frozen=True, slots=True)
class _Scope:
    """A set of chunk ids, as whichever of two forms is quicker to cut lists with; neither for all."""

    bounds: NDArray[np.int64] | None = None
    mask: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, ranges: Sequence[Range] | None, last: int) -> _Scope:
        if ranges is None:
            return cls()
        if len(ranges) <= _MANY_RANGES:
            return cls(bounds=np.array([(first, end + 1) for first, end in ranges], dtype=np.int64).ravel())
        mask = np.zeros(last + 1, dtype=bool)
        for first, end in ranges:
            mask[first : end + 1] = True
        return cls(mask=mask)

    def cut(self, part: Postings) -> Postings:
        ids, impacts = part
        if self.bounds is not None:
            cuts = np.searchsorted(ids, self.bounds).reshape(-1, 2).tolist()
            pieces = [(ids[low:high], impacts[low:high]) for low, high in cuts if low < high]
            if len(pieces) == 1:
                return pieces[0]
            joined = [np.concatenate(columns) for columns in zip(*pieces, strict=True)]
            return (joined[0], joined[1]) if joined else (ids[:0], impacts[:0])
        if self.mask is not None:
            inside = self.mask[ids]
            return ids[inside], impacts[inside]
        return part


def encoded(stems: Sequence[str]) -> Stems:
    return np.array([stem.encode("utf-8", "ignore")[:STEM_BYTES] for stem in stems], dtype=f"S{STEM_BYTES}")


def _ranked(lists: Sequence[_List], k: int, last: int) -> list[tuple[int, float]]:
    """The ``k`` best of everything in ``lists``, which are in descending order of weight."""
    scores = np.zeros(last + 1, dtype=np.float32)
    least, rest = 0.0, sum(one.most for one in lists)
    added = 0
    for one in lists:
        if rest <= least:
            break
        _add(scores, one)
        added, rest = added + 1, rest - one.most
        if added < len(lists) and len(lists[added]) > _WORTH_CHECKING:
            least = max(least, *(_kth(scores[ids], k) for ids, _ in one.parts))
    held = _reaching(scores, lists[:added], least - rest)
    for one in lists[added:]:
        if _LOOKING_UP * len(held) < len(one):
            _look_up(scores, held, one)
        else:
            _add(scores, one)
        rest -= one.most
        totals = scores[held]
        least = max(least, _kth(totals, k))
        held = held[totals >= least - rest - _ROUNDING]
    return _best(held, scores[held], k)


def _add(scores: NDArray[np.float32], one: _List) -> None:
    for ids, impacts in one.parts:
        scores[ids] += _worth(impacts, one.weight)


def _look_up(scores: NDArray[np.float32], held: NDArray[np.int32], one: _List) -> None:
    """As ``_add``, for the chunks ``held`` alone."""
    for ids, impacts in one.parts:
        at = np.minimum(np.searchsorted(ids, held), len(ids) - 1)
        there = ids[at] == held
        scores[held[there]] += _worth(impacts[at[there]], one.weight)


def _reaching(scores: NDArray[np.float32], lists: Sequence[_List], least: float) -> NDArray[np.int32]:
    """The chunks in ``lists`` that have ``least`` or more, ascending."""
    reached = [ids[scores[ids] >= least - _ROUNDING] for one in lists for ids, _ in one.parts]
    return _distinct(np.concatenate(reached))


def _distinct(ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Ascending, each once; ``numpy.unique`` hashes them, which takes ten times as long."""
    ordered = np.sort(ids)
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def _worth(impacts: NDArray[np.uint8], weight: float) -> NDArray[np.float32]:
    return impacts * np.float32(weight * IMPACT_UNIT)


def _kth(scores: NDArray[np.float32], k: int) -> float:
    """The k-th largest, 0 where there are fewer."""
    return float(np.partition(scores, len(scores) - k)[len(scores) - k]) if len(scores) >= k else 0.0


def _best(ids: NDArray[np.int32], scores: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
    """The ``k`` best, of equal ones those with the lower ids."""
    if len(ids) > k:
        kept = scores >= _kth(scores, k)
        ids, scores = ids[kept], scores[kept]
    order = np.lexsort((ids, -scores))[:k]
    return list(zip(ids[order].tolist(), scores[order].tolist(), strict=True))


def _weight(held_by: int, chunks: int) -> float:
    """FTS5's inverse document frequency."""
    return max(_LEAST_WEIGHT, math.log((chunks - held_by + 0.5) / (held_by + 0.5))) if held_by else 0.0
