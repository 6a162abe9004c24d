"""What shares a form means the same; what means something else never shares one."""

from __future__ import annotations

import unicodedata

import pytest

from rag.text.same_question import as_meant, as_written

QUESTION = "Who was the first keeper of Skerry?"


@pytest.mark.parametrize(
    "typed",
    [
        "who was the first keeper of Skerry",
        "  Who was\tthe first  keeper\nof Skerry ?? ",
        "Who was the first keeper of Skerry.",
        unicodedata.normalize("NFD", QUESTION),
    ],
)
def test_typing_makes_no_difference(typed: str) -> None:
    assert as_written(typed) == as_written(QUESTION)


@pytest.mark.parametrize(
    "said",
    [
        "who was the first keeper of skerry",
        "Please, who was the first keeper of Skerry?",
        "Hi, can you tell me who was the first keeper of Skerry?",
        "Tell me, who was the first keeper of Skerry, please?",
        "WHO WAS THE FIRST KEEPER OF SKERRY?",
    ],
)
def test_courtesy_and_capitals_make_no_difference_to_the_meaning(said: str) -> None:
    assert as_meant(said) == as_meant(QUESTION)
    assert as_written(said) != as_written(QUESTION)


def test_marks_of_quotation_are_one_however_they_are_typeset() -> None:
    assert as_written("What’s “zinc”?") == as_written('What\'s "zinc"?')
    assert as_meant("What’s zinc?") == as_meant("what is zinc")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 10²?", "What is 102?"),
        ("What is 5!", "What is 5?"),
        ("Wie groß sind die Maße?", "Wie groß sind die Masse?"),
        ("Who was the first keeper?", "Who was not the first keeper?"),
        ("Can staff carry leave over?", "Can't staff carry leave over?"),
        ("Which is more than 40?", "Which is less than 40?"),
        ("Sales in 2023?", "Sales in 2022?"),
        ("Sales of 1,000?", "Sales of 1.000?"),
        ("Did Aldane pay Halloran?", "Did Halloran pay Aldane?"),
        ("Who was the first keeper?", "Who was the last keeper?"),
        ("Who had a little effect?", "Who had little effect?"),
        ("Who was the keeper?", "When was the keeper?"),
        ("Who, besides Ann, came?", "Who besides Ann came not?"),
        ("Well depth?", "Depth?"),
        ("Was A or B chosen?", "Was A and B chosen?"),
        ("What is in C?", "What is in C++?"),
        ("What costs $5?", "What costs €5?"),
        ("What fell by -5?", "What fell by 5?"),
        ('Who said "never"?', "Who said never?"),
    ],
)
def test_what_means_something_else_shares_no_form(one: str, other: str) -> None:
    assert as_written(one) != as_written(other)
    assert as_meant(one) != as_meant(other)


def test_names_written_like_words_are_told_apart_as_written() -> None:
    assert as_written("What did US do?") != as_written("What did us do?")
    assert as_written("WHO is there?") != as_written("Who is there?")


@pytest.mark.parametrize("odd", ["", "?", "...", "Please", "US", " \n "])
def test_odd_questions_have_a_form(odd: str) -> None:
    assert as_written(as_written(odd)) == as_written(odd)
    assert as_meant(as_meant(odd)) == as_meant(odd)
