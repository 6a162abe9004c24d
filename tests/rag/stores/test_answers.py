from __future__ import annotations

import time

import pytest
from sqlalchemy import text

from rag.errors import Gone, NotFound
from rag.records import Conflict, VersionStatus
from rag.stores import acceptance, answers, conversations
from rag.stores.access import LOCAL
from rag.stores.conversations import Turn
from rag.stores.database import Database, Tx
from tests.rag.stores.library import Library
from tests.rag.stores.receipts import receipt, span

SECRET = "Quicksilver"


def contents(tx: Tx) -> str:
    """Everything that is written in the tables of answers and conversations."""
    tables = ("answers", "answer_spans", "deleted_answers", "conversation_turns")
    return "\n".join(str(row) for table in tables for row in tx.execute(text(f"SELECT * FROM {table}")))


def test_a_receipt_comes_back_as_it_was_kept(library: Library) -> None:
    document = library.add(["The tower is high."])
    kept = receipt(
        parts=[("The tower is high.", (1,)), ("Perhaps.", ())],
        spans=[span(document.public_id, 1, scores={"dense": 0.25}), span(document.public_id, start=2, end=3)],
        standalone="How high is it (the tower)?",
        conversation="c",
        replay_of="ans_z",
        conflicts=(Conflict("the height", (1, 2), ("41", "42")),),
    )
    with library.database.write() as tx:
        answers.keep(tx, kept)
    with library.database.read() as tx:
        assert answers.get(tx, LOCAL, "ans_a") == kept


def test_unknown_and_deleted_ids_are_told_apart(database: Database) -> None:
    with database.write() as tx:
        answers.keep(tx, receipt())
        answers.remove(tx, LOCAL, "ans_a")
    with database.write() as tx:
        for act in (answers.get, answers.remove):
            with pytest.raises(Gone) as gone:
                act(tx, LOCAL, "ans_a")
            assert gone.value.code == "answer_deleted"
            with pytest.raises(NotFound) as unknown:
                act(tx, LOCAL, "ans_b")
            assert (unknown.type, unknown.value.code) == (NotFound, "answer_not_found")


def test_pages_newest_first_by_conversation_and_by_cited_document(library: Library) -> None:
    cited, offered = (library.add([name], f"{name}.txt").public_id for name in ("one", "two"))
    with library.database.write() as tx:
        for number in range(5):
            conversation = "odd" if number % 2 else None
            spans = [span(cited if number < 3 else offered, 1), span(offered)]
            answers.keep(tx, receipt(f"ans_{number}", spans=spans, conversation=conversation))
        seen: list[str] = []
        cursor = None
        while True:
            page, cursor = answers.page_of(tx, LOCAL, limit=2, after=cursor)
            seen += [one.id for one in page]
            if cursor is None:
                break
        assert seen == [f"ans_{number}" for number in (4, 3, 2, 1, 0)]
        assert [one.id for one in answers.page_of(tx, LOCAL, limit=9, conversation="odd")[0]] == [
            "ans_3",
            "ans_1",
        ]
        assert [one.id for one in answers.page_of(tx, LOCAL, limit=9, document=cited)[0]] == [
            "ans_2",
            "ans_1",
            "ans_0",
        ]


def test_sources_are_as_they_are_now(library: Library) -> None:
    old = library.add(["Old text."], "a.txt")
    deleted = library.add(["Gone."], "b.txt")
    kept = receipt(spans=[span(old.public_id, 1), span(deleted.public_id, 2)])
    library.accept(b"new", "a2.txt", replacing=old)
    library.remove(deleted)
    with library.database.read() as tx:
        found = answers.sources(tx, [kept])
    first, second = found[old.public_id, 1], found[deleted.public_id, 1]
    assert (first.document.name, first.document.status) == ("a.txt", VersionStatus.SUPERSEDED)
    assert first.version_id == old.newest.id
    assert (second.document.name, second.document.status) == ("", VersionStatus.DELETED)
    assert second.version_id is None


