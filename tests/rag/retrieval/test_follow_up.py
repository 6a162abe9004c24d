from __future__ import annotations

import pytest

from rag.retrieval.follow_up import depends_on_history, standalone


@pytest.mark.parametrize("question", ["When was it built?", "And who built it?", "Why?", "What about 1996?"])
def test_questions_that_point_back(question: str) -> None:
    assert depends_on_history(question)


@pytest.mark.parametrize(
    "question",
    ["When was the Skerry lighthouse built?", "Which tax applies to diesel?", "Who is Iris Halloran?"],
)
def test_questions_that_stand_alone(question: str) -> None:
    assert not depends_on_history(question)
    assert standalone(question, ["Something else?"]) == question


def test_the_subject_of_the_last_question_is_carried_over() -> None:
    assert standalone("When was it built?", ["Who kept the Skerry lighthouse?"]) == (
        "When was it built? (kept Skerry lighthouse)"
    )


def test_a_first_question_is_left_alone() -> None:
    assert standalone("When was it built?", []) == "When was it built?"
