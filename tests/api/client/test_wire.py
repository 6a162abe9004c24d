"""What the client makes of answers that a well service seldom gives, and how it repeats itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from api.client import Busy, Footnote, Interrupted, Refused, Unavailable
from api.client.addressing import Address, resolve
from api.client.blocking.wire import Wire
from api.client.errors import ClientError, refusal
from api.client.patience import Patience
from api.client.records import Key
from api.client.sse import Events
from scripts import make_client
from tests.conftest import ROOT

BUSY = {"code": "server_busy", "detail": "Come back.", "status": 503, "request_id": "r" * 32}
Answering = Callable[[httpx.Request], httpx.Response]


def _client(answers: Iterator[httpx.Response | Exception], patience: float = 10.0) -> Footnote:
    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    return Footnote("http://127.0.0.1:1", patience=patience, transport=httpx.MockTransport(answer))


def test_a_busy_service_is_asked_again_when_it_said() -> None:
    busy = httpx.Response(503, json=BUSY, headers={"Retry-After": "0"})
    done = httpx.Response(200, json={"hits": [], "coverage": _coverage(), "timings": {}})
    assert _client(iter([busy, busy, done])).search("x").hits == []


def test_patience_has_an_end_and_the_error_says_when_to_come_back() -> None:
    busy = httpx.Response(429, json={**BUSY, "status": 429}, headers={"Retry-After": "7"})
    with pytest.raises(Busy) as refused:
        _client(iter([busy]), patience=5.0).search("x")
    assert (refused.value.retry_after, refused.value.request_id) == (7.0, "r" * 32)


def test_what_does_not_say_when_to_come_back_is_raised_at_once() -> None:
    with pytest.raises(Unavailable) as refused:
        _client(iter([httpx.Response(503, json=BUSY)])).search("x")
    assert not isinstance(refused.value, Busy)


def test_a_broken_connection_is_tried_again_only_where_that_does_nothing_twice() -> None:
    broken = httpx.RemoteProtocolError("closed")
    readiness = httpx.Response(200, json={"ready": True, "parts": {}})
    assert _client(iter([broken, readiness])).ready().ready
    with pytest.raises(Interrupted):
        _client(iter([broken, readiness])).ask("What?")


def test_an_upload_is_sent_again_whole_under_the_same_key() -> None:
    seen: list[tuple[str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers["idempotency-key"], request.read()))
        if len(seen) == 1:
            raise httpx.ReadError("closed")
        return httpx.Response(409, json={"code": "enough", "status": 409})

    client = Footnote("http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    with pytest.raises(Refused, match="enough"):
        client.documents.upload(b"The whole file.", name="a.txt")
    assert len({key for key, _ in seen}) == 1
    assert all(b"The whole file." in body for _, body in seen)


@pytest.mark.parametrize(
    ("waits", "expected"), [([3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, None]), ([11.0], [None])]
)
def test_waiting_is_counted_together(waits: list[float], expected: list[float | None]) -> None:
    patience = Patience(10.0, repeatable=False)
    errors: list[ClientError] = [refusal(BUSY, seconds) for seconds in waits]
    assert [patience.pause_after(error) for error in errors] == expected


def test_no_patience_never_repeats() -> None:
    patience = Patience(0.0, repeatable=True)
    assert patience.pause_after(Interrupted("http://127.0.0.1", "ReadError")) is None
    assert patience.pause_after(refusal(BUSY, 1.0)) is None


def test_events_are_cut_at_line_feeds_alone_wherever_the_bytes_are_cut() -> None:
    text = "one\u2028two\u0085three\x1cfour"
    sent = f'event: token\ndata: {{"text": "{text}"}}\n\n: note\n\nevent: done\r\ndata: 1\r\ndata: 2\r\n\r\n'
    expected = [("token", f'{{"text": "{text}"}}'.encode()), ("done", b"1\n2")]
    for size in (1, 3, 1000):
        events, found = Events(), []
        encoded = sent.encode()
        for start in range(0, len(encoded), size):
            found += list(events.feed(encoded[start : start + size]))
        assert found == expected


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    cut = httpx.Response(200, content=b"event: heartbeat\ndata: {}\n\n")
    with _client(iter([cut])).stream("What?") as events, pytest.raises(Interrupted, match="broke off"):
        list(events)


def test_an_error_event_is_raised() -> None:
    said = b'event: error\ndata: {"code": "generator_died", "detail": "Again.", "status": 503}\n\n'
    with (
        _client(iter([httpx.Response(200, content=said)])).stream("What?") as events,
        pytest.raises(Unavailable, match="generator_died"),
    ):
        list(events)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(404, text="nginx"),
        httpx.Response(200, json={"hits": 1}),
        httpx.Response(500, json=["no", "problem"]),
    ],
)
def test_what_is_no_footnote_is_said(answer: httpx.Response) -> None:
    with pytest.raises(Refused, match=r"not_footnote|not_understood"):
        _client(iter([answer])).search("x")


def test_members_of_a_newer_service_are_ignored() -> None:
    newer = httpx.Response(200, json={"ready": True, "parts": {}, "mood": "fine"})
    assert _client(iter([newer])).ready().ready


def test_address_and_key_come_from_the_environment_unless_they_are_given() -> None:
    environment = {"FOOTNOTE_URL": "https://library.example/", "FOOTNOTE_KEY": "fn_a"}
    assert resolve(None, None, environment) == Address("https://library.example", "fn_a")
    assert resolve("http://127.0.0.1:1", "", environment) == Address("http://127.0.0.1:1", None)
    assert resolve(None, None, {}).url == "http://127.0.0.1:8321"
    for wrong in ("ftp://x", "127.0.0.1:8321", "http://"):
        with pytest.raises(ValueError, match="no address"):
            resolve(wrong, None, {})
    with pytest.raises(ValueError, match="key"):
        resolve(None, "fn_a\r\nHost: evil", {})


def test_the_key_is_in_no_representation() -> None:
    assert "fn_secret" not in repr(Address("http://127.0.0.1", "fn_secret"))


def test_only_other_machines_are_reached_through_proxies() -> None:
    assert Address("http://127.0.0.1:8321", None).is_local
    assert Address("http://[::1]:8321", None).is_local
    assert not Address("https://library.example", None).is_local


def test_importing_the_client_loads_nothing_of_the_server() -> None:
    heavy = {
        "torch",
        "faiss",
        "fastapi",
        "starlette",
        "sqlalchemy",
        "llama_cpp",
        "transformers",
        "mcp",
    }
    code = f"import sys, api.client; found = {heavy!r} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_blocking_client_is_the_translation_of_the_asynchronous_one(tmp_path: Path) -> None:
    make_client.make(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.glob("*.py")}
    assert made == {path.name: path.read_text() for path in make_client.TARGET.glob("*.py")}, (
        "run python -m scripts.make_client"
    )


def test_keys_are_those_of_the_service() -> None:
    from api import keys

    assert Key.model_fields.keys() == keys.Key.model_fields.keys()


def test_wire_is_what_both_speak_through() -> None:
    assert Wire(resolve("http://127.0.0.1:1/", "", {}), 0.0, 1.0).url == "http://127.0.0.1:1"


def _coverage() -> dict[str, int | None]:
    return {
        "documents": 0,
        "passages_seen": 0,
        "passages_matching": 0,
        "documents_matching": None,
        "sections_seen": None,
        "sections_total": None,
        "complete": None,
    }
