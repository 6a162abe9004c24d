"""Questions that need more than one passage, answered from a small real library without the model."""

from __future__ import annotations

import pytest

from rag.generation.answering import Answerer
from rag.generation.asking import AskMode, AskRequest, DoneEvent, RetrievalEvent, SentenceEvent
from rag.generation.surveying import Surveyor
from rag.models.generator import Generator
from rag.models.locations import default_model_path
from rag.records import Answer, AnswerStatus, QuestionKind, Verdict
from rag.stores.access import LOCAL
from rag.stores.scopes import Scope
from tests.rag.library import Library

DAYS = {
    "note-1.txt": "Forty bags of cement came before nine. It rained.",
    "note-2.txt": "The crane stood still. The cement was damp.",
    "note-3.txt": "Visitors walked through the hall.",
    "note-4.txt": "We ran out of cement at three.",
}
ROWS = "\n".join(
    [
        "Name | Country",
        *(f"Name: Customer {n} | Country: {'Chile' if n % 3 else 'Peru'}" for n in range(1, 10)),
    ]
)
LIGHTS = (
    "The Skerry lighthouse was completed in 1876. Its tower is 41 metres high.\n\n"
    "The Molde lighthouse was completed in 1902. Its tower is 27 metres high."
)


@pytest.fixture
def ask(library: Library) -> Ask:
    closed = Generator(default_model_path())
    closed.close()
    selector = library.selector()
    surveyor = Surveyor(library.database, library.retriever, selector, library.embedder)
    return Ask(Answerer(library.database, library.retriever, selector, closed, surveyor=surveyor))


class Ask:
    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    def __call__(
        self, question: str, limit: int = 20, scope: Scope | None = None, conversation: str | None = None
    ) -> Answer:
        request = AskRequest(
            question,
            scope or Scope(LOCAL),
            AskMode.QUOTE,
            survey_citations=limit,
            conversation=conversation,
        )
        events = list(self._answerer.ask(request))
        last = events[-1]
        assert isinstance(last, DoneEvent)
        assert isinstance(events[0], RetrievalEvent)
        told = tuple(event.sentence for event in events if isinstance(event, SentenceEvent))
        assert told == last.answer.sentences
        for sentence in told:
            assert last.answer.answer[sentence.start : sentence.end] == sentence.text
            assert sentence.citations
        return last.answer


def test_a_count_of_documents_is_exact_and_cites_each(library: Library, ask: Ask) -> None:
    for name, text in DAYS.items():
        library.add(name, text)
    answer = ask("How many of the notes mention cement?")
    assert (answer.kind, answer.status) == (QuestionKind.COUNT, AnswerStatus.ANSWERED)
    assert answer.sentences[0].text == "3 notes match “mention cement”."
    assert answer.sentences[0].citations == (1, 2, 3)
    assert {citation.document.name for citation in answer.citations} == {
        "note-1.txt",
        "note-2.txt",
        "note-4.txt",
    }
    assert answer.coverage.complete is True
    assert answer.coverage.documents_matching == 3


def test_a_list_is_grouped_by_document_and_verbatim(library: Library, ask: Ask) -> None:
    for name, text in DAYS.items():
        library.add(name, text)
    answer = ask("Which of the notes mention cement?")
    assert [sentence.group for sentence in answer.sentences] == ["note-1.txt", "note-2.txt", "note-4.txt"]
    assert all(sentence.verdict is Verdict.VERBATIM for sentence in answer.sentences)
    assert answer.answer.startswith("note-1.txt:\n- Forty bags of cement came before nine. [1]\nnote-2.txt:")


def test_what_is_not_shown_is_said(library: Library, ask: Ask) -> None:
    for name, text in DAYS.items():
        library.add(name, text)
    answer = ask("Which of the notes mention cement?", limit=2)
    assert len(answer.citations) == 2
    assert (answer.status, answer.coverage.complete) == (AnswerStatus.PARTIAL, False)
    assert [note.code for note in answer.notes] == ["not_all_cited"]
    count = ask("How many of the notes mention cement?", limit=2)
    assert count.sentences[0].text.startswith("3 notes")


def test_a_count_that_words_cannot_prove_is_a_lower_bound(library: Library, ask: Ask) -> None:
    library.add("letter-1.txt", "They complain about the heating every day.")
    library.add("letter-2.txt", "The radiators have been cold since May.")
    answer = ask("How many of the letters complain about the heating?")
    assert answer.sentences[0].text.startswith("At least 1 ")
    assert (answer.status, answer.coverage.complete) == (AnswerStatus.PARTIAL, False)


def test_rows_of_a_table_are_counted_by_their_column(library: Library, ask: Ask) -> None:
    library.add("customers.csv", ROWS)
    answer = ask("How many of the customers are from Peru?")
    assert answer.sentences[0].text == "3 customers match “are from Peru”."
    assert all("Country: Peru" in citation.quote for citation in answer.citations)
    names = [sentence.text for sentence in ask("List all names from Chile.").sentences]
    assert names == [f"Customer {n}" for n in (1, 2, 4, 5, 7, 8)]


