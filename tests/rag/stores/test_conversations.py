from __future__ import annotations

from rag.stores import conversations
from rag.stores.conversations import Turn
from rag.stores.database import Database


def test_the_last_turns_come_oldest_first_and_conversations_do_not_mix(database: Database) -> None:
    with database.write() as tx:
        for number in range(4):
            conversations.add_turn(tx, "mine", Turn(f"q{number}", f"s{number}", f"a{number}"))
        conversations.add_turn(tx, "yours", Turn("other", "other", "other"))
        assert conversations.recent_turns(tx, "mine", 2) == [Turn("q2", "s2", "a2"), Turn("q3", "s3", "a3")]
        assert conversations.recent_turns(tx, "nobody's", 2) == []
