"""Ids and names of another tenant, wherever OpenAI's clients may put one: as if they had never been."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.assembly import Service
from api.openai import naming
from tests.api.tenancy import Owned, Tenancy

Request = tuple[str, str, dict[str, Any]]


@pytest.fixture
def tenancy(service: Service, tmp_path: Path) -> Tenancy:
    return Tenancy(service, tmp_path)


def _chat(**more: Any) -> Request:
    body = {"model": "footnote", "messages": [{"role": "user", "content": "What opens it?"}], **more}
    return "POST", "/v1/chat/completions", {"json": body}


def _response(**more: Any) -> Request:
    return "POST", "/v1/responses", {"json": {"model": "footnote", "input": "What opens it?", **more}}


def _search(tool: dict[str, Any]) -> Request:
    return _response(tools=[{"type": "file_search", **tool}])


def _own_store(**more: Any) -> Request:
    return "POST", "/v1/vector_stores/minutes/search", {"json": {"query": "boiler", **more}}


NAMED: dict[str, Callable[[Owned], Request]] = {
    "previous response": lambda own: _response(previous_response_id=naming.response_id(own.answer)),
    "file of a store": lambda own: ("GET", f"/v1/vector_stores/minutes/files/{own.document.public_id}", {}),
    "file put into a store": lambda own: (
        "POST", "/v1/vector_stores/minutes/files", {"json": {"file_id": own.document.public_id}}
    ),
    "file of a new store": lambda own: (
        "POST", "/v1/vector_stores", {"json": {"name": "n", "file_ids": [own.document.public_id]}}
    ),
    "page of files": lambda own: ("GET", f"/v1/files?after={own.document.public_id}", {}),
    "page of stores": lambda own: ("GET", f"/v1/vector_stores?after={own.collection}", {}),
    "filter": lambda own: _own_store(
        filters={"type": "eq", "key": "file_id", "value": own.document.public_id}
    ),
    "file's collection": lambda own: (
        "POST", "/v1/files", {"files": {"file": ("a.txt", b"A.")}, "data": {"collection": own.collection}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("named", NAMED)
def test_what_is_another_tenant_s_is_not_found(tenancy: Tenancy, named: str) -> None:
    method, path, options = NAMED[named](tenancy.own)
    theirs = tenancy.ask(tenancy.other_admin[1], method, path, **options)
    assert theirs.status_code == 404
    error = theirs.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert "heron" not in json.dumps(error)
    own = tenancy.ask(tenancy.own_admin[1], method, path, **options)
    assert own.status_code != 404


def test_lists_hold_the_caller_s_own(tenancy: Tenancy) -> None:
    for path in ("/v1/files", "/v1/vector_stores", "/v1/models", "/v1/vector_stores/minutes/files"):
        listed = tenancy.ask(tenancy.other_admin[1], "GET", path).text
        assert not [one for one in tenancy.own.ids() if one in listed]
    assert tenancy.other.document.public_id in tenancy.ask(tenancy.other_admin[1], "GET", "/v1/files").text


def test_a_narrow_key_cannot_reach_beyond_its_collection(tenancy: Tenancy) -> None:
    token, document = tenancy.narrow[1], tenancy.own.document.public_id
    models = [one["id"] for one in tenancy.ask(token, "GET", "/v1/models").json()["data"]]
    assert "footnote:default" in models
    assert "footnote:minutes" not in models
    for method, path, options in (
        ("GET", "/v1/vector_stores/minutes", {}),
        ("GET", f"/v1/files/{document}", {}),
        ("DELETE", f"/v1/vector_stores/minutes/files/{document}", {}),
        ("POST", "/v1/vector_stores/default/files", {"json": {"file_id": document}}),
    ):
        assert tenancy.ask(token, method, path, **options).status_code == 404
    refused = tenancy.ask(token, "POST", "/v1/vector_stores", json={"name": "n"})
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")


def test_members_nobody_asked_for_have_no_effect(tenancy: Tenancy) -> None:
    """Unknown members are passed over; whose a thing is and what it is called is not the sender's to say."""
    extra = {"tenant_id": tenancy.own.access.tenant, "tenant": "default", "id": "col_mine", "owner": "local"}
    made = tenancy.ask(tenancy.other_admin[1], "POST", "/v1/vector_stores", json={"name": "n", **extra})
    assert made.json()["id"] != "col_mine"
    assert (
        tenancy.ask(tenancy.own_admin[1], "GET", f"/v1/vector_stores/{made.json()['id']}").status_code == 404
    )
