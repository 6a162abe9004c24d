"""Guesses come from what stood after the same tokens before, and stop where they do not come true."""

from __future__ import annotations

from rag.models.prompt_lookup import PromptLookup


def test_what_followed_the_same_tokens_is_guessed() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 5, 6, 7])
    for token in (9, 2, 3):
        lookup.add(token)
    assert lookup.guess(2) == [4, 5]
    assert lookup.guess(9) == [4, 5, 6, 7, 9, 2, 3]


def test_the_latest_place_counts() -> None:
    lookup = PromptLookup([1, 2, 8, 1, 2, 9, 1, 2])
    assert lookup.guess(1) == [9]


def test_the_longest_match_counts() -> None:
    lookup = PromptLookup([5, 1, 2, 70, 6, 1, 2, 80, 5, 1, 2])
    assert lookup.guess(1) == [70]


def test_one_token_alone_says_too_little() -> None:
    lookup = PromptLookup([1, 2, 3, 9, 2])
    assert lookup.guess(4) == []


def test_nothing_new_no_guess() -> None:
    assert PromptLookup([1, 2, 3]).guess(4) == []
    assert PromptLookup([]).guess(4) == []


def test_guesses_that_do_not_come_true_stop() -> None:
    lookup = PromptLookup([1, 2, 3, 4, 1, 2])
    assert lookup.guess(2) == [3, 4]
    lookup.learn(8, 1)
    assert lookup.guess(2) == []
    lookup.learn(8, 8)
    assert lookup.guess(2) == [3, 4]
