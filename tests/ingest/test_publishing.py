"""What is found out about a document on its way to being searchable, and what it brings with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest import inner_documents, pipeline
from ingest.pipeline import Tools
from ingest.worker import claim
from rag.records import Block, BlockKind, DocumentState, JobState, Member, Page
from rag.stores import (
    document_catalog,
    keyword_index,
    near_duplicates,
    scopes,
)
from rag.stores.access import LOCAL
from tests.ingest.workplace import Workplace, claimed, parsed

TEXT = "Ducks swim on the river. " * 8


@pytest.mark.parametrize(
    "text",
    [
        "यह हिन्दी में लिखा हुआ एक छोटा सा वाक्य है।",
        "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
        "x\u0301y\u0301z\u0301 q\u0308w\u0308",
        "。、！？「」",
        "12 34 56",
        "مُحَمَّد",
    ],
)
def test_whatever_the_script_a_document_becomes_ready(
    workplace: Workplace, tools: Callable[..., Tools], text: str
) -> None:
    accepted = workplace.accept(text.encode())
    pipeline.run(claimed(workplace), tools(parsed(text)))
    assert workplace.version(accepted).state is DocumentState.READY


def test_a_document_that_a_search_does_not_find_is_not_ready(
    workplace: Workplace, tools: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = workplace.accept(b"x")
    monkeypatch.setattr(keyword_index, "insert", lambda _tx, _said: None)
    pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    job = workplace.job(accepted)
    assert (job.state, job.error_code) == (JobState.QUEUED, "self_search_failed")
    assert workplace.publications() == 0
    monkeypatch.undo()
    workplace.skip_pauses()
    pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    assert workplace.version(accepted).state is DocumentState.READY


def test_the_report_says_how_well_it_was_read(workplace: Workplace, tools: Callable[..., Tools]) -> None:
    text = f"Running head\n\n{TEXT}\n\nItem: bread | Price: 3\nItem: milk | Price: 2"
    at = text.index("Item")
    blocks = (
        Block(BlockKind.FURNITURE, 0, 12),
        Block(BlockKind.PARAGRAPH, 14, at - 2),
        Block(BlockKind.TABLE_ROW, at, text.index("\nItem: milk")),
        Block(BlockKind.TABLE_ROW, text.index("Item: milk"), len(text)),
    )
    pages = (Page(1, 0, len(text)), Page(2, len(text), len(text)))
    accepted = workplace.accept(b"x")
    source = parsed(text, blocks=blocks, pages=pages, page_count=2, pages_without_text=(2,))
    pipeline.run(claimed(workplace), tools(source))
    quality = workplace.version(accepted).quality
    assert quality is not None
    assert quality == dict(quality) | {
        "pages": 2,
        "pages_without_text": 1,
        "tables": 1,
        "furniture_blocks": 1,
        "garbled": 0.0,
        "tokens_truncated": 0,
        "self_retrieval": 1.0,
        "characters": len(text),
    }
    assert quality["language"]["code"] == "en"
    assert quality["language"]["spoken"] is True
    with workplace.database.read() as tx:
        found = keyword_index.search(tx, keyword_index.match_expression(["running"]), 5, scopes.EVERYWHERE)
    assert found == [], "furniture is not searched"


def test_a_language_the_embedder_does_not_speak_is_pointed_out(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    accepted = workplace.accept(b"x")
    german = "Die Enten schwimmen auf dem Fluss, und der Reiher steht still am anderen Ufer. " * 6
    pipeline.run(claimed(workplace), tools(parsed(german)))
    assert [notice.code for notice in workplace.job(accepted).notices] == ["language_not_spoken"]


def test_nearly_the_same_text_is_linked_and_both_are_searched(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    minutes = " ".join(f"Point {number} was discussed and then put off." for number in range(60))
    first = workplace.accept(b"1", "draft.txt")
    pipeline.run(claimed(workplace), tools(parsed(minutes)))
    second = workplace.accept(b"2", "final.txt")
    pipeline.run(claimed(workplace), tools(parsed(minutes + " Then everyone went home.")))
    assert "near_duplicate" in [notice.code for notice in workplace.job(second).notices]
    with workplace.database.read() as tx:
        links = near_duplicates.of_version(tx, workplace.version(first).id)
    assert [link.name for link in links] == ["final.txt"]
    assert links[0].similarity > 0.8
    assert workplace.version(first).state is workplace.version(second).state is DocumentState.READY


def test_what_is_inside_a_document_is_read_on_its_own(
    workplace: Workplace, tools: Callable[..., Tools]
) -> None:
    accepted = workplace.accept(b"archive", "files.zip")
    inside = (Member("a.txt", 3), Member("a.txt", 5), Member("empty", 0))
    members = [("a.txt", b"one"), ("a.txt", b"three"), ("empty", b"")]
    pipeline.run(claimed(workplace), tools(parsed("files.zip: a.txt", members=inside), members))
    assert [notice.code for notice in workplace.job(accepted).notices] == ["members_left_out"]
    parent = workplace.document(accepted)
    with workplace.database.read() as tx:
        children, _ = document_catalog.page_of(tx, LOCAL, limit=9, parent=parent)
    assert [child.name for child in children] == ["a.txt (2)", "a.txt"]
    for _ in children:
        pipeline.run(claimed(workplace), tools(parsed(TEXT)))
    assert parent.children == 2


def test_documents_in_documents_end_somewhere(
    workplace: Workplace, tools: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inner_documents, "MAX_DOCUMENTS", 4)
    workplace.accept(b"0", "quine.zip")
    source = parsed("quine.zip", members=(Member("quine.zip", 9), Member("second.zip", 9)))
    read = 0
    while (job := claim(workplace.database, "worker")) is not None:
        read += 1
        members = [("quine.zip", b"%d" % read), ("second.zip", b"2%d" % read)]
        pipeline.run(job, tools(source, members))
    with workplace.database.read() as tx:
        every, _ = document_catalog.page_of(tx, LOCAL, limit=50)
    assert len(every) == read == 5
    assert max(document.depth for document in every) <= inner_documents.MAX_DEPTH
    left_out = [one for one in every if "members_left_out" in {notice.code for notice in one.newest.notices}]
    assert left_out
