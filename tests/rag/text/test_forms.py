from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.records import Chunk, Span
from rag.text.forms import search_form, spoken, without
from rag.text.words import stems, words


@pytest.mark.parametrize(
    ("typeset", "plain"),
    [
        ("e\ufb03cient \ufb01les", "efficient files"),
        ("co\u00adop\u00aderation", "cooperation"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\uff26\uff35\uff2c\uff2c", "FULL"),
        ("left\u202eright", "leftright"),
    ],
)
def test_however_it_was_typeset_it_is_searched_alike(typeset: str, plain: str) -> None:
    assert search_form(typeset) == plain
    assert words(typeset) == words(plain)
    assert stems(typeset) == stems(plain)


def test_joiners_that_spell_words_stay() -> None:
    assert "\u200c" in search_form("می\u200cخواهم")


def test_a_chunk_says_nothing_of_what_is_omitted() -> None:
    text = "before FOOT between HEAD after"
    chunk = Chunk(7 - 7, len(text), "", 0, omitted=(Span(7, 11), Span(20, 24)))
    assert spoken(text, chunk) == "before  between  after"
    assert spoken(text, Chunk(5, 20, "", 0, omitted=(Span(7, 11),))) == "e  between "


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_without_removes_just_the_spans(text: str, cuts: list[int]) -> None:
    ends = sorted(min(cut, len(text)) for cut in cuts[: len(cuts) // 2 * 2])
    spans = [Span(ends[at], ends[at + 1]) for at in range(0, len(ends), 2)]
    kept = [char for at, char in enumerate(text) if not any(span.start <= at < span.end for span in spans)]
    assert without(text, spans) == "".join(kept)
