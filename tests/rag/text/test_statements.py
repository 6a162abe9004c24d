from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.statements import plain_form, statement
from rag.text.tokens import MAX_TOKENS, tokens


def test_numbers_and_dates_become_one_token_with_their_value() -> None:
    one, other = (
        statement("On 3 May 1996 twenty-one came, 50%."),
        statement("On 1996-05-03 21 came, 50 percent."),
    )
    assert [token.stem for token in one.tokens] == [token.stem for token in other.tokens]


def test_names_are_told_from_words_that_only_begin_a_sentence() -> None:
    assert statement("Ferries cross Sydney Harbour. John Smith waits.").names == {
        "sydnei",
        "harbour",
        "john",
        "smith",
    }


def test_contracted_denials_are_denials() -> None:
    assert [token.denies for token in tokens("It didn't, it can't, it cannot, it did.")].count(True) == 3


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("It was never widened by Lang.", [("widen", "lang")]),
        ("It was not only widened but moved.", []),
        ("They won No. 5 of the series.", []),
        ("He failed to win the race.", [("win", "race")]),
        ("They came without horses.", [("hors",)]),
        ("Die Brücke wurde nicht erweitert.", [("erweitert",)]),
        ("No fewer than 40 people came.", []),
    ],
)
def test_denials_know_what_they_deny(text: str, anchors: list[tuple[str, ...]]) -> None:
    assert [denial.anchors for denial in statement(text).denials] == anchors


def test_bounds_belong_to_their_number() -> None:
    assert statement("At least 40 came, up to 60 stayed, 70 or more left.").bounds == {
        "40": 1,
        "60": -1,
        "70": 1,
    }


def test_what_does_not_make_another_sentence() -> None:
    assert plain_form(" It’s  “so” – here. ") == plain_form('it\'s "so" - here')
    assert plain_form("It is 5 %") != plain_form("It is 5")


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    read = statement(text)
    assert all(0 <= token.start < token.end <= len(read.text) for token in read.tokens)
    assert isinstance(read.denials, tuple)
    assert isinstance(read.bounds, dict)


def test_what_is_looked_at_is_bounded() -> None:
    assert len(tokens("word " * 50_000)) == MAX_TOKENS
