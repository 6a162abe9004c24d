from __future__ import annotations

import random
from itertools import islice
from typing import Any

from api.cli.connection import Connection
from api.cli.evaluating import unchanged
from api.cli.evaluation.asking import document_rank, passage_rank
from api.cli.evaluation.library import Source, library, sources, whole_sentences
from api.cli.evaluation.making import divided, without
from tests.api.conftest import Client
from tests.rag.evaluation.made import outcome, question, run


def source(number: int, version: int = 1) -> Source:
    return Source(f"doc_{number}", f"{number}.txt", "", "text/plain", version, 500, "en")


def hit(document: str, start: int = 0, end: int = 100, version: int = 1, text: str = "") -> dict[str, Any]:
    return {"document": {"id": document, "version": version}, "start": start, "end": end, "text": text}


def test_documents_not_read_yet_are_not_asked_about(connection: Connection, client: Client) -> None:
    client.upload("waiting.txt", b"Nobody has read this yet.")
    assert sources(connection, ()) == []
    assert sources(connection, ("default",)) == []


def test_a_library_is_another_after_every_new_version() -> None:
    one, other = library([source(1), source(2)]), library([source(1), source(2, version=2)])
    assert (one.documents, one.characters) == (2, 1000)
    assert one.fingerprint != other.fingerprint


def test_passages_have_no_half_sentences() -> None:
    text = "tail of one. A whole one here. Another one here! And a head"
    start, end = whole_sentences(text, begins=False, finishes=False)
    assert text[start:end] == "A whole one here. Another one here!"
    assert whole_sentences(text, begins=True, finishes=True) == (0, len(text))
    assert whole_sentences("no end", begins=False, finishes=False) == (0, 0)


def test_half_is_held_out_and_documents_are_on_one_side() -> None:
    questions = [question(number, document=f"doc_{number // 4}") for number in range(40)]
    halves = divided(questions, random.Random(1))
    assert sum(one.held_out for one in halves) == 20
    assert [one.id for one in halves] == [one.id for one in questions]
    sides = {(one.document, one.held_out) for one in halves}
    assert len(sides) == 10


def test_questions_about_a_single_document_are_divided_too() -> None:
    halves = divided([question(number, document="doc") for number in range(9)], random.Random(1))
    assert sum(one.held_out for one in halves) in (4, 5)


def test_a_document_is_left_out_with_what_repeats_it() -> None:
    assert without(question(1, twins=("doc_9",))) == {"document_id": {"$nin": ["doc_1", "doc_9"]}}


def test_documents_are_ranked_once_however_many_passages_are_found() -> None:
    hits = [hit("doc_7"), hit("doc_7"), hit("doc_1")]
    assert document_rank(question(1), hits) == 2
    assert document_rank(question(1, twins=("doc_7",)), hits) == 1
    assert document_rank(question(2), hits) is None


def test_a_passage_counts_when_it_holds_the_place_or_a_twin_says_the_same() -> None:
    beside, elsewhere_in_it = hit("doc_1", 0, 12), hit("doc_1", 50, 90)
    assert passage_rank(question(1), [beside, elsewhere_in_it, hit("doc_1", 0, 14)]) == 3
    assert passage_rank(question(1), [hit("doc_1", 0, 99, version=2)]) is None
    assert passage_rank(question(1), [hit("doc_7", text="It was in 1911.")]) is None
    assert passage_rank(question(1, twins=("doc_7",)), [hit("doc_7", text="It was in 1911.")]) == 1


def test_the_same_questions_are_asked_while_their_documents_are_the_same() -> None:
    before = run([outcome(number) for number in range(10)])
    there = [source(number) for number in range(10)]
    assert unchanged(before, there) == (list(before.questions), [])
    kept, notes = unchanged(before, [source(0, version=2), *islice(there, 1, None)])
    assert [one.id for one in kept] == [f"q{number}" for number in range(1, 10)]
    assert notes == ["1 questions were left out: their documents have changed."]
    kept, notes = unchanged(before, there[:5])
    assert kept == []
    assert "new ones" in notes[0]
