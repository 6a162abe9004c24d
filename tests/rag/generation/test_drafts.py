from __future__ import annotations

import pytest

from rag.generation.drafts import DraftReader, DraftSentence


def read(draft: str, step: int) -> list[DraftSentence]:
    reader = DraftReader()
    found = []
    for at in range(0, len(draft), step):
        found += reader.feed(draft[at : at + step])
    return found + reader.finish()


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("It opened in 1932 [1].", [("It opened in 1932.", (1,))]),
        (
            "It opened in 1932. [1] It has lanes. [2][3]",
            [("It opened in 1932.", (1,)), ("It has lanes.", (2, 3))],
        ),
        ("It opened [2] in 1932", [("It opened in 1932", (2,))]),
        ("No mark. Another one", [("No mark.", ()), ("Another one", ())]),
        ("The answer to this question is: In 1932 [1].", [("In 1932.", (1,))]),
        ("7. [1] No pets are kept [1].", [("No pets are kept.", (1,))]),
        ("46. [1]", [("46.", (1,))]),
        ("[1]", []),
        ("", []),
    ],
)
def test_sentences_carry_the_marks_that_follow_them(
    draft: str, expected: list[tuple[str, tuple[int, ...]]], step: int
) -> None:
    assert [(one.text, one.claims) for one in read(draft, step)] == expected


def test_a_sentence_is_given_as_soon_as_the_next_begins() -> None:
    reader = DraftReader()
    assert reader.feed("It opened in 1932 [1]. It") == [DraftSentence("It opened in 1932.", (1,))]
    assert reader.feed(" has lanes.") == []
    assert reader.finish() == [DraftSentence("It has lanes.", ())]
