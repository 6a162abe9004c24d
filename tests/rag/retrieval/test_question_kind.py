from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.records import QuestionKind
from rag.retrieval.question_kind import question_kind, take_apart


@pytest.mark.parametrize(
    "question",
    [
        "How many volunteers does the fire department have?",
        "How many invoices were sent in 1990?",
        "Name the president of Peru.",
        "Which series is about doctors?",
        "Which two treaties were signed?",
        "Which problem consists of two parts?",
        "What was the dispute about?",
        "What does the report say about pensions?",
        "What is the list price of the item?",
        "Which city is larger than Rome?",
        "Does the tower cost more than 5 million?",
        "Is it older than that?",
        "How does the new model compare to previous models?",
        "How many points were scored in the game versus Pittsburgh?",
        "What are examples of cells that peak at night?",
        "Wie viele der Rechnungen nennen Zement?",
        "",
        "list",
    ],
)
def test_a_lookup_is_never_taken_for_more(question: str) -> None:
    assert question_kind(question) is QuestionKind.LOOKUP


@pytest.mark.parametrize(
    ("question", "unit", "condition"),
    [
        ("How many of the invoices mention cement?", "invoices", "mention cement"),
        ("How many notes mention cement?", "notes", "mention cement"),
        ("How many of the customers are from Chile?", "customers", "are from Chile"),
        ("Count the invoices from Acme.", "invoices", "from Acme"),
        ("In how many documents is cement mentioned?", "documents", "is cement mentioned"),
        ("Hi! I'd like to know how many notes mention cement.", "notes", "mention cement"),
    ],
)
def test_counts(question: str, unit: str, condition: str) -> None:
    asked = take_apart(question)
    assert (asked.kind, asked.unit, asked.condition) == (QuestionKind.COUNT, unit, condition)
    assert asked.checkable


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("Which countries signed the treaty of Aldane?", "countries"),
        ("Which of the notes mention cement?", "notes"),
        ("What documents mention cement?", "documents"),
        ("List the members of the council.", "members"),
        ("Please list all overdue invoices", "invoices"),
        ("I was wondering which of the notes mention cement", "notes"),
        ("Give me a list of the suppliers of the museum", "suppliers"),
        ("In which letters is the harbour mentioned?", "letters"),
    ],
)
def test_lists(question: str, unit: str) -> None:
    asked = take_apart(question)
    assert (asked.kind, asked.unit) == (QuestionKind.LIST, unit)


@pytest.mark.parametrize(
    "question",
    [
        "How many of the notes do not mention cement?",
        "How many of the invoices are over 500 euros?",
        "Which of the notes mention cement or sand?",
    ],
)
def test_conditions_that_words_cannot_prove_are_said_to_be(question: str) -> None:
    assert not take_apart(question).checkable


@pytest.mark.parametrize(
    ("question", "things", "about"),
    [
        ("Compare BERT and RoBERTa.", ("BERT", "RoBERTa"), ""),
        ("What is the difference between A12 and B7 in price?", ("A12", "B7"), "price"),
        ("How does the pump A12 differ from the pump B7?", ("the pump A12", "the pump B7"), ""),
        ("BERT vs RoBERTa", ("BERT", "RoBERTa"), ""),
        (
            "Which is older, the Skerry tower or the Molde tower?",
            ("the Skerry tower", "the Molde tower"),
            "older",
        ),
        ("Compare the height of Skerry and Molde", ("Skerry", "Molde"), "the height of"),
        ("Compare the revenue of Aldane in 2020 and 2021.", ("2020", "2021"), "the revenue of Aldane in"),
        ("Compare Skerry, Molde and Vardo", ("Skerry", "Molde", "Vardo"), ""),
    ],
)
def test_comparisons(question: str, things: tuple[str, ...], about: str) -> None:
    asked = take_apart(question)
    assert (asked.kind, asked.things, asked.about) == (QuestionKind.COMPARISON, things, about)


@pytest.mark.parametrize(
    ("question", "about"),
    [
        ("Summarise bert.pdf", "bert.pdf"),
        ("What is this document about?", "this document"),
        ("What is the BERT paper about?", "the BERT paper"),
        ("Can you give me a short summary of the annual report?", "the annual report"),
        ("What are the main findings of the RoBERTa paper?", "the RoBERTa paper"),
    ],
)
def test_summaries(question: str, about: str) -> None:
    asked = take_apart(question)
    assert (asked.kind, asked.about) == (QuestionKind.SUMMARY, about)


def test_factoid_questions_stay_lookups(shared: Path) -> None:
    lines = (shared / "evals" / "reading" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    elsewhere = [one for one in questions if question_kind(one) is not QuestionKind.LOOKUP]
    assert len(elsewhere) <= 0.01 * len(questions), elsewhere
