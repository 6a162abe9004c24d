"""Answers given again, with the real models: when they are, and when never any more."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from rag.errors import NotFound
from rag.generation.answer_cache import AnswerCache, writer_of
from rag.generation.answering import Answerer
from rag.generation.asking import (
    AnswerEvent,
    AskMode,
    AskRequest,
    CacheOutcome,
    DoneEvent,
    RetrievalEvent,
    SentenceEvent,
    TokenEvent,
)
from rag.generation.drafting import Drafting, DraftingChoice
from rag.generation.receipts import ReceiptKeeper, show
from rag.generation.replay import compare, request_again
from rag.generation.surveying import Surveyor
from rag.models.cancellation import Cancellation, Cancelled
from rag.models.generator import Generator
from rag.models.locations import default_model_path
from rag.records import Answer, AnswerStatus, CachedPart
from rag.retrieval.follow_up import Exchange
from rag.stores import answers, collections, document_catalog
from rag.stores.access import LOCAL, Access, Owner
from rag.stores.erasure import compact_database
from rag.stores.receipt import Environment
from rag.stores.receipt_writer import ReceiptWriter
from rag.stores.scopes import Scope
from tests.rag.library import Library
from tests.rag.stores.receipts import ENVIRONMENT

SKERRY = (
    "The Skerry lighthouse was completed in 1876 by the engineer Thomas Aldane. Its tower is 41 metres "
    "high.\n\nIris Halloran was the first keeper of the lighthouse. She served for 22 years."
)
BREAD = "Bread is baked from flour, water, salt and yeast in an oven."
KEEPER = "Who was the first keeper of the lighthouse?"
PERU = "Who won the presidential election in Peru?"
QUOTED = AskRequest(KEEPER, Scope(LOCAL), mode=AskMode.QUOTE)


class Asking:
    """A library, and what answers from it."""

    def __init__(self, library: Library, generator: Generator) -> None:
        self.library = library
        self.generator = generator
        self.skerry = library.add("skerry.txt", SKERRY)
        self.drafting = DraftingChoice(Drafting.FREE)
        self.answerer = self.made_with(ENVIRONMENT)

    def made_with(self, environment: Environment, generator: Generator | None = None) -> Answerer:
        library, generator = self.library, generator or self.generator
        selector = library.selector()
        return Answerer(
            library.database,
            library.retriever,
            selector,
            generator,
            ReceiptKeeper(ReceiptWriter(library.database), environment),
            Surveyor(library.database, library.retriever, selector, library.embedder),
            self.drafting,
            AnswerCache(library.database, environment, lambda: writer_of(generator, self.drafting)),
        )

    def events(self, asked: str | AskRequest, **changed: Any) -> list[AnswerEvent]:
        request = AskRequest(asked, Scope(LOCAL)) if isinstance(asked, str) else asked
        fresh = replace(request, answer_id=AskRequest("", Scope(LOCAL)).answer_id, **changed)
        return list(self.answerer.ask(fresh))

    def done(self, asked: str | AskRequest, **changed: Any) -> DoneEvent:
        last = self.events(asked, **changed)[-1]
        assert isinstance(last, DoneEvent)
        return last

    def outcome(self, asked: str | AskRequest, **changed: Any) -> CacheOutcome | None:
        return self.done(asked, **changed).cache


@pytest.fixture
def asking(library: Library, running_generator: Generator) -> Asking:
    return Asking(library, running_generator)


def same(first: Answer, second: Answer) -> bool:
    ours: dict[str, Any] = {"id": "", "timings": {}, "cached": None, "nearest": ()}
    return replace(first, **ours) == replace(second, **ours)


@pytest.mark.parametrize("mode", [AskMode.AUTO, AskMode.QUOTE])
def test_the_same_question_gets_the_same_answer_and_a_receipt_of_its_own(
    asking: Asking, mode: AskMode
) -> None:
    request = AskRequest(KEEPER, Scope(LOCAL), mode=mode, max_citations=1)
    first, second = asking.done(request), asking.done(request, conversation="c")
    assert (first.cache, first.answer.cached) == (CacheOutcome.NEW, None)
    assert first.answer.status is AnswerStatus.ANSWERED
    assert second.cache is CacheOutcome.ANSWER
    assert same(first.answer, second.answer)
    assert second.answer.id != first.answer.id
    assert second.answer.cached is not None
    assert (second.answer.cached.answer, second.answer.cached.part) == (first.answer.id, CachedPart.ANSWER)
    assert (second.usage.prompt_tokens, second.usage.completion_tokens) == (0, 0)
    assert set(second.answer.timings) == {"cache_ms", "total_ms"}
    with asking.library.database.read() as tx:
        kept = show(tx, answers.get(tx, LOCAL, second.answer.id))
    assert kept.answer == second.answer
    assert kept.receipt.conversation == "c"
    assert all(item.intact for item in kept.evidence)


def test_a_replay_is_made_anew_and_finds_no_difference(asking: Asking) -> None:
    asking.done(QUOTED)
    cached = asking.done(QUOTED).answer
    with asking.library.database.read() as tx:
        before = show(tx, answers.get(tx, LOCAL, cached.id))
    again = asking.done(request_again(before.receipt, LOCAL))
    assert (again.cache, again.answer.cached) == (CacheOutcome.DECLINED, None)
    with asking.library.database.read() as tx:
        after = show(tx, answers.get(tx, LOCAL, again.answer.id))
    assert compare(before, after).same


def test_its_events_come_in_order_and_add_up(asking: Asking) -> None:
    asking.library.add("more.txt", "The first keeper of the Skerry lighthouse lived there for 22 years.")
    first, second = asking.events(QUOTED), asking.events(QUOTED)
    assert isinstance(second[0], RetrievalEvent)
    assert second[0].passages
    told = [event for event in second if isinstance(event, SentenceEvent)]
    assert told == [event for event in first if isinstance(event, SentenceEvent)]
    done = second[-1]
    assert isinstance(done, DoneEvent)
    assert "".join(event.written for event in told) == done.answer.answer
    assert not any(isinstance(event, TokenEvent) for event in second)


def test_a_list_is_given_again_with_its_bullets(asking: Asking) -> None:
    for name in ("north", "south"):
        asking.library.add(f"{name}.txt", f"The {name} buoy was painted red by the harbour office.")
    question = "List all documents that mention the harbour office."
    first, second = asking.done(question), asking.done(question)
    assert "- " in first.answer.answer
    assert second.cache is (
        CacheOutcome.ANSWER if first.answer.status is AnswerStatus.ANSWERED else CacheOutcome.NEW
    )
    assert same(first.answer, second.answer)


def test_a_refusal_is_given_again_until_there_is_something_new(asking: Asking) -> None:
    first, second = asking.done(PERU), asking.done(PERU)
    assert first.answer.status is second.answer.status is AnswerStatus.NOT_IN_DOCUMENTS
    assert second.cache is CacheOutcome.ANSWER
    assert [one.text for one in second.answer.nearest] == [one.text for one in first.answer.nearest]
    asking.library.add("peru.txt", "Rosa Quispe won the presidential election in Peru in 1931.")
    third = asking.done(PERU)
    assert third.cache is CacheOutcome.LIBRARY_CHANGED
    assert "Quispe" in third.answer.answer


def test_an_answer_that_the_model_should_have_written_is_not_given_again(asking: Asking) -> None:
    closed = Generator(default_model_path())
    closed.close()
    asking.answerer = asking.made_with(ENVIRONMENT, closed)
    for _ in range(2):
        assert asking.outcome(KEEPER) is CacheOutcome.UNREPEATABLE
    asking.answerer = asking.made_with(ENVIRONMENT)
    assert asking.outcome(KEEPER) is CacheOutcome.NEW


def test_whoever_wants_it_anew_gets_it_anew(asking: Asking) -> None:
    asking.done(QUOTED)
    declined = asking.done(QUOTED, anew=True)
    assert (declined.cache, declined.answer.cached) == (CacheOutcome.DECLINED, None)
    latest = asking.done(QUOTED).answer.cached
    assert latest is not None
    assert latest.answer == declined.answer.id


def test_nothing_is_kept_of_what_is_not_to_be_kept(asking: Asking) -> None:
    asking.done(QUOTED, keep=False)
    assert asking.outcome(QUOTED) is CacheOutcome.NEW
    unkept = asking.done(QUOTED, keep=False)
    assert unkept.cache is CacheOutcome.ANSWER
    with asking.library.database.read() as tx, pytest.raises(NotFound):
        answers.get(tx, LOCAL, unkept.answer.id)


def test_a_follow_up_is_the_question_it_was_understood_as(asking: Asking) -> None:
    said = (Exchange(KEEPER, "Iris Halloran was the first keeper of the lighthouse."),)
    first = asking.done(replace(QUOTED, question="How long did she serve?"), history=said)
    assert first.answer.understood_as is not None
    second = asking.done(replace(QUOTED, question=first.answer.understood_as))
    assert (second.cache, second.answer.understood_as) == (CacheOutcome.ANSWER, None)
    other = (Exchange("Who was Ottilie Brandt?", "Ottilie Brandt was the mayor of the town."),)
    third = asking.done(replace(QUOTED, question="How long did she serve?"), history=other)
    assert third.cache is CacheOutcome.NEW


def test_replacing_deleting_and_adding_make_it_anew(asking: Asking) -> None:
    asking.done(QUOTED)
    other = asking.library.add("bread.txt", BREAD)
    assert asking.outcome(QUOTED) is CacheOutcome.LIBRARY_CHANGED
    asking.library.remove(other)
    assert asking.outcome(QUOTED) is CacheOutcome.LIBRARY_CHANGED
    assert asking.outcome(QUOTED) is CacheOutcome.ANSWER
    with asking.library.database.write() as tx:
        document = document_catalog.get(tx, LOCAL, asking.skerry)
        document_catalog.set_metadata(tx, document, {"year": 1876})
    assert asking.outcome(QUOTED) is CacheOutcome.LIBRARY_CHANGED
    asking.library.remove(asking.skerry)
    gone = asking.done(QUOTED)
    assert gone.answer.status is AnswerStatus.NOT_IN_DOCUMENTS
    assert "Halloran" not in gone.answer.answer


def test_a_deleted_answer_is_not_given_again(asking: Asking) -> None:
    first = asking.done(QUOTED).answer
    with asking.library.database.write() as tx:
        answers.remove(tx, LOCAL, first.id)
    assert asking.outcome(QUOTED) is CacheOutcome.NEW


def test_a_document_deleted_while_its_answer_is_given_again_leaves_nothing_behind(asking: Asking) -> None:
    first = asking.done(QUOTED).answer
    events = asking.answerer.ask(replace(QUOTED, answer_id="ans_late"))
    next(events)
    asking.library.remove(asking.skerry)
    *_, last = events
    assert isinstance(last, DoneEvent)
    with asking.library.database.read() as tx:
        for one in (first.id, "ans_late"):
            kept = show(tx, answers.get(tx, LOCAL, one))
            assert "Halloran" not in kept.receipt.answer
            assert [citation.quote for citation in kept.answer.citations] == ["" for _ in first.citations]
        dump = [str(row) for row in tx.execute(text("SELECT * FROM answers"))]
    assert not any("Halloran" in row for row in dump)
    assert asking.outcome(QUOTED) is CacheOutcome.NEW


def test_an_answer_made_while_the_library_changed_is_not_given_again(asking: Asking) -> None:
    events = asking.answerer.ask(QUOTED)
    next(events)
    asking.library.add("bread.txt", BREAD)
    list(events)
    assert asking.outcome(QUOTED) is CacheOutcome.NEW
    assert asking.outcome(QUOTED) is CacheOutcome.ANSWER


def test_one_that_was_given_up_is_not_given_again(asking: Asking) -> None:
    cancellation = Cancellation()
    events = asking.answerer.ask(replace(QUOTED, mode=AskMode.AUTO), cancellation)
    while not isinstance(next(events), TokenEvent):
        pass
    cancellation.cancel()
    with pytest.raises(Cancelled):
        list(events)
    assert asking.outcome(KEEPER) is CacheOutcome.NEW


def test_asked_by_many_at_once_all_get_it(asking: Asking) -> None:
    given: list[Answer] = []
    threads = [threading.Thread(target=lambda: given.append(asking.done(QUOTED).answer)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 6
    assert all(same(given[0], one) for one in given)
    assert asking.outcome(QUOTED) is CacheOutcome.ANSWER


# Drafts


def drafted(events: Sequence[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TokenEvent))


@pytest.fixture(params=[Drafting.FREE, Drafting.COPY])
def drafting(asking: Asking, request: pytest.FixtureRequest) -> Asking:
    asking.drafting.settle(request.param)
    return asking


def test_where_something_else_has_changed_the_draft_is_checked_anew(drafting: Asking) -> None:
    first = drafting.events(KEEPER)
    drafting.library.add("bread.txt", BREAD)
    second = drafting.events(KEEPER)
    before, after = first[-1], second[-1]
    assert isinstance(before, DoneEvent)
    assert isinstance(after, DoneEvent)
    assert drafted(second) == drafted(first) != ""
    assert after.cache is CacheOutcome.DRAFT
    assert after.answer.cached is not None
    assert (after.answer.cached.answer, after.answer.cached.part) == (before.answer.id, CachedPart.DRAFT)
    # With more documents around, other sentences may be worth quoting: that is why it is checked anew.
    assert after.answer.sentences[0].text == before.answer.sentences[0].text
    assert after.answer.model == before.answer.model is not None
    assert "generate_ms" not in after.answer.timings
    assert {"retrieve_ms", "evidence_ms"} <= set(after.answer.timings)
    assert drafting.outcome(KEEPER) is not CacheOutcome.NEW


def test_a_question_that_means_the_same_gets_the_same_draft(asking: Asking) -> None:
    first, second = asking.events(KEEPER), asking.events(f"Please, {KEEPER.lower()}")
    done = second[-1]
    assert isinstance(done, DoneEvent)
    assert done.cache is CacheOutcome.DRAFT
    assert drafted(second) == drafted(first)
    assert "Iris Halloran" in done.answer.answer


def test_other_evidence_has_a_draft_of_its_own(asking: Asking) -> None:
    asking.done(KEEPER)
    asking.library.add("newer.txt", "Odd Brekke was the first keeper of the lighthouse, as is now known.")
    done = asking.done(KEEPER)
    assert done.cache is CacheOutcome.LIBRARY_CHANGED
    assert done.answer.cached is None
    assert any("Odd Brekke" in citation.quote for citation in done.answer.citations)


def test_a_draft_is_its_owners(asking: Asking) -> None:
    asking.done(KEEPER)
    with asking.library.database.write() as tx:
        tx.execute(
            text(
                "INSERT INTO keys(id, public_id, tenant_id, name, prefix, hash, scope, created_at) "
                "VALUES (1, 'k', 1, '', 'k', x'00', 'read', 0)"
            )
        )
        default = collections.get(tx, LOCAL, "default").id
    narrow = Access(Owner(LOCAL.tenant, 1), frozenset({default}))
    assert asking.outcome(KEEPER, scope=Scope(narrow)) is CacheOutcome.NEW
    assert asking.done(f"Please, {KEEPER}", scope=Scope(narrow)).cache is CacheOutcome.DRAFT
    asking.library.remove(asking.skerry)
    with asking.library.database.read() as tx:
        assert tx.scalar(text("SELECT count(*) FROM answers WHERE draft IS NOT NULL")) == 0
    assert compact_database(asking.library.database.path)
    assert b"Halloran" not in asking.library.database.path.read_bytes()
