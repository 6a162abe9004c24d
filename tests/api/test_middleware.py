from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from api.app import create_app
from api.assembly import Service
from api.middleware import SECURITY_HEADERS, BodyLimits
from api.problems import HttpProblem
from tests.api.conftest import Client


def test_every_answer_carries_an_id_and_the_security_headers(client: Client) -> None:
    for path in ("/livez", "/nowhere", "/v1/documents"):
        headers = client.get(path).headers
        assert len(headers["x-request-id"]) == 32
        for name in SECURITY_HEADERS:
            assert name in headers, (path, name)


def test_a_harmless_request_id_is_kept_and_another_is_not(client: Client) -> None:
    for given, kept in (("trace-0123", True), ("x\ty", False), ("short", False)):
        answered = client.get("/livez", headers={"X-Request-ID": given}).headers["x-request-id"]
        assert (answered == given) is kept


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[", "127.0.0.1@evil.example", "user@127.0.0.1"]
)
def test_other_hosts_are_refused(client: Client, host: str) -> None:
    answer = client.get("/livez", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost", "localhost:1", "[::1]:8321"])
def test_names_of_this_machine_are_served(client: Client, host: str) -> None:
    assert client.get("/livez", headers={"Host": host}).status_code == 200


def test_two_hosts_are_refused(client: Client) -> None:
    answer = client.get("/livez", headers=[("Host", "127.0.0.1"), ("Host", "127.0.0.1")])
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9"])
def test_other_origins_are_refused(client: Client, origin: str) -> None:
    answer = client.post("/v1/collections", json={"name": "x"}, headers={"Origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")


def test_own_origin_is_served(client: Client) -> None:
    assert client.get("/livez", headers={"Origin": "http://127.0.0.1"}).status_code == 200


def test_too_many_headers_are_refused(client: Client) -> None:
    answer = client.get("/livez", headers=[(f"X-{n}", "1") for n in range(200)])
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")


def test_a_body_is_refused_by_its_announced_length_and_by_its_real_one(client: Client) -> None:
    headers = {"Content-Type": "application/json"}
    announced = client.post("/v1/search", content=b" " * 2**21, headers=headers)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(2**6):
            yield b" " * 2**15

    counted = client.post("/v1/search", content=chunks(), headers=headers)
    for answer in (announced, counted):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_bug_tells_nothing_but_its_request_id(service: Service) -> None:
    app = create_app(service)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a secret")

    with capture_logs() as logged:
        answer = Client(app).get("/broken")
    assert [(one["event"], one["request_id"]) for one in logged] == [
        ("internal_error", answer.headers["x-request-id"]),
        ("request", answer.headers["x-request-id"]),
    ]
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_body_that_stops_arriving_ends_the_request(service: Service) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async def never() -> Any:
        await asyncio.sleep(60)

    async def send(_: Any) -> None:
        raise AssertionError("nothing is to be sent")

    limited = BodyLimits(app, json_bytes=10, upload_bytes=10, pause_seconds=0.01)
    scope = {"type": "http", "headers": []}
    with pytest.raises(HttpProblem) as stopped:
        asyncio.run(limited(scope, never, send))
    assert stopped.value.status_code == 408


def test_requests_are_counted_by_route_not_by_address(client: Client) -> None:
    client.get("/v1/documents/doc_abc")
    client.get("/v1/documents/doc_def")
    figures = client.get("/metrics").text
    assert 'route="/v1/documents/{document_id}",status="404"} 2.0' in figures
    assert "doc_abc" not in figures


def test_the_response_of_the_guard_is_a_problem(client: Client) -> None:
    answer: httpx.Response = client.get("/livez", headers={"Host": "evil.example"})
    assert answer.headers["content-type"] == "application/problem+json"
