from __future__ import annotations

import hashlib
import random
import tracemalloc

import pytest

from ingest import near_duplicates
from ingest.near_duplicates import bands, signature, similarity

WORDS = [f"word{number}" for number in range(3000)]


def _text(seed: int, words: int = 800) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def _signed(words: list[str]) -> bytes:
    made = signature(" ".join(words))
    assert made is not None
    return made


def _changed(words: list[str], places: int) -> list[str]:
    chosen = random.Random(places).sample(range(len(words)), places)
    return [f"new{at}" if at in chosen else word for at, word in enumerate(words)]


def _jaccard(one: list[str], other: list[str]) -> float:
    mine, theirs = ({tuple(words[at : at + 5]) for at in range(len(words) - 4)} for words in (one, other))
    return len(mine & theirs) / len(mine | theirs)


@pytest.mark.parametrize("places", [0, 10, 40, 100, 300])
def test_it_estimates_the_jaccard_similarity(places: int) -> None:
    words = _text(1)
    other = _changed(words, places)
    assert similarity(_signed(words), _signed(other)) == pytest.approx(_jaccard(words, other), abs=0.13)


def test_near_duplicates_share_bands_and_others_do_not() -> None:
    found = dict.fromkeys((15, 300), 0)
    for places in found:
        for seed in range(20):
            words = _text(seed)
            pair = bands(_signed(words)), bands(_signed(_changed(words, places)))
            found[places] += any(one == other for one, other in zip(*pair, strict=True))
    assert found[15] >= 18
    assert found[300] == 0


def test_other_texts_are_not_alike() -> None:
    one, other = _signed(_text(1)), _signed(_text(2))
    assert similarity(one, other) < 0.05
    assert not set(bands(one)) & set(bands(other))


def test_form_makes_no_difference() -> None:
    plain = "The ﬁrst keeper lit the lamp at dusk, and it burned till morning. " * 6
    shouted = plain.replace("ﬁ", "fi").upper().replace(",", " --").replace(" ", "\n  ")
    assert signature(plain) == signature(shouted)


def test_order_makes_a_difference() -> None:
    words = _text(3)
    assert similarity(_signed(words), _signed(sorted(words))) < 0.1


@pytest.mark.parametrize("text", ["", "word " * 49, "one two three"])
def test_too_short(text: str) -> None:
    assert signature(text) is None


def test_scripts_without_spaces() -> None:
    text = "灯塔看守人每天晚上都爬上长长的楼梯去点亮那盏照耀大海的明灯"
    text += "他已经这样做了三十年从来没有错过一个夜晚无论风雨"
    one, other = signature(text), signature(text + "。")
    assert one == other is not None


def test_a_text_in_parts_is_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    words = _text(5)
    whole = _signed(words)
    monkeypatch.setattr(near_duplicates, "_WORDS_AT_ONCE", 7)
    monkeypatch.setattr(near_duplicates, "_KNOWN_AT_MOST", 50)
    assert _signed(words) == whole


def test_shape() -> None:
    made = _signed(_text(1))
    assert len(made) == 512
    assert len(bands(made)) == 16
    assert all(0 <= band < 2**63 for band in bands(made))


def test_stored_signatures_stay_comparable() -> None:
    """If this fails, a library hashes differently than before: keep to its old version, or sign everything
    that is stored again."""
    made = _signed([f"w{number}" for number in range(200)])
    assert (
        hashlib.sha256(made).hexdigest() == "6542d1b9ca89a0e01a9902d5c5ce3a931932af4e81037baeefbe1fe559748ac4"
    )
    assert bands(made)[:2] == [3914277208163087277, 170847682679653032]


def test_memory_does_not_grow_with_the_text() -> None:
    text = " ".join(_text(1, 1_000_000))
    tracemalloc.start()
    signature(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * len(text)
    assert peak < 30_000_000
