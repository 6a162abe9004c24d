"""Uploads take places before they are read; full means a clear no; a loop that hangs is noticed."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from fastapi import Request

from api import gate
from api.app import create_app
from api.assembly import Service
from api.backlog import Backlog
from api.gate import Gate
from api.loop_lag import LoopLag
from rag.errors import ServerBusy
from tests.api.conftest import Client

_PATIENCE = 30.0


def test_an_upload_gives_its_place_back(service: Service, client: Client) -> None:
    assert client.upload().status_code == 202
    assert service.load.uploads.taken == 0
    assert service.load.uploads.outcomes["admitted"] == 1


def test_without_a_place_nothing_is_read(service: Service, client: Client) -> None:
    """The body of the one that is refused is never asked for."""
    uploads = service.load.uploads

    async def run() -> list[dict[str, Any]]:
        places = [await uploads.enter("local") for _ in range(uploads._limits.running)]
        line = [asyncio.create_task(uploads.enter("local")) for _ in range(uploads._limits.share)]
        await asyncio.sleep(0)
        sent: list[dict[str, Any]] = []

        async def receive() -> Any:
            raise AssertionError("the body was read")

        async def send(message: Any) -> None:
            sent.append(message)

        await Gate(create_app(service), service.load)(_upload_scope(), receive, send)
        for task in line:
            task.cancel()
        for place in places:
            place.leave()
        return sent

    start, body = asyncio.run(run())
    assert start["status"] == 429
    headers = dict(start["headers"])
    assert int(headers[b"retry-after"]) >= 1
    assert headers[b"connection"] == b"close"
    assert b"too_many_uploads" in body["body"]


def test_a_question_without_a_place_is_not_even_read(service: Service, client: Client) -> None:
    """Its body is no JSON, which nobody finds out."""

    async def run() -> None:
        taken = [await service.gate.enter("local") for _ in range(service.gate._limits.running)]
        line = [asyncio.create_task(service.gate.enter("local")) for _ in range(service.gate._limits.share)]
        await asyncio.sleep(0)
        refused = await asyncio.to_thread(client.post, "/v1/ask", content=b"{")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_questions")
        for task in line:
            task.cancel()
        for place in taken:
            place.leave()

    asyncio.run(run())


def _upload_scope() -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/documents",
        "headers": [(b"content-type", b"multipart/form-data; boundary=x")],
        "footnote.request_id": "test",
    }


def test_the_place_is_free_once_the_file_is_stored(service: Service) -> None:
    """A request that then waits for its document keeps nobody out."""

    async def run() -> int:
        place = await service.load.uploads.enter("local")
        request = Request({"type": "http", "footnote.upload_place": place, "headers": []})
        assert await gate.store(request, service.load, lambda a, b: a + b, 1, b=2) == 3
        return service.load.uploads.taken

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize(("jobs", "size"), [(2, 10**9), (10**9, 20)])
def test_what_waits_to_be_read_is_bounded(service: Service, client: Client, jobs: int, size: int) -> None:
    service.load.backlog = backlog = Backlog(service.database, jobs, size)
    for number in range(2):
        assert client.upload(f"{number}.txt", b"Ten bytes %d" % number).status_code == 202
    backlog.look()
    assert (backlog.waiting.jobs, backlog.waiting.size) == (2, 22)
    refused = client.upload("third.txt", b"One too many")
    assert (refused.status_code, refused.json()["code"]) == (503, "queue_full")
    assert int(refused.headers["Retry-After"]) >= 1


def test_the_time_to_come_back_follows_the_pace(service: Service) -> None:
    backlog = Backlog(service.database, 1, 10**9)
    backlog._waiting = type(backlog.waiting)(101, 0, 101)
    backlog._rate = 10.0
    with pytest.raises(ServerBusy) as caught:
        backlog.check()
    assert caught.value.retry_after == pytest.approx(10.1)


def test_a_loop_that_stands_still_is_noticed() -> None:
    lag = LoopLag(blocked_seconds=0.05)

    async def run() -> None:
        measuring = asyncio.create_task(lag.run())
        await asyncio.sleep(0.1)
        deadline = time.monotonic() + _PATIENCE
        while lag.blocked == 0 and time.monotonic() < deadline:
            time.sleep(0.5)  # what must never be done on a loop
            await asyncio.sleep(0.1)
        measuring.cancel()

    asyncio.run(run())
    assert lag.blocked > 0
    assert lag.quantiles()["1"] > 0.05


def test_refusing_waits_for_no_thread(service: Service, client: Client) -> None:
    """With every thread of every pool taken, the service says that it lives and is not ready, and refuses."""
    busy = threading.Event()
    for one in service.load.queues:
        for _ in range(one._limits.running):
            one.executor.submit(busy.wait, _PATIENCE)
    try:
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
        service.life.ending = True
        assert client.post("/v1/search", json={"query": "x"}).json()["code"] == "shutting_down"
    finally:
        busy.set()


def test_queues_and_the_loop_are_among_the_figures(client: Client) -> None:
    client.upload()
    text = client.get("/metrics").text
    assert 'footnote_running{queue="uploads"} 0.0' in text
    assert 'footnote_admissions_total{outcome="admitted",queue="uploads"} 1.0' in text
    assert 'footnote_event_loop_lag_seconds{quantile="0.99"}' in text
