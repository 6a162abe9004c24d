from __future__ import annotations

from pathlib import Path

import pytest

from api.assembly import Service
from rag.stores import conversations
from rag.stores.access import LOCAL
from rag.stores.conversations import Turn
from tests.api.conftest import Client
from tests.api.tenancy import Tenancy
from tests.api.test_answers import HALLORAN, Answers


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


def _talk(service: Service, name: str, *questions: str) -> None:
    with service.database.write() as tx:
        for question in questions:
            conversations.add_turn(tx, LOCAL.owner, name, Turn(question, question, f"Of {question}"))


def test_conversations_are_listed_and_searched(service: Service, client: Client) -> None:
    _talk(service, "mill", "Who built the mill?", "And when?")
    _talk(service, "weir", "Who keeps the weir?")
    listed = client.get("/v1/conversations").json()
    assert [(one["name"], one["turns"]) for one in listed["data"]] == [("weir", 1), ("mill", 2)]
    mill = listed["data"][1]
    assert (mill["first"]["question"], mill["last"]["question"]) == ("Who built the mill?", "And when?")
    assert (mill["last"]["answer"], mill["last"]["answer_id"], mill["last"]["status"]) == (
        "Of And when?",
        None,
        None,
    )
    found = client.get("/v1/conversations", params={"contains": "MILL"}).json()
    assert [one["name"] for one in found["data"]] == ["mill"]
    first = client.get("/v1/conversations", params={"limit": 1}).json()
    rest = client.get("/v1/conversations", params={"cursor": first["next_cursor"]}).json()
    assert [one["name"] for one in rest["data"]] == ["mill"]
    assert rest["next_cursor"] is None


def test_the_turns_of_a_conversation_are_shown_oldest_first(service: Service, client: Client) -> None:
    _talk(service, "mill", "Who built the mill?", "And when?")
    turns = client.get("/v1/conversations/mill").json()["data"]
    assert [turn["question"] for turn in turns] == ["Who built the mill?", "And when?"]
    missing = client.get("/v1/conversations/nobody")
    assert (missing.status_code, missing.json()["code"]) == (404, "conversation_not_found")


def test_turns_name_their_receipts_which_go_with_them_only_if_that_is_asked(
    service: Service, client: Client
) -> None:
    given = Answers(service)
    document = given.document(HALLORAN)
    kept = given.give([(document, HALLORAN)], conversation="kept")
    gone = given.give([(document, HALLORAN)], conversation="gone")
    other = given.give([(document, HALLORAN)])
    (turn,) = client.get("/v1/conversations/gone").json()["data"]
    assert (turn["answer_id"], turn["status"]) == (gone, "answered")
    assert client.request("DELETE", "/v1/conversations/kept").status_code == 204
    assert client.request("DELETE", "/v1/conversations/gone", params={"answers": True}).status_code == 204
    assert client.get("/v1/conversations").json()["data"] == []
    statuses = {one: client.get(f"/v1/answers/{one}").status_code for one in (kept, gone, other)}
    assert statuses == {kept: 200, gone: 410, other: 200}
    # Its receipts can still be deleted by the name after the turns are forgotten.
    assert client.request("DELETE", "/v1/conversations/kept", params={"answers": True}).status_code == 204
    assert client.get(f"/v1/answers/{kept}").status_code == 410
    again = client.request("DELETE", "/v1/conversations/kept", params={"answers": True})
    assert (again.status_code, again.json()["code"]) == (404, "conversation_not_found")


def test_a_narrow_key_sees_its_own_conversations_only(service: Service, tmp_path: Path) -> None:
    tenancy = Tenancy(service, tmp_path)
    for access, name in ((tenancy.narrow[0].access, "narrow"), (LOCAL, "wide")):
        with service.database.write() as tx:
            conversations.add_turn(tx, access.owner, name, Turn("q", "q", "a"))

    def names(token: str) -> set[str]:
        return {one["name"] for one in tenancy.ask(token, "GET", "/v1/conversations").json()["data"]}

    assert names(tenancy.narrow[1]) == {"narrow"}
    assert {"narrow", "wide"} <= names(tenancy.reader[1])
    assert not names(tenancy.other_admin[1]) & {"narrow", "wide"}