def test_sentences_are_not_counted_as_if_they_were_things(library: Library, ask: Ask) -> None:
    library.add("club.txt", "Twelve of the members are from Chile. The club has forty members.")
    answer = ask("How many of the members are from Chile?")
    assert "Twelve" in answer.answer
    assert not answer.answer.startswith("1 ")


def test_each_compared_thing_gets_its_evidence_or_is_said_to_be_missing(library: Library, ask: Ask) -> None:
    library.add("lights.txt", LIGHTS)
    answer = ask("Compare the height of the Skerry lighthouse and the Molde lighthouse.")
    said = {
        group: [one.text for one in answer.sentences if group in one.group] for group in ("Skerry", "Molde")
    }
    assert any("41" in text for text in said["Skerry"])
    assert any("27" in text for text in said["Molde"])
    missing = ask("Compare the Skerry lighthouse and the Eddystone lighthouse.")
    assert missing.status is AnswerStatus.PARTIAL
    assert ["Eddystone" in note.detail for note in missing.notes] == [True]


def test_a_summary_speaks_for_every_section(library: Library, ask: Ask) -> None:
    topics = ("harbour", "bridge", "school", "mill", "forest", "church")
    text = "\n\n".join(
        f"The {topic} of Leith was built by many hands over long years. Its {topic} master kept the books."
        for topic in topics
    )
    library.add("leith.txt", text)
    library.add("bread.txt", "Rye bread is baked for an hour in a very hot oven.")
    answer = ask("Summarise leith.txt")
    assert {citation.document.name for citation in answer.citations} == {"leith.txt"}
    assert (answer.coverage.sections_seen, answer.coverage.sections_total) == (6, 6)
    assert [citation.start for citation in answer.citations] == sorted(one.start for one in answer.citations)
    few = ask("Summarise leith.txt", limit=2)
    assert len(few.citations) == 2
    assert few.coverage.complete is False


def test_the_minutes_are_what_is_called_so_and_the_documents_are_all(library: Library, ask: Ask) -> None:
    library.add("minutes.txt", "The council met at the school. It agreed to mend the roof of the hall.")
    library.add("bread.txt", "Rye bread is baked for an hour in a very hot oven.")
    for question, names in (
        ("Summarise the minutes", {"minutes.txt"}),
        ("Summarise the documents", {"minutes.txt", "bread.txt"}),
        ("Summarise everything", {"minutes.txt", "bread.txt"}),
    ):
        assert {citation.document.name for citation in ask(question).citations} == names


def test_what_has_no_long_sentence_is_summarised_all_the_same(library: Library, ask: Ask) -> None:
    library.add("shopping.md", "- twelve eggs\n- rye bread\n- a pound of salt")
    answer = ask("Summarise shopping.md")
    assert "rye bread" in answer.answer


def test_what_is_nowhere_is_refused(library: Library, ask: Ask) -> None:
    for name, text in DAYS.items():
        library.add(name, text)
    for question in ("Which of the notes mention submarines?", "How many of the notes mention helicopters?"):
        answer = ask(question)
        assert (answer.status, answer.citations) == (AnswerStatus.NOT_IN_DOCUMENTS, ())


def test_only_what_is_in_the_scope_is_counted(library: Library, ask: Ask) -> None:
    library.add("note-1.txt", DAYS["note-1.txt"], collection="north")
    library.add("note-2.txt", DAYS["note-2.txt"], collection="south")
    answer = ask("How many of the notes mention cement?", scope=Scope(LOCAL, ("north",)))
    assert answer.sentences[0].text.startswith("1 notes")


def test_a_rewritten_question_is_shown_and_conversations_do_not_mix(library: Library, ask: Ask) -> None:
    library.add("lights.txt", LIGHTS)
    assert ask("When was the Skerry lighthouse completed?", conversation="a").understood_as is None
    follow_up = ask("And the Molde lighthouse?", conversation="a")
    assert follow_up.understood_as == "When was the Molde lighthouse completed?"
    assert "1902" in follow_up.answer
    thanks = ask("Thanks! And the Skerry lighthouse?", conversation="a")
    assert thanks.understood_as == "When was the Skerry lighthouse completed?"


def test_what_is_said_around_a_question_makes_no_difference(library: Library, ask: Ask) -> None:
    library.add("lights.txt", LIGHTS)
    plain = ask("When was the Skerry lighthouse completed?")
    said = ask("Hi! My boss wants to know when the Skerry lighthouse was completed. Thanks in advance!")
    assert (said.status, said.answer) == (plain.status, plain.answer)
    assert said.understood_as is None
    assert ask("And the Molde lighthouse?", conversation="b").understood_as is None


def test_a_deleted_document_says_nothing_through_a_conversation(library: Library, ask: Ask) -> None:
    document = library.add("opening.txt", "The reading room was opened by Mayor Ottilie Brandt in 1911.")
    library.add("bread.txt", "Rye bread is baked for an hour in a very hot oven.")
    assert "Brandt" in ask("Who opened the reading room?", conversation="a").answer
    library.remove(document)
    again = ask("Why did she resign?", conversation="a")
    assert "Brandt" not in (again.understood_as or "") + again.answer
