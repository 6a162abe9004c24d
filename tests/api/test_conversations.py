from __future__ import annotations

import pytest

from api.assembly import Service
from rag.stores import conversations
from rag.stores.access import LOCAL
from rag.stores.conversations import Turn
from tests.api.conftest import Client


def test_a_conversation_is_deleted_once_and_no_other_with_it(service: Service, client: Client) -> None:
    with service.database.write() as tx:
        for name in ("mine", "yours"):
            conversations.add_turn(tx, LOCAL.owner, name, Turn("q", "q", "a"))
    assert client.request("DELETE", "/v1/conversations/mine").status_code == 204
    again = client.request("DELETE", "/v1/conversations/mine")
    assert (again.status_code, again.json()["code"]) == (404, "conversation_not_found")
    with service.database.read() as tx:
        assert len(conversations.recent_turns(tx, LOCAL.owner, "yours", 4)) == 1


@pytest.mark.parametrize("name", ["a" * 65, "a b", "a%00b", "ü"])
def test_names_are_bounded(client: Client, name: str) -> None:
    assert client.request("DELETE", f"/v1/conversations/{name}").status_code in (400, 404, 422)
    asked = client.post("/v1/ask", json={"question": "What?", "conversation": name})
    assert asked.status_code in (400, 422)
