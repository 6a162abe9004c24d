"""However a request is refused, OpenAI's clients can read why; elsewhere problem documents stay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.assembly import Service
from rag.errors import Unavailable
from rag.generation.asking import AnswerEvent, RetrievalEvent
from rag.records import Coverage
from tests.api.conftest import Client

JSON = {"Content-Type": "application/json"}
ASKED = {"model": "footnote", "messages": [{"role": "user", "content": "What?"}]}


@pytest.fixture
def app(service: Service) -> Client:
    return Client(create_app(service))


def _error(answer: Any) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("POST", "/v1/chat/completions", {"json": {"model": "footnote"}}, 400, "invalid_request"),
        ("POST", "/v1/chat/completions", {"content": b"{", "headers": JSON}, 400, "invalid_json"),
        ("GET", "/v1/chat/completions", {}, 405, "method_not_allowed"),
        ("GET", "/v1/chat/nowhere", {}, 404, "route_not_found"),
        ("GET", "/v1/files", {"headers": {"Host": "evil.example"}}, 403, "host_not_allowed"),
        ("POST", "/v1/responses", {"content": b" " * 2_000_000}, 413, "body_too_large"),
        ("POST", "/v1/files", {"files": {"file": ("a.bin", bytes(range(256)))}}, 415, "unsupported_type"),
        ("DELETE", "/v1/vector_stores/default", {}, 409, "collection_is_default"),
        ("POST", "/v1/chat/completions", {"json": ASKED}, 503, "search_starting"),
    ],
)
def test_refusals(
    app: Client, method: str, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    answer = app.request(method, path, **options)
    assert (answer.status_code, _error(answer)["code"]) == (status, code)
    assert answer.headers["x-request-id"]
    assert (answer.headers.get("x-should-retry") == "false") == (status == 409)


def test_the_member_that_is_wrong_is_named(app: Client) -> None:
    wrong = {**ASKED, "messages": [{"role": "user", "content": 7}]}
    assert str(_error(app.post("/v1/chat/completions", json=wrong))["param"]).startswith("messages.0.content")


def test_problem_documents_stay_elsewhere(app: Client) -> None:
    answer = app.post("/v1/ask", json={})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == 422


class _Failing:
    def ask(self, *_: Any) -> Iterator[AnswerEvent]:
        yield RetrievalEvent(Coverage(0, 0, 0), ())
        raise Unavailable("generator_died", "The language model's process ended; ask again.")


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/chat/completions", ASKED), ("/v1/responses", {"model": "footnote", "input": "x"})],
)
def test_a_failure_while_streaming_is_an_event_clients_raise(
    service: Service, path: str, body: dict[str, Any]
) -> None:
    service._answerer = _Failing()  # type: ignore[assignment]  # only what the route uses
    streamed, whole = asyncio.run(_ask_twice(service, path, body))
    assert streamed.status_code == 200
    name, data = streamed.text.strip().split("\n\n")[-1].split("\n")
    assert name == "event: error"
    error = json.loads(data.removeprefix("data: "))["error"]
    assert (error["code"], error["type"]) == ("generator_died", "server_error")
    assert (whole.status_code, _error(whole)["code"]) == (503, "generator_died")


async def _ask_twice(
    service: Service, path: str, body: dict[str, Any]
) -> tuple[httpx.Response, httpx.Response]:
    """Streamed and whole, and until both places are free again."""
    transport = httpx.ASGITransport(create_app(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        streamed = await client.post(path, json={**body, "stream": True})
        whole = await client.post(path, json=body)
    async with asyncio.timeout(10):
        while service.gate.taken:
            await asyncio.sleep(0.01)
    return streamed, whole


def test_any_key_will_do_until_there_is_one(app: Client) -> None:
    unused = {"Authorization": "Bearer unused"}
    assert app.get("/v1/models", headers=unused).status_code == 200
    assert app.post("/v1/keys", json={"name": "first", "scope": "admin"}).status_code == 201
    refused = app.get("/v1/models", headers=unused)
    assert (refused.status_code, _error(refused)["type"]) == (401, "authentication_error")
