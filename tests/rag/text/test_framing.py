from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.framing import without_framing


@pytest.mark.parametrize(
    ("said", "itself"),
    [
        ("Hi! Who keeps the keys?", "Who keeps the keys?"),
        ("Hello, quick question: who keeps the keys? Thanks in advance!", "who keeps the keys?"),
        ("Please tell me who keeps the keys.", "who keeps the keys."),
        ("I was wondering whether guests may brew.", "guests may brew."),
        ("I would like to know in which year the club was founded", "in which year the club was founded"),
        ("My boss wants to know who keeps the keys", "who keeps the keys"),
        ("For my report I need to know who keeps the keys", "who keeps the keys"),
        ("What I want to know is who keeps the keys", "who keeps the keys"),
        ("Do you happen to know when it opens?", "when it opens?"),
        ("Can you give me some information about the deposit?", "the deposit?"),
        ("I have a question about the deposit", "the deposit"),
        ("What do the documents say about the deposit?", "the deposit?"),
        ("According to the uploaded documents, who keeps the keys?", "who keeps the keys?"),
        ("Could you give me the price of hops?", "the price of hops?"),
        ("When does it open, please?", "When does it open"),
        ("Thanks! And in 1990?", "And in 1990?"),
    ],
)
def test_what_is_said_around_a_question_is_left_out(said: str, itself: str) -> None:
    assert without_framing(said) == itself


@pytest.mark.parametrize(
    "question",
    [
        "Who keeps the keys?",
        "Can guests brew alone?",
        "And what about 1990?",
        "How do I find out who my officer is?",
        "What is the question of who pays?",
        "Does the contract say who pays?",
        "Do you know the captain who lost the ship?",
        "The tower has a lamp. I want to know who designed it.",
        "Sailors know when the tide turns?",
        "According to the handbook, who keeps the keys?",
        "Tell me all invoices that mention cement",
        "Who said thanks?",
        "Please list the officers",
        "Thanks",
        "Please!",
        "",
        "Wer hat den Schl\u00fcssel, bitte?",
    ],
)
def test_what_a_question_needs_stays(question: str) -> None:
    assert without_framing(question) == question


@given(st.text(max_size=500))
def test_something_is_always_left_and_was_there(text: str) -> None:
    left = without_framing(text)
    assert left in text
    assert bool(left) == bool(text)
