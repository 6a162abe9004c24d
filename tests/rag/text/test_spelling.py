from __future__ import annotations

import pytest

from rag.text.spelling import most_common, variants


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("ghandi", "gandhi"), ("lighthose", "lighthouse"), ("keeperr", "keeper"), ("septicemia", "septicem")],
)
def test_what_was_meant_is_among_the_variants(typed: str, meant: str) -> None:
    assert meant in variants(typed)


@pytest.mark.parametrize("word", ["cat", "1876", "a1b2c3", ""])
def test_short_words_and_numbers_are_not_guessed(word: str) -> None:
    assert variants(word) == set()


def test_a_word_is_no_variant_of_itself() -> None:
    assert "keeper" not in variants("keeper")


def test_the_most_common_form_wins() -> None:
    assert most_common({"b": 2, "a": 2, "c": 1}) == "a"
    assert most_common({}) is None
