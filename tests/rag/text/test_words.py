from __future__ import annotations

import pytest

from rag.text.words import content_words, names, numbers, stems, words


def test_words_fold_case_forms_and_contractions() -> None:
    assert words("Martin’s ﬁsh don't like O'Neil") == ["martin", "fish", "don", "like", "o", "neil"]


def test_content_words_drop_the_common_ones_unless_nothing_is_left() -> None:
    assert content_words("When was the bridge built?") == ["bridge", "built"]
    assert content_words("Who are you?") == ["who", "are", "you"]


def test_stems_join_inflections_and_ignore_accents() -> None:
    assert stems("launched launching launches") == ["launch"] * 3
    assert stems("Café") == stems("cafe")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000 people", {"1000"}),
        ("1.000.000 people", {"1000000"}),
        ("3.50 dollars", {"3.5"}),
        ("12,5 percent", {"12.5"}),
        ("seven days in 07", {"7"}),
        ("no numbers", set()),
    ],
)
def test_numbers_are_compared_as_values(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected


def test_names_are_capitalised_words_inside_a_sentence() -> None:
    assert names("The Act was passed by Parliament. Later NASA agreed.") == {"act", "parliament", "nasa"}