def test_deleting_a_document_leaves_no_word_of_it_in_answers_and_conversations(library: Library) -> None:
    doomed, other = (library.add([name], f"{name}.txt").public_id for name in ("one", "two"))
    parts = [(f"{SECRET} is in the cellar.", (1,)), ("The tower is high.", (2,)), (f"Or {SECRET}.", ())]
    with library.database.write() as tx:
        kept = receipt(
            parts=parts,
            spans=[span(doomed, 1), span(other, 2)],
            conversation="c",
            conflicts=(Conflict(f"where {SECRET} is", (1, 2), (SECRET, "b")),),
        )
        key, _ = answers.keep(tx, kept)
        conversations.add_turn(tx, LOCAL.owner, "c", Turn("Where?", "Where?", kept.answer), key)
        follow_up = receipt("ans_b", spans=[span(other, 1)], conversation="c", standalone=f"And ({SECRET})?")
        key, _ = answers.keep(tx, follow_up)
        conversations.add_turn(tx, LOCAL.owner, "c", Turn("And?", f"And ({SECRET})?", follow_up.answer), key)
        conversations.add_turn(
            tx, LOCAL.owner, "d", Turn("What?", f"What ({SECRET})?", f"{SECRET}, before receipts.")
        )
        untouched = receipt("ans_c", spans=[span(other, 1)], conversation="e")
        answers.keep(tx, untouched)
        assert SECRET in contents(tx)
    library.remove(library.document(doomed))
    with library.database.read() as tx:
        assert SECRET not in contents(tx)
        left = answers.get(tx, LOCAL, "ans_a")
        assert [one.text for one in left.sentences] == ["", "The tower is high.", ""]
        assert [one.document for one in left.spans] == [doomed, other]
        assert answers.get(tx, LOCAL, "ans_c") == untouched
        turns = conversations.recent_turns(tx, LOCAL.owner, "c", 9)
        assert [turn.standalone for turn in turns] == ["Where?", "And?"]
        assert "The tower is high." in turns[0].answer


def test_a_document_deleted_while_the_answer_was_written_leaves_nothing_in_it(library: Library) -> None:
    document = library.add(["one"])
    library.remove(document)
    with library.database.write() as tx:
        answers.keep(tx, receipt(parts=[(f"{SECRET}.", (1,))], spans=[span(document.public_id, 1)]))
        assert SECRET not in contents(tx)
        assert answers.get(tx, LOCAL, "ans_a").answer == " [1]"


def test_documents_deleted_with_their_container_are_erased_too(library: Library) -> None:
    outer = library.add(["box"], "box.zip")
    content = library.blobs.put([b"inside"], 1000)
    with library.database.write() as tx:
        inner = acceptance.replace_children(tx, outer, [("in.txt", content)], "somebody")[0].document
        answers.keep(tx, receipt(parts=[(f"{SECRET}.", (1,))], spans=[span(inner.public_id, 1)]))
    library.remove(outer)
    with library.database.read() as tx:
        assert SECRET not in contents(tx)


def test_answers_expire_with_their_turns_and_marks(database: Database) -> None:
    with database.write() as tx:
        for number, age in enumerate((300, 200, 100, 0)):
            key, _ = answers.keep(tx, receipt(f"ans_{number}", created_at=1000.0 - age))
            conversations.add_turn(tx, LOCAL.owner, "c", Turn(f"q{number}", "", ""), key)
        conversations.add_turn(tx, LOCAL.owner, "c", Turn("q", "", ""))
        assert not answers.any_expired(tx, 700.0, 700.0)
        assert answers.any_expired(tx, 850.0, 700.0)
        answers.expire(tx, 850.0, 700.0, limit=1)
        assert [one.id for one in answers.page_of(tx, LOCAL, limit=9)[0]] == ["ans_3", "ans_2", "ans_1"]
        answers.expire(tx, 850.0, 700.0, limit=9)
        with pytest.raises(Gone):
            answers.get(tx, LOCAL, "ans_0")
        assert [turn.question for turn in conversations.recent_turns(tx, LOCAL.owner, "c", 9)] == [
            "q2",
            "q3",
            "q",
        ]
        later = time.time() + 1
        answers.expire(tx, 0.0, later, limit=9)
        assert conversations.recent_turns(tx, LOCAL.owner, "c", 9) == []
        with pytest.raises(NotFound) as unknown:
            answers.get(tx, LOCAL, "ans_0")
        assert unknown.type is NotFound
