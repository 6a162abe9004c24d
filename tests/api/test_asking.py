"""A client that goes away stops the work done for it, streaming or not."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.app import create_app
from api.assembly import Service
from rag.errors import Unavailable
from rag.generation.asking import AnswerEvent, AskRequest, RetrievalEvent, TokenEvent
from rag.models.cancellation import Cancellation
from rag.records import Coverage
from tests.api.conftest import Client

_PATIENCE = 20.0


class EndlessAnswerer:
    """Writes for as long as anybody listens, as a model without limits would."""

    def __init__(self) -> None:
        self.writing = threading.Event()
        self.stopped = threading.Event()

    def ask(self, request: AskRequest, cancellation: Cancellation) -> Iterator[AnswerEvent]:
        try:
            yield RetrievalEvent(Coverage(0, 0, 0), ())
            while True:
                yield TokenEvent("more ")
                self.writing.set()
                self.stopped.wait(0.01)
        finally:
            self.stopped.set()


class FailingAnswerer:
    def ask(self, request: AskRequest, cancellation: Cancellation) -> Iterator[AnswerEvent]:
        yield RetrievalEvent(Coverage(0, 0, 0), ())
        raise Unavailable("generator_died", "The language model's process ended; ask again.")


@pytest.mark.parametrize("stream", [True, False])
def test_leaving_stops_the_model_and_frees_the_place(service: Service, stream: bool) -> None:
    answerer = EndlessAnswerer()
    service._answerer = answerer  # type: ignore[assignment]  # only what the route uses
    asyncio.run(_ask_and_leave(service, answerer, stream))
    assert answerer.stopped.is_set()
    assert service.gate.taken == 0


async def _ask_and_leave(service: Service, answerer: EndlessAnswerer, stream: bool) -> None:
    body = json.dumps({"question": "What?", "stream": stream}).encode()
    coming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if coming:
            return coming.pop()
        while not answerer.writing.is_set():
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        return None

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/ask",
        "raw_path": b"/v1/ask",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
    }
    await asyncio.wait_for(create_app(service)(scope, receive, send), _PATIENCE)
    while service.gate.taken:
        await asyncio.sleep(0.01)


class BrokenAnswerer:
    def ask(self, request: AskRequest, cancellation: Cancellation) -> Iterator[AnswerEvent]:
        yield RetrievalEvent(Coverage(0, 0, 0), ())
        raise RuntimeError("a secret")


def test_a_bug_while_streaming_is_an_event_that_tells_nothing(service: Service) -> None:
    service._answerer = BrokenAnswerer()  # type: ignore[assignment]  # only what the route uses
    with capture_logs() as logged:
        streamed = Client(create_app(service)).post("/v1/ask", json={"question": "What?", "stream": True})
    assert '"code": "internal_error"' in streamed.text
    assert "secret" not in streamed.text
    assert [one["event"] for one in logged if one["log_level"] == "error"] == ["internal_error"]


def test_a_failure_while_streaming_is_an_event(service: Service) -> None:
    service._answerer = FailingAnswerer()  # type: ignore[assignment]  # only what the route uses
    client = Client(create_app(service))
    streamed = client.post("/v1/ask", json={"question": "What?", "stream": True})
    assert streamed.status_code == 200
    name, data = streamed.text.strip().split("\n\n")[-1].split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["code"] == "generator_died"
    whole = client.post("/v1/ask", json={"question": "What?"})
    assert (whole.status_code, whole.json()["code"]) == (503, "generator_died")
