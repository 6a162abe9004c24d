from __future__ import annotations

import pytest

from rag.errors import NotFound
from rag.stores import conversations
from rag.stores.access import LOCAL
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
