from __future__ import annotations

import pytest

from rag.errors import NotFound
from rag.stores import conversations
from rag.stores.access import LOCAL, of_tenant
from rag.stores.conversations import Turn
from rag.stores.database import Database


def test_the_last_turns_come_oldest_first_and_conversations_do_not_mix(database: Database) -> None:
    with database.write() as tx:
        for number in range(4):
            conversations.add_turn(tx, LOCAL.owner, "mine", Turn(f"q{number}", f"s{number}", f"a{number}"))
        conversations.add_turn(tx, LOCAL.owner, "yours", Turn("other", "other", "other"))
        assert conversations.recent_turns(tx, LOCAL.owner, "mine", 2) == [
            Turn("q2", "s2", "a2"),
            Turn("q3", "s3", "a3"),
        ]
        assert conversations.recent_turns(tx, LOCAL.owner, "nobody's", 2) == []


def test_a_conversation_is_forgotten_alone(database: Database) -> None:
    with database.write() as tx:
        for name in ("mine", "yours"):
            conversations.add_turn(tx, LOCAL.owner, name, Turn("q", "s", "a"))
        conversations.delete(tx, LOCAL.owner, "mine")
        assert conversations.recent_turns(tx, LOCAL.owner, "mine", 4) == []
        assert len(conversations.recent_turns(tx, LOCAL.owner, "yours", 4)) == 1
        with pytest.raises(NotFound, match="conversation_not_found"):
            conversations.delete(tx, LOCAL.owner, "mine")


def test_old_turns_make_room(database: Database) -> None:
    with database.write() as tx:
        conversations.add_turn(tx, LOCAL.owner, "yours", Turn("other", "other", "other"))
        for number in range(conversations.TURNS_KEPT + 3):
            conversations.add_turn(tx, LOCAL.owner, "mine", Turn(f"q{number}", "s", "a"))
        kept = conversations.recent_turns(tx, LOCAL.owner, "mine", 1000)
        assert (len(kept), kept[0].question) == (conversations.TURNS_KEPT, "q3")
        assert len(conversations.recent_turns(tx, LOCAL.owner, "yours", 4)) == 1


def test_conversations_are_listed_last_asked_first_page_by_page(database: Database) -> None:
    with database.write() as tx:
        for name in ("one", "two", "three", "one"):
            conversations.add_turn(tx, LOCAL.owner, name, Turn(f"about {name}", "s", "a"))
        first, after = conversations.page_of(tx, LOCAL.owner, limit=2)
        rest, end = conversations.page_of(tx, LOCAL.owner, limit=2, after=after)
    assert [(one.name, one.turns) for one in (*first, *rest)] == [("one", 2), ("three", 1), ("two", 1)]
    assert (len(first), end) == (2, None)


def test_a_conversation_is_found_by_the_characters_of_any_turn(database: Database) -> None:
    with database.write() as tx:
        conversations.add_turn(tx, LOCAL.owner, "mill", Turn("Who built the MILL?", "s", "Weber, 100%_sure."))
        conversations.add_turn(tx, LOCAL.owner, "mill", Turn("And when?", "s", "In 1911."))
        conversations.add_turn(tx, LOCAL.owner, "weir", Turn("Who keeps the weir?", "s", "Nobody."))

        def found(text: str) -> list[str]:
            return [one.name for one in conversations.page_of(tx, LOCAL.owner, limit=9, containing=text)[0]]

        assert found("mill") == ["mill"]
        assert found("0%_S") == ["mill"]  # wildcards of LIKE are characters here
        assert found("who") == ["weir", "mill"]
        assert found("%") == ["mill"]
        (mill,) = conversations.page_of(tx, LOCAL.owner, limit=9, containing="1911")[0]
    assert (mill.first.question, mill.last.answer, mill.turns) == ("Who built the MILL?", "In 1911.", 2)


def test_turns_come_oldest_first_and_only_to_their_owner(database: Database) -> None:
    stranger = of_tenant(2).owner
    with database.write() as tx:
        for number in range(3):
            conversations.add_turn(tx, LOCAL.owner, "mine", Turn(f"q{number}", "s", f"a{number}"))
        turns = conversations.turns_of(tx, LOCAL.owner, "mine")
        assert [(turn.question, turn.answer_id, turn.status) for turn in turns] == [
            (f"q{number}", None, None) for number in range(3)
        ]
        assert conversations.page_of(tx, stranger, limit=9) == ([], None)
        with pytest.raises(NotFound, match="conversation_not_found"):
            conversations.turns_of(tx, stranger, "mine")
        with pytest.raises(NotFound, match="conversation_not_found"):
            conversations.delete_with_answers(tx, stranger, "mine")
        assert len(conversations.turns_of(tx, LOCAL.owner, "mine")) == 3
