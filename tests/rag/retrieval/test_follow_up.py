from __future__ import annotations

import pytest

from rag.retrieval.follow_up import Exchange, depends_on_history, standalone

KEEPER = Exchange(
    "Who was the first keeper of the Skerry lighthouse?",
    "Iris Halloran was the first keeper of the Skerry lighthouse; Halloran served for 22 years. [1]",
)
OPENED = Exchange(
    "When was the reading room of the Harbour Library opened?",
    "The reading room of the Harbour Library was opened on 3 May 1911 by Mayor Ottilie Brandt. [1]",
)
WORKERS = Exchange("How many workers did Aldane Timber employ in 1950?", "It employed 200 workers. [1]")
ACT = Exchange("What did the Water Act of 1921 give towns?", "The right to levy fees on wells. [1]")
WINNER = Exchange("Which party won the election in Molde?", "The Harbour Party won. [1]")
OLDER = Exchange("Which is older, the Skerry lighthouse or the Molde lighthouse?", "- 1876 [1]\n- 1902 [2]")
LISTED = Exchange("Which acts were drafted by women?", "- The Water Act [1]\n- The Fisheries Act [2]")


@pytest.mark.parametrize(
    "question",
    [
        "When was it built?",
        "And who built it?",
        "Why?",
        "What about 1996?",
        "And in 1990?",
        "Who drafted that law?",
        "What did he say about Norway?",
        "Who is the head of it?",
        "How many were killed?",
        "What did the last one limit?",
    ],
)
def test_questions_that_point_back(question: str) -> None:
    assert depends_on_history(question)


@pytest.mark.parametrize(
    "question",
    [
        "When was the Skerry lighthouse built?",
        "Which tax applies to diesel?",
        "Who is Iris Halloran?",
        "What is photosynthesis?",
        "When did the mayor of Leith open her reading room?",
        "Which country changed its flag in 1965?",
        "How many people lost their homes?",
        "Is it true that terns dive at visitors?",
        "How long does it take to climb the tower?",
        "What is this document about?",
        "When the tower fell, did it hurt anyone?",
        "Which law was it that Samuel Boateng drafted in the year of the flood?",
        "Other than his poems, what was Aldane famous for?",
        "Are there seals on Vardo?",
        "Wann wurde der Turm gebaut und von wem?",
        "Wie lange wird er gebacken?",
        "Dove è nata la custode?",
        "彼はいつ生まれましたか",
        "",
        "?!",
    ],
)
def test_questions_that_stand_alone_stay_as_they_are(question: str) -> None:
    assert not depends_on_history(question)
    assert standalone(question, [KEEPER, OPENED]) == question


@pytest.mark.parametrize(
    ("last", "question", "understood"),
    [
        (KEEPER, "How long did she serve?", "How long did Iris Halloran serve?"),
        (KEEPER, "And of the Molde lighthouse?", "Who was the first keeper of the Molde lighthouse?"),
        (KEEPER, "When was it built?", "When was the Skerry lighthouse built?"),
        (OPENED, "Why did she resign?", "Why did Mayor Ottilie Brandt resign?"),
        (WORKERS, "And in 1960?", "How many workers did Aldane Timber employ in 1960?"),
        (WORKERS, "And how many in 1960?", "How many workers did Aldane Timber employ in 1960?"),
        (WORKERS, "And Brandt Glass?", "How many workers did Brandt Glass employ in 1950?"),
        (WORKERS, "How about Brandt Glass in 1960?", "How many workers did Brandt Glass employ in 1960?"),
        (WORKERS, "When did its mill burn down?", "When did Aldane Timber’s mill burn down?"),
        (ACT, "Who drafted that law?", "Who drafted the Water Act of 1921?"),
        (ACT, "When was this act repealed?", "When was the Water Act of 1921 repealed?"),
        (WINNER, "Who led it?", "Who led the Harbour Party?"),
        (OLDER, "How high is the second one?", "How high is the Molde lighthouse?"),
        (OLDER, "Who kept the former?", "Who kept the Skerry lighthouse?"),
        (LISTED, "What did the last one limit?", "What did The Fisheries Act limit?"),
    ],
)
def test_what_is_pointed_at_takes_its_place(last: Exchange, question: str, understood: str) -> None:
    assert standalone(question, [last]) == understood


def test_a_chain_is_completed_link_by_link() -> None:
    first = Exchange("How high is the Skerry tower?", "The Skerry tower is 41 metres high. [1]")
    second = Exchange(standalone("What about the Molde tower?", [first]), "27 metres. [1]")
    assert second.question == "How high is the Molde tower?"
    assert standalone("What is it made of?", [first, second]) == "What is the Molde tower made of?"


def test_after_a_new_topic_the_old_one_is_not_meant() -> None:
    seals = Exchange("What do grey seals eat?", "The seals eat cod. [1]")
    assert standalone("When do they give birth?", [KEEPER, seals]) == "When do grey seals give birth?"


def test_an_answer_that_is_not_kept_any_more_gives_nothing_away() -> None:
    erased = Exchange(OPENED.question, "")
    assert "Brandt" not in standalone("Why did she resign?", [erased])


def test_a_first_question_is_left_alone() -> None:
    assert standalone("When was it built?", []) == "When was it built?"
