"""Requests that cannot be carried out are answered with a stable code, whatever is in them."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import Client

_JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"query": " \n"},
        {"query": 1},
        {"query": "x", "k": 0},
        {"query": "x", "k": 10**9},
        {"query": "x", "k": -1},
        {"query": "x", "k": 1.5},
        {"query": "x", "k": True},
        {"query": "x", "k": "3"},
        {"query": "x", "mode": "magic"},
        {"query": "x", "collections": []},
        {"query": "x", "collections": ["a/b"]},
        {"query": "x", "filter": [1]},
        {"query": "x", "filter": {"name": list(range(1001))}},
        {"query": "x", "tenant_id": 1},
        {"query": "x" * 100_001},
        [],
        "x",
        None,
    ],
    ids=lambda body: json.dumps(body)[:40],
)
def test_searches_out_of_bounds(client: Client, body: object) -> None:
    answer = client.post("/v1/search", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"query": "x", "k": NaN}',
        '{"query": "x", "k": 1e999}',
        '{"query": "x", "query": "y"}',
        '{"query": "\\ud800"}',
        '{"query": "x", "filter": {"metadata.a": 1' + "0" * 30 + "}}",
        "[" * 100_000,
        b'{"query": "\xff"}',
    ],
    ids=lambda body: str(body)[:40],
)
def test_bodies_that_are_not_json(client: Client, body: str | bytes) -> None:
    for path in ("/v1/search", "/v1/ask", "/v1/collections"):
        answer = client.post(path, content=body, headers=_JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    "change",
    [
        {"max_citations": 0},
        {"max_citations": 10**9},
        {"mode": "guess"},
        {"stream": "yes"},
        {"conversation": "a b"},
        {"conversation": "x" * 65},
        {"temperature": 0.5},
    ],
    ids=str,
)
def test_questions_out_of_bounds(client: Client, change: dict[str, object]) -> None:
    answer = client.post("/v1/ask", json={"question": "What?", **change})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/ask"])
def test_long_questions_are_refused_before_anything_is_looked_up(client: Client, path: str) -> None:
    text = "why " * 2000
    answer = client.post(path, json={"query" if path == "/v1/search" else "question": text})
    assert (answer.status_code, answer.json()["code"]) == (413, "question_too_long")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/ask"])
def test_before_the_models_are_loaded_the_answer_is_503(client: Client, path: str) -> None:
    answer = client.post(path, json={"query" if path == "/v1/search" else "question": "x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "search_starting")


@pytest.mark.parametrize(
    "address",
    [
        "/v1/documents?limit=0",
        "/v1/documents?limit=100000",
        "/v1/documents?cursor=x",
        f"/v1/documents?cursor={'9' * 100}",
        "/v1/documents?state=lost",
        "/v1/documents/d/text?start=-1",
        f"/v1/documents/d/text?start={'9' * 30}",
        f"/v1/documents/d/text?version={'9' * 5000}",
        "/v1/documents/d/pages/0",
        f"/v1/documents/d/pages/{'9' * 5000}",
        "/v1/documents/d/pages/one",
        "/v1/documents/d/pages/1.png?scale=nan",
        "/v1/documents/d/pages/1.png?scale=1e9",
        "/v1/jobs?state=lost",
        f"/v1/documents/{'d' * 101}",
    ],
    ids=lambda address: address[:50],
)
def test_addresses_out_of_bounds(client: Client, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "route_not_found"),
        ("DELETE", "/v1/search", 405, "method_not_allowed"),
        ("GET", "/v1/documents/%00", 404, "document_not_found"),
        ("GET", "/v1/documents/%ed%a0%80", 404, "document_not_found"),
        ("GET", "/v1/jobs/job_x", 404, "job_not_found"),
        ("GET", "/v1/jobs/job_x/events", 404, "job_not_found"),
        ("GET", "/v1/collections/nope", 404, "collection_not_found"),
    ],
)
def test_what_there_is_not(client: Client, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=b", "multipart/form-data; boundary="],
)
def test_a_broken_form(client: Client, content_type: str) -> None:
    answer = client.post("/v1/documents", content=b"x", headers={"Content-Type": content_type})
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("malformed_body", "invalid_request")
