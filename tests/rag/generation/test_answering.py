"""Answers from the real models over a small library."""

from __future__ import annotations

import pytest

from rag.generation.answering import REFUSAL, Answerer
from rag.generation.asking import (
    AnswerEvent,
    AskMode,
    AskRequest,
    DoneEvent,
    RetrievalEvent,
    SentenceEvent,
    TokenEvent,
)
from rag.models.generator import Generator
from rag.models.locations import default_model_path
from rag.records import Answer, AnswerStatus, Verdict
from rag.stores.access import LOCAL
from rag.stores.scopes import Scope
from tests.rag.library import Library

SKERRY = (
    "The Skerry lighthouse was completed in 1876 by the engineer Thomas Aldane. Its tower is 41 metres "
    "high.\n\nIris Halloran was the first keeper of the lighthouse. She served for 22 years.\n\n"
    "Visitors are admitted from May to September. The climb takes fifteen minutes."
)


@pytest.fixture
def answerer(library: Library, running_generator: Generator) -> Answerer:
    library.add("skerry.txt", SKERRY)
    library.add("bread.txt", "Bread is baked from flour, water, salt and yeast in an oven.")
    selector = library.selector()
    return Answerer(library.database, library.retriever, selector, running_generator)


def answer_of(events: list[AnswerEvent]) -> Answer:
    last = events[-1]
    assert isinstance(last, DoneEvent)
    return last.answer


@pytest.mark.parametrize("mode", list(AskMode))
def test_every_sentence_is_checked_and_every_quote_is_the_source(answerer: Answerer, mode: AskMode) -> None:
    request = AskRequest("Who was the first keeper of the lighthouse?", Scope(LOCAL), mode=mode)
    answer = answer_of(list(answerer.ask(request)))
    assert answer.status in (AnswerStatus.ANSWERED, AnswerStatus.PARTIAL)
    assert any("Iris Halloran" in citation.quote for citation in answer.citations)
    for citation in answer.citations:
        assert citation.quote == SKERRY[citation.start : citation.end]
    for sentence in answer.sentences:
        assert answer.answer[sentence.start : sentence.end] == sentence.text
        assert bool(sentence.citations) == (sentence.verdict is not Verdict.UNSUPPORTED)
    if mode is not AskMode.ANSWER:
        assert all(sentence.citations for sentence in answer.sentences)


def test_quotes_are_made_without_the_model(answerer: Answerer) -> None:
    events = list(
        answerer.ask(AskRequest("How high is the tower?", Scope(LOCAL), mode=AskMode.QUOTE, max_citations=1))
    )
    answer = answer_of(events)
    assert not any(isinstance(event, TokenEvent) for event in events)
    assert answer.model is None
    assert answer.answer.endswith("Its tower is 41 metres high. [1]")


def test_events_come_in_order_and_add_up(answerer: Answerer) -> None:
    events = list(answerer.ask(AskRequest("When was the lighthouse completed?", Scope(LOCAL))))
    assert isinstance(events[0], RetrievalEvent)
    assert any(isinstance(event, TokenEvent) for event in events)
    told = tuple(event.sentence for event in events if isinstance(event, SentenceEvent))
    assert told == answer_of(events).sentences
    assert answer_of(events).model is not None


def test_what_is_not_there_is_refused_without_the_model(answerer: Answerer) -> None:
    events = list(answerer.ask(AskRequest("Who won the presidential election in Peru?", Scope(LOCAL))))
    answer = answer_of(events)
    assert (answer.status, answer.answer) == (AnswerStatus.NOT_IN_DOCUMENTS, REFUSAL)
    assert (answer.sentences, answer.citations) == ((), ())
    assert answer.nearest
    assert not any(isinstance(event, TokenEvent) for event in events)


def test_max_citations_is_kept(answerer: Answerer) -> None:
    for limit in (1, 2):
        request = AskRequest(
            "When are visitors admitted to the lighthouse?", Scope(LOCAL), max_citations=limit
        )
        assert 1 <= len(answer_of(list(answerer.ask(request))).citations) <= limit


def test_a_follow_up_is_understood_from_the_conversation(answerer: Answerer) -> None:
    first = AskRequest(
        "Who was the first keeper of the lighthouse?", Scope(LOCAL), mode=AskMode.QUOTE, conversation="c1"
    )
    list(answerer.ask(first))
    second = AskRequest("How long did she serve?", Scope(LOCAL), mode=AskMode.QUOTE, conversation="c1")
    assert "22 years" in answer_of(list(answerer.ask(second))).answer


def test_auto_quotes_when_the_model_cannot_be_had(library: Library) -> None:
    library.add("skerry.txt", SKERRY)
    closed = Generator(default_model_path())
    closed.close()
    answerer = Answerer(library.database, library.retriever, library.selector(), closed)
    answer = answer_of(list(answerer.ask(AskRequest("How high is the tower?", Scope(LOCAL)))))
    assert answer.citations
    assert all(sentence.verdict is Verdict.VERBATIM for sentence in answer.sentences)
