"""The service's end, over a real server in a process of its own; only its parts are left out."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from api.lifecycle import Draining, Lifecycle, Server
from tests.faults.service import ROOT

_PATIENCE = 60.0

_PROGRAM = """
import sys, time
from pathlib import Path
from api import assembly, server
from api.settings import Settings
from rag.generation.asking import (RetrievalEvent)
from rag.models.cancellation import Cancelled
from rag.records import Coverage

class Slow:
    def ask(self, request, cancellation):
        yield RetrievalEvent(Coverage(0, 0, 0), ())
        while True:
            cancellation.check()
            time.sleep(0.01)

def start(service):
    service._answerer = Slow()
assembly.Service.start = start
server.serve(Settings(data=Path(sys.argv[1]), port=0, shutdown_seconds=int(sys.argv[2])))
"""


@contextmanager
def _serving(folder: Path, shutdown_seconds: int = 1) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address; it is gone afterwards, whatever became of the test."""
    command = [sys.executable, "-c", _PROGRAM, str(folder / "data"), str(shutdown_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield process, "http://" + process.stdout.readline().split("http://", 1)[1].split()[0]
        finally:
            process.kill()


def test_what_runs_is_told_what_comes_is_refused_and_the_end_is_clean(tmp_path: Path) -> None:
    with (
        _serving(tmp_path) as (process, address),
        httpx.Client(base_url=address, timeout=_PATIENCE, trust_env=False) as client,
    ):
        with client.stream("POST", "/v1/ask", json={"question": "How long?", "stream": True}) as answer:
            lines = answer.iter_lines()
            assert next(lines) == "event: retrieval"
            process.send_signal(signal.SIGTERM)
            assert _answered(address, "/readyz") == (503, "shutting_down")
            assert _answered(address, "/v1/search") == (503, "shutting_down")
            assert _answered(address, "/livez")[0] == 200
            rest = list(lines)  # until its time is over
        assert "event: error" in rest
        assert '"code": "shutting_down"' in rest[-2]
        assert process.wait(_PATIENCE) == 0


def _answered(address: str, path: str) -> tuple[int, str]:
    answer = httpx.request(
        "POST" if path == "/v1/search" else "GET", address + path, json={"query": "x"}, trust_env=False
    )
    return answer.status_code, answer.json().get("code", "")


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    asking: dict[str, Any] = {"json": {"question": "How long?", "stream": True}, "timeout": _PATIENCE}
    with (
        _serving(tmp_path, shutdown_seconds=300) as (process, address),
        httpx.stream("POST", address + "/v1/ask", **asking) as answer,
    ):
        assert next(answer.iter_lines()) == "event: retrieval"
        process.send_signal(signal.SIGTERM)
        while _answered(address, "/readyz") != (503, "shutting_down"):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_the_other_signals_end_it_as_well(tmp_path: Path, number: signal.Signals) -> None:
    with _serving(tmp_path) as (process, _):
        process.send_signal(number)
        assert process.wait(_PATIENCE) == 0


def test_a_closed_terminal_stays_ignored_where_it_was() -> None:
    before = signal.getsignal(signal.SIGHUP)
    others = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        life = Lifecycle()
        life.install()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == life.on_signal
    finally:
        signal.signal(signal.SIGHUP, before)
        for number, handler in others.items():
            signal.signal(number, handler)


def _server(life: Lifecycle, seconds: float, heard: list[str]) -> Server:
    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nobody asks")

    return Server(
        uvicorn.Config(app, lifespan="off", log_config=None),
        life,
        seconds,
        on_ending=lambda: heard.append("ending"),
        on_overdue=lambda: heard.append("overdue"),
    )


@pytest.mark.parametrize(("running", "heard"), [(0, ["ending"]), (1, ["ending", "overdue"])])
def test_it_ends_when_nothing_runs_or_time_is_over(
    running: int, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Lifecycle()
    monkeypatch.setattr(life, "limit", lambda seconds: None)
    found: list[str] = []
    server = _server(life, 0.0, found)

    async def tick() -> bool:
        return await server.on_tick(1)

    assert not asyncio.run(tick())
    life.ending, life.running = True, running
    assert not asyncio.run(tick())  # those who were sent away hear of it first
    assert asyncio.run(tick())
    assert found == heard


def test_requests_are_counted_while_they_run() -> None:
    life, seen = Lifecycle(), []

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append(life.running)
        raise ConnectionError

    async def request(path: str) -> None:
        with pytest.raises(ConnectionError):
            await Draining(app, life)({"type": "http", "path": path}, _never, _never)

    asyncio.run(request("/v1/ask"))
    asyncio.run(request("/livez"))
    assert seen == [1, 0]
    assert life.running == 0


async def _never(*_: object) -> Any:
    raise AssertionError("not to be called")


def test_what_hangs_at_the_end_is_left_behind(tmp_path: Path) -> None:
    program = (
        "import threading\n"
        "from api.lifecycle import Lifecycle\n"
        "life = Lifecycle()\n"
        "life.closed = True\n"
        "life.limit(0.1)\n"
        "threading.Event().wait()\n"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=_PATIENCE).returncode == 0
