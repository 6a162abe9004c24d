"""Receipts of real answers: kept, read back, asked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from rag.errors import NotFound
from rag.generation.answering import Answerer
from rag.generation.asking import AskMode, AskRequest, DoneEvent
from rag.generation.receipts import ReceiptKeeper, Shown, prompt_sha256, show
from rag.generation.replay import compare, request_again
from rag.models.generation import PromptPart
from rag.models.generator import Generator
from rag.records import Answer, AnswerStatus, VersionStatus
from rag.stores import acceptance, answers, conversations, document_catalog
from rag.stores.access import LOCAL
from rag.stores.receipt_writer import ReceiptWriter
from rag.stores.scopes import Scope
from tests.rag.library import Library
from tests.rag.stores.receipts import ENVIRONMENT

SKERRY = (
    "The Skerry lighthouse was completed in 1876 by the engineer Thomas Aldane. Its tower is 41 metres "
    "high.\n\nIris Halloran was the first keeper of the lighthouse. She served for 22 years."
)
KEEPER = "Who was the first keeper of the lighthouse?"


@pytest.fixture
def skerry(library: Library) -> str:
    document = library.add("skerry.txt", SKERRY)
    library.add("bread.txt", "Bread is baked from flour, water, salt and yeast in an oven.")
    return document


@pytest.fixture
def answerer(library: Library, skerry: str, running_generator: Generator) -> Answerer:
    return answering(library, running_generator, ReceiptKeeper(ReceiptWriter(library.database), ENVIRONMENT))


def answering(library: Library, generator: Generator, receipts: ReceiptKeeper) -> Answerer:
    selector = library.selector()
    return Answerer(library.database, library.retriever, selector, generator, receipts)


def ask(answerer: Answerer, question: str | AskRequest) -> Answer:
    request = AskRequest(question, Scope(LOCAL)) if isinstance(question, str) else question
    last = list(answerer.ask(request))[-1]
    assert isinstance(last, DoneEvent)
    return last.answer


def shown(library: Library, answer: Answer) -> Shown:
    with library.database.read() as tx:
        return show(tx, answers.get(tx, LOCAL, answer.id))


@pytest.mark.parametrize("mode", list(AskMode))
def test_what_was_delivered_is_shown_again(library: Library, answerer: Answerer, mode: AskMode) -> None:
    scope = Scope(LOCAL, ("default",), {"name": "skerry.txt"})
    given = ask(answerer, AskRequest(KEEPER, scope, mode=mode, max_citations=2))
    kept = shown(library, given)
    assert kept.answer == given
    assert kept.freshness is VersionStatus.CURRENT
    assert (kept.receipt.prompt_sha256 is None) == (mode is AskMode.QUOTE) == (given.model is None)
    assert all(item.intact for item in kept.evidence)
    for item in kept.evidence:
        assert item.text == SKERRY[item.start : item.end]
    cited = {item.citation: item.text for item in kept.evidence if item.citation is not None}
    assert cited == {citation.number: citation.quote for citation in given.citations}
    again = request_again(kept.receipt, LOCAL)
    assert again == AskRequest(KEEPER, scope, mode=mode, max_citations=2, replay_of=given.id, anew=True)


def test_a_refusal_is_shown_again_with_the_nearest_passages(library: Library, answerer: Answerer) -> None:
    given = ask(answerer, "Who won the presidential election in Peru?")
    assert given.status is AnswerStatus.NOT_IN_DOCUMENTS
    kept = shown(library, given).answer
    unsaid: dict[str, Any] = {"chunk_id": 0, "context": "", "omitted": ()}
    assert [replace(one, **unsaid) for one in given.nearest] == [
        replace(one, **unsaid) for one in kept.nearest
    ]
    assert replace(kept, nearest=given.nearest) == given


def test_asking_again_over_the_same_documents_gives_the_same_answer(
    library: Library, answerer: Answerer
) -> None:
    for question in (KEEPER, "When was the lighthouse completed?"):
        first = ask(answerer, question)
        before = shown(library, first)
        after = shown(library, ask(answerer, request_again(before.receipt, LOCAL)))
        assert after.receipt.replay_of == first.id
        changes = compare(before, after)
        assert changes.same
        assert changes.reasons == ()
        assert (changes.added, changes.removed) == ((), ())
        assert len(changes.kept) == len(first.citations) > 0


def test_a_follow_up_is_asked_again_as_it_was_understood(library: Library, answerer: Answerer) -> None:
    ask(answerer, AskRequest(KEEPER, Scope(LOCAL), mode=AskMode.QUOTE, conversation="c1"))
    second = AskRequest("How long did she serve?", Scope(LOCAL), mode=AskMode.QUOTE, conversation="c1")
    given = ask(answerer, second)
    kept = shown(library, given).receipt
    assert (kept.question, kept.conversation) == (second.question, "c1")
    assert kept.understood != kept.question
    again = ask(answerer, request_again(kept, LOCAL))
    assert again.answer == given.answer
    with library.database.read() as tx:
        assert len(conversations.recent_turns(tx, LOCAL.owner, "c1", 9)) == 2


def test_a_newer_version_and_a_deletion_show_and_explain_themselves(
    library: Library, skerry: str, answerer: Answerer
) -> None:
    given = ask(answerer, AskRequest(KEEPER, Scope(LOCAL), mode=AskMode.QUOTE))
    with library.database.write() as tx:
        blob = library.blobs.put([b"Another text."], 1000)
        acceptance.accept_version(tx, document_catalog.get(tx, LOCAL, skerry), blob, "skerry-2.txt")
    kept = shown(library, given)
    assert kept.freshness is VersionStatus.SUPERSEDED
    assert kept.answer.citations[0].document.name == "skerry.txt"
    assert [one.quote for one in kept.answer.citations] == [one.quote for one in given.citations]
    library.remove(skerry)
    kept = shown(library, given)
    assert kept.freshness is VersionStatus.DELETED
    assert {one.document.status for one in kept.answer.citations} == {VersionStatus.DELETED}
    assert {one.quote for one in kept.answer.citations} == {""}
    with library.database.read() as tx:
        everything = str(tx.execute(text("SELECT * FROM answers")).all())
    assert "Halloran" not in everything
    assert KEEPER in everything
    changes = compare(kept, shown(library, ask(answerer, request_again(kept.receipt, LOCAL))))
    assert not changes.same
    assert {one.code for one in changes.reasons} >= {"document_deleted", "evidence_changed"}


def test_without_receipts_conversations_are_remembered_all_the_same(
    library: Library, skerry: str, running_generator: Generator
) -> None:
    answerer = answering(library, running_generator, ReceiptKeeper(ReceiptWriter(library.database)))
    given = ask(answerer, AskRequest(KEEPER, Scope(LOCAL), mode=AskMode.QUOTE, conversation="c1"))
    with library.database.read() as tx:
        assert [turn.answer for turn in conversations.recent_turns(tx, LOCAL.owner, "c1", 9)] == [
            given.answer
        ]
        with pytest.raises(NotFound):
            answers.get(tx, LOCAL, given.id)


@pytest.fixture
def full_disk(library: Library) -> Iterator[None]:
    """A database that may not grow; SQLite answers as it does where the disk is full."""
    with library.database.write() as tx:
        pages = tx.scalar(text("PRAGMA page_count"))
        tx.execute(text(f"PRAGMA max_page_count = {pages}"))
    yield
    with library.database.write() as tx:
        tx.execute(text("PRAGMA max_page_count = 1000000"))


def test_an_answer_that_cannot_be_kept_says_so(library: Library, answerer: Answerer, full_disk: None) -> None:
    long = "Who was the first keeper of the lighthouse? " * 400
    *_, last = answerer.ask(AskRequest(long, Scope(LOCAL), mode=AskMode.QUOTE, conversation="c1"))
    assert isinstance(last, DoneEvent)
    assert "answer_not_kept" in [note.code for note in last.answer.notes]
    with library.database.read() as tx:
        assert answers.page_of(tx, LOCAL, limit=1) == ([], None)
        assert conversations.recent_turns(tx, LOCAL.owner, "c1", 9) == []
    assert library.retriever.search(KEEPER, Scope(LOCAL), 1).passages


def test_a_prompt_is_known_by_its_parts_and_their_trust() -> None:
    said = PromptPart("a b"), PromptPart("c", trusted=True)
    assert prompt_sha256([said]) == prompt_sha256([list(said)])
    others: list[list[Sequence[PromptPart]]] = [
        [],
        [said, said],
        [[said[0]]],
        [[PromptPart("a bc", trusted=True)]],
        [[PromptPart("a"), PromptPart(" b"), said[1]]],
        [[replace(said[0], trusted=True), said[1]]],
    ]
    hashes = {prompt_sha256([said]), *map(prompt_sha256, others)}
    assert len(hashes) == len(others) + 1
