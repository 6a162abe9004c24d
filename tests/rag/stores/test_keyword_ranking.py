from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.stores import keyword_ranking, postings
from rag.stores.keyword_ranking import KeywordRanking
from rag.stores.postings import Segment, SegmentBuilder
from rag.stores.scopes import Range

WORDS = [f"w{number}" for number in range(40)] + ["überlang" * 9, "été"]
Said = dict[int, list[str]]


def _library(seed: int, chunks: int = 400) -> Said:
    """Chunks by id, with gaps; low words are common and high ones rare."""
    rng = np.random.default_rng(seed)
    ids = np.sort(rng.choice(np.arange(1, 3 * chunks), chunks, replace=False)).tolist()
    drawn = [np.minimum(rng.geometric(0.12, rng.integers(1, 30)), len(WORDS)) - 1 for _ in ids]
    return {one: [WORDS[at] for at in words] for one, words in zip(ids, drawn, strict=True)}


def _segments(said: Said, parts: int) -> list[Segment]:
    average = sum(map(len, said.values())) / len(said)
    cuts = np.array_split(np.array(sorted(said)), parts)
    segments = []
    for part in cuts:
        builder = SegmentBuilder(average)
        for one in part.tolist():
            builder.add(one, len(said[one]), said[one])
        segments.append(builder.build(int(part[0]), int(part[-1])))
    return segments


def _bm25(said: Said, stems: Sequence[str], inside: set[int]) -> dict[int, float]:
    average = sum(map(len, said.values())) / len(said)
    scores: defaultdict[int, float] = defaultdict(float)
    for stem in stems:
        held = sum(stem in words for words in said.values())
        if not held:
            continue
        weight = max(1e-6, math.log((len(said) - held + 0.5) / (held + 0.5)))
        for one in inside:
            count = said[one].count(stem)
            if count:
                norm = 1.2 * (1 - 0.75 + 0.75 * len(said[one]) / average)
                scores[one] += weight * count * 2.2 / (count + norm)
    return scores


_RANGES = st.none() | st.lists(
    st.tuples(st.integers(0, 1300), st.integers(0, 200)).map(lambda one: (one[0], one[0] + one[1])),
    max_size=5,
)


def _inside(said: Said, ranges: Sequence[Range] | None) -> set[int]:
    return {one for one in said if ranges is None or any(low <= one <= high for low, high in ranges)}


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 50),
    stems=st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=8),
    k=st.integers(1, 60),
    ranges=_RANGES,
    parts=st.integers(1, 4),
)
def test_the_best_are_those_of_bm25_over_every_chunk(
    seed: int, stems: list[str], k: int, ranges: list[Range] | None, parts: int
) -> None:
    said = _library(seed)
    disjoint = _disjoint(ranges)
    ranking = KeywordRanking(_segments(said, parts))
    inside = _inside(said, disjoint)
    expected = _bm25(said, stems, inside)
    found = ranking.search(Counter(stems), k, disjoint)
    assert len(found) == min(k, len(expected))
    coarse = 0.03 * max(1, len(stems))  # half a step of an impact for each stem
    for one, score in found:
        assert score == pytest.approx(expected[one], abs=coarse)
    least = min((expected[one] for one, _ in found), default=0.0)
    assert all(score <= least + 2 * coarse or one in dict(found) for one, score in expected.items())
    held = {stem: sum(stem in said[one] for one in inside) for stem in stems}
    assert ranking.frequencies(stems, disjoint) == {stem: count for stem, count in held.items() if count}
    assert ranking.count(stems, disjoint, 50) == min(50, len(expected))


@pytest.mark.parametrize("worth_checking", [0, 10, 10**9])
def test_leaving_postings_out_changes_nothing(monkeypatch: pytest.MonkeyPatch, worth_checking: int) -> None:
    said = _library(3, chunks=2000)
    ranking = KeywordRanking(_segments(said, 3))
    queries = [["w0", "w1", "w9", "w30"], ["w0", "w20", "w21"], ["w2"], ["w0", "w1", "w2", "w3", "w25"]]
    expected = [ranking.search(Counter(query), 10, None) for query in queries]
    monkeypatch.setattr(keyword_ranking, "_WORTH_CHECKING", worth_checking)
    for query, before in zip(queries, expected, strict=True):
        now = ranking.search(Counter(query), 10, None)
        assert [round(score, 4) for _, score in now] == [round(score, 4) for _, score in before]


def test_many_ranges_and_few_leave_the_same() -> None:
    said = _library(4)
    ranking = KeywordRanking(_segments(said, 2))
    few = [(1, 600)]
    many = [(one, one) for one in range(1, 601)]
    assert ranking.search(Counter(WORDS[:5]), 20, few) == ranking.search(Counter(WORDS[:5]), 20, many)
    assert ranking.frequencies(WORDS, few) == ranking.frequencies(WORDS, many)


def test_segments_that_are_written_merged_and_read_say_what_they_said(tmp_path: Path) -> None:
    said = _library(5)
    parts = _segments(said, 5)
    read = []
    for number, part in enumerate(parts):
        part.write(tmp_path / str(number))
        read.append(Segment.open(tmp_path / str(number), part.first, part.last, part.chunks))
    postings.merge(read, tmp_path / "all")
    whole = Segment.open(tmp_path / "all", parts[0].first, parts[-1].last, sum(part.chunks for part in parts))
    one, apart = KeywordRanking([whole]), KeywordRanking(parts)
    for stems in map(Counter, (WORDS[:3], WORDS[10:20], WORDS[-2:], ["unknown"])):
        assert (
            one.search(stems, 30, None)
            == apart.search(stems, 30, None)
            == KeywordRanking(read).search(stems, 30, None)
        )
    assert one.frequencies(WORDS, None) == apart.frequencies(WORDS, None)


def test_merging_moves_a_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = _segments(_library(6), 3)
    monkeypatch.setattr(postings, "_MERGED_AT_ONCE", 7)
    postings.merge(parts, tmp_path / "all")
    whole = Segment.open(tmp_path / "all", parts[0].first, parts[-1].last, sum(part.chunks for part in parts))
    few = Counter(WORDS[:6])
    assert KeywordRanking([whole]).search(few, 40, None) == KeywordRanking(parts).search(few, 40, None)


def test_nothing_to_look_in_and_nothing_to_look_for() -> None:
    assert KeywordRanking([]).search({"w1": 1}, 5, None) == []
    assert KeywordRanking([]).frequencies(["w1"], [(1, 2)]) == {}
    ranking = KeywordRanking(_segments(_library(1), 1))
    assert ranking.search({}, 5, None) == []
    assert ranking.search({"w0": 1}, 5, []) == []
    assert ranking.count([], None, 5) == 0
    assert KeywordRanking([SegmentBuilder().build(1, 9)]).search({"w0": 1}, 5, None) == []


def _disjoint(ranges: Sequence[Range] | None) -> list[Range] | None:
    """Scopes are ranges that do not overlap, in order."""
    if ranges is None:
        return None
    ids = sorted({one for low, high in ranges for one in range(low, high + 1)})
    found: list[Range] = []
    for one in ids:
        if found and found[-1][1] + 1 == one:
            found[-1] = (found[-1][0], one)
        else:
            found.append((one, one))
    return found
