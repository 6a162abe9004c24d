"""Ids, names and keys of another tenant in every field that takes one: as if they had never been."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.assembly import Service
from api.openai.errors import is_openai
from rag.stores import conversations
from rag.stores.access import LOCAL
from rag.stores.keys import KeyScope
from rag.stores.receipt_writer import ReceiptWriter
from tests.api.tenancy import Owned, Tenancy
from tests.rag.stores.receipts import receipt

Fields = Callable[[Owned], tuple[str, str, dict[str, Any]]]

NOBODY = "x" * 24


@pytest.fixture
def tenancy(service: Service, tmp_path: Path) -> Tenancy:
    return Tenancy(service, tmp_path)


def _search(**more: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", "/v1/search", {"json": {"query": "What opens the boiler room?", **more}}


def _upload(collection: str) -> tuple[str, str, dict[str, Any]]:
    return "POST", "/v1/documents", {"files": {"file": ("a.txt", b"A.")}, "data": {"collection": collection}}


FIELDS: dict[str, Fields] = {
    "search collections": lambda own: _search(collections=[own.collection]),
    "search among collections": lambda own: _search(collections=["minutes", own.collection]),
    "search filter": lambda own: _search(filter={"document_id": own.document.public_id}),
    "search filter $in": lambda own: _search(filter={"document_id": {"$in": [own.document.public_id]}}),
    "search filter $nin": lambda own: _search(filter={"document_id": {"$nin": [own.document.public_id]}}),
    "upload collection": lambda own: _upload(own.collection),
    "list of a collection": lambda own: ("GET", f"/v1/documents?collection={own.collection}", {}),
    "list of a parent": lambda own: ("GET", f"/v1/documents?parent={own.document.public_id}", {}),
    "list by hash": lambda own: ("GET", f"/v1/documents?sha256={own.document.newest.sha256}", {}),
    "answers that cite": lambda own: ("GET", f"/v1/answers?document={own.document.public_id}", {}),
    "these jobs": lambda own: ("GET", f"/v1/jobs?id={own.job}", {}),
    "key collections": lambda own: (
        "POST", "/v1/keys", {"json": {"name": "k", "scope": "read", "collections": [own.collection]}}
    ),
    "document": lambda own: ("GET", f"/v1/documents/{own.document.public_id}", {}),
    "replay": lambda own: ("POST", f"/v1/answers/{own.answer}/replay", {}),
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_an_id_of_another_tenant_is_as_an_unknown_one(tenancy: Tenancy, field: str) -> None:
    own = tenancy.own
    version = replace(own.document.newest, sha256="0" * 64)
    document = replace(own.document, public_id=f"doc_{NOBODY}", newest=version)
    job, answer, place, key = (f"{kind}_{NOBODY}" for kind in ("job", "ans", "col", "key"))
    nobody = Owned(own.access, document, job, answer, place, "team", key)
    theirs, unknown = (_outcome(tenancy, field, one) for one in (own, nobody))
    assert theirs == unknown
    assert "heron" not in theirs


def _outcome(tenancy: Tenancy, field: str, named: Owned) -> str:
    """Status and body, without what differs by itself: ids that were sent, times, the request's id."""
    method, path, options = FIELDS[field](named)
    answer = tenancy.ask(tenancy.other_admin[1], method, path, **options)
    body = answer.json()
    for volatile in ("request_id", "timings"):
        body.pop(volatile, None)
    said = f"{answer.status_code} {json.dumps(body)}"
    for sent in (*named.ids(), named.document.newest.sha256):
        said = said.replace(sent, "…")
    return said


def test_the_same_question_finds_ones_own_documents(tenancy: Tenancy) -> None:
    for token, own, foreign in (
        (tenancy.own_admin, "heron", "magpie"),
        (tenancy.other_admin, "magpie", "heron"),
    ):
        for more in ({}, {"collections": ["minutes"]}, {"mode": "dense"}, {"mode": "lexical"}):
            method, path, options = _search(**more)
            found = tenancy.ask(token[1], method, path, **options).json()
            assert [own in hit["text"] for hit in found["hits"]] == [True], (more, found)
            assert foreign not in json.dumps(found)


def test_an_idempotency_key_is_ones_own(tenancy: Tenancy) -> None:
    headers = {"Idempotency-Key": "same"}
    made = set()
    for token, content in ((tenancy.own_admin, b"One."), (tenancy.other_admin, b"Two.")):
        answer = tenancy.ask(
            token[1], "POST", "/v1/documents", files={"file": ("a.txt", content)}, headers=headers
        )
        assert answer.status_code == 202
        made.add(answer.json()["document"]["id"])
    assert len(made) == 2


def test_the_same_bytes_are_a_duplicate_in_ones_own_collection_only(tenancy: Tenancy) -> None:
    answer = tenancy.ask(
        tenancy.other_admin[1],
        "POST",
        "/v1/documents",
        files={"file": ("boiler.txt", b"The boiler room opens with heron.")},
        data={"collection": "minutes"},
    )
    assert (answer.status_code, answer.json()["duplicate"]) == (202, False)


def test_what_was_deleted_is_gone_for_its_own_and_unknown_to_others(tenancy: Tenancy) -> None:
    for path in (f"/v1/documents/{tenancy.own.document.public_id}", f"/v1/answers/{tenancy.own.answer}"):
        assert tenancy.ask(tenancy.own_admin[1], "DELETE", path).status_code == 204
        assert tenancy.ask(tenancy.own_admin[1], "GET", path).status_code == 410
        assert tenancy.ask(tenancy.other_admin[1], "GET", path).status_code == 404
        assert tenancy.ask(tenancy.narrow[1], "GET", path).status_code == 404


def test_deleting_a_document_leaves_other_tenants_conversations_alone(tenancy: Tenancy) -> None:
    def said() -> list[str]:
        with tenancy.service.database.read() as tx:
            turns = conversations.recent_turns(tx, tenancy.other.access.owner, "team", 9)
        return [turn.answer for turn in turns]

    before = said()
    tenancy.ask(tenancy.own_admin[1], "DELETE", f"/v1/documents/{tenancy.own.document.public_id}")
    assert said() == before
    assert tenancy.ask(tenancy.own_admin[1], "DELETE", "/v1/conversations/team").status_code == 204
    assert said() == before


def test_a_key_for_one_collection_sees_nothing_of_the_others(tenancy: Tenancy) -> None:
    token, own = tenancy.narrow[1], tenancy.own
    names = [one["name"] for one in tenancy.ask(token, "GET", "/v1/collections").json()["data"]]
    assert names == ["default"]
    for path in (
        f"/v1/documents/{own.document.public_id}",
        f"/v1/documents/{own.document.public_id}/text",
        f"/v1/jobs/{own.job}",
        f"/v1/answers/{own.answer}",
        "/v1/collections/minutes",
    ):
        assert tenancy.ask(token, "GET", path).status_code == 404, path
    for path in ("/v1/documents", "/v1/jobs", "/v1/answers"):
        assert tenancy.ask(token, "GET", path).json()["data"] == [], path
    assert tenancy.ask(token, "GET", "/v1/queue").json()["jobs"]["succeeded"] == 0
    method, path, options = _search()
    assert tenancy.ask(token, method, path, **options).json()["hits"] == []
    method, path, options = _search(collections=["minutes"])
    assert tenancy.ask(token, method, path, **options).status_code == 404
    assert tenancy.ask(token, "DELETE", "/v1/conversations/team").status_code == 404
    refused = tenancy.ask(token, "POST", "/v1/collections", json={"name": "new"})
    assert (refused.status_code, refused.json()["code"]) == (403, "right_missing")


def test_members_nobody_asked_for_are_refused(tenancy: Tenancy) -> None:
    """Mass assignment: whose a thing is, its id and its state are not the sender's to say."""
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/v1/collections"): {"name": "new"},
        ("POST", "/v1/search"): {"query": "boiler"},
        ("POST", "/v1/embedder/migrate"): {},
        ("POST", "/v1/ask"): {"question": "boiler?"},
        ("POST", "/v1/keys"): {"name": "new", "scope": "read"},
        ("PATCH", f"/v1/documents/{tenancy.own.document.public_id}"): {"metadata": {}},
    }
    document = tenancy.client.app.openapi()
    with_json = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
        and not is_openai(path)  # where unknown members are passed over, and have no effect
    }
    assert {(method, path.split("doc_")[0].rstrip("/")) for method, path in bodies} == {
        (method, path.split("/{")[0]) for method, path in with_json
    }
    for (method, path), body in bodies.items():
        for extra in ("tenant_id", "tenant", "id", "owner", "state", "key_id"):
            answer = tenancy.ask(tenancy.own_admin[1], method, path, json={**body, extra: 1})
            assert answer.status_code == 422, (method, path, extra)


def test_an_admin_key_makes_keys_of_its_own_tenant(tenancy: Tenancy) -> None:
    made = tenancy.ask(
        tenancy.other_admin[1],
        "POST",
        "/v1/keys",
        json={"name": "k", "scope": "read", "collections": ["minutes"]},
    ).json()
    assert (made["key"]["tenant"], made["key"]["collections"]) == ("acme", ["minutes"])
    seen = tenancy.ask(made["token"], "GET", "/v1/documents").json()["data"]
    assert [one["id"] for one in seen] == [tenancy.other.document.public_id]
    refused = tenancy.ask(
        tenancy.other_admin[1],
        "POST",
        "/v1/keys",
        json={"name": "k", "scope": "admin", "collections": ["minutes"]},
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_key")


def test_a_read_key_of_one_collection_keeps_its_own_answers(tenancy: Tenancy) -> None:
    """Answers of a key that sees less may be read by who sees more, not the other way round."""
    key, token = tenancy.key(LOCAL, KeyScope.READ, "minutes")
    ReceiptWriter(tenancy.service.database).write(
        replace(receipt("ans_narrow", conversation="team"), owner=key.access.owner)
    )
    assert [one["id"] for one in tenancy.ask(token, "GET", "/v1/answers").json()["data"]] == ["ans_narrow"]
    assert tenancy.ask(tenancy.reader[1], "GET", "/v1/answers/ans_narrow").status_code == 200
    assert tenancy.ask(token, "GET", f"/v1/answers/{tenancy.own.answer}").status_code == 404
