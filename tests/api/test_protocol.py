"""The HTTP edge on real sockets: what is refused, and that nobody can hold a connection for nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send

from api.connections import ConnectionLimits
from tests.api.raw_http import Served, is_closed, read_until_still, serving

_HOST = b"Host: 127.0.0.1\r\n"
_SECOND = b"GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def served(shared_server: Served) -> Served:
    shared_server.requests.clear()
    shared_server.bodies.clear()
    return shared_server


def _problem(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    found = json.loads(body)
    assert isinstance(found, dict)
    assert int(head.split()[1]) == found["status"]
    assert found["request_id"].encode() in head
    return found


_POST = b"POST / HTTP/1.1\r\n" + _HOST
_GET = b"GET / HTTP/1.1\r\n" + _HOST
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_NOTHING = b"\r\n0\r\n\r\n"

_SMUGGLING = {
    "length and chunked": _POST + b"Content-Length: 4\r\n" + _CHUNKED + _NOTHING + _SECOND,
    "chunked and length": _POST + _CHUNKED + b"Content-Length: 4\r\n" + _NOTHING + _SECOND,
    "two lengths": _POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + _SECOND,
    "list of lengths": _POST + b"Content-Length: 0, 44\r\n\r\n" + _SECOND,
    "signed length": _POST + b"Content-Length: +0\r\n\r\n" + _SECOND,
    "two codings": _POST + _CHUNKED + b"Transfer-Encoding: identity\r\n" + _NOTHING + _SECOND,
    "unknown coding": _POST + b"Transfer-Encoding: xchunked\r\n" + _NOTHING + _SECOND,
    "chunked in 1.0": b"POST / HTTP/1.0\r\n" + _HOST + _CHUNKED + _NOTHING + _SECOND,
    "space before colon": _POST + b"Transfer-Encoding : chunked\r\n" + _NOTHING + _SECOND,
    "bare line feeds": b"GET / HTTP/1.1\nHost: 127.0.0.1\n\n",
    "folded line": _GET + b"X: a\r\n b: c\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": _GET + b"Host: evil.example\r\n\r\n",
    "another host in the address": b"GET http://evil.example/ HTTP/1.1\r\n" + _HOST + b"\r\n",
    "chunk size beyond 64 bits": _POST + _CHUNKED + b"\r\n1" + b"0" * 16 + b"\r\nx",
    "no size of a chunk": _POST + _CHUNKED + b"\r\nxyz\r\n",
    "bare carriage return": _GET + b"X: a\rTransfer-Encoding: chunked\r\n\r\n",
    "nul in a header": _GET + b"X: a\0b\r\n\r\n",
    "control character in a header": _GET + b"X: a\x01b\r\n\r\n",
    "strange header name": _GET + b"X(y): a\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "version 3": b"GET / HTTP/3.0\r\n" + _HOST + b"\r\n",
    "a tunnel": b"CONNECT evil.example:80 HTTP/1.1\r\n" + _HOST + b"\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
}


@pytest.mark.parametrize("case", _SMUGGLING, ids=lambda case: case)
def test_what_two_readers_could_understand_differently_is_refused(served: Served, case: str) -> None:
    answer = served.exchange(_SMUGGLING[case])
    assert (_problem(answer)["status"], _problem(answer)["code"]) == (400, "malformed_request")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert served.requests == []


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n" + _HOST + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + _HOST + b"X: " + b"a" * 600_000,
        b"GET / HTTP/1.1\r\n" + _HOST + b"X: 1\r\n" * 5000 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + _HOST + b"X: 1\r\n" * 100 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + _HOST + (b"X: " + b"a" * 1000 + b"\r\n") * 17 + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n",
        b"POST / HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: 1\r\n" * 5000,
        b"POST / HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 600_000,
        b"POST / HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n1;x=" + b"a" * 600_000,
    ],
    ids=["line", "endless line", "5000", "101", "sum", "address", "trailers", "endless trailer", "extension"],
)
def test_heads_that_are_too_large_are_refused(served: Served, request_: bytes) -> None:
    assert _problem(served.exchange(request_))["code"] == "headers_too_large"
    assert served.requests == []


def test_100_headers_and_16_kilobytes_are_served(served: Served) -> None:
    answer = served.exchange(
        b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\n" + _HOST + (b"X: " + b"a" * 70 + b"\r\n") * 99 + b"\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_the_whole_address_is_understood_when_it_names_the_same_host(served: Served) -> None:
    request = b"GET http://127.0.0.1/a HTTP/1.1\r\n" + _HOST + b"\r\n"
    assert served.exchange(request).startswith(b"HTTP/1.1 200 ")
    assert served.requests == ["GET /a"]


def test_trailers_do_not_become_headers() -> None:
    seen: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        seen.extend(name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with serving(app) as served:
        chunked = b"POST / HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        assert b" 204 " in served.exchange(chunked + b"2\r\nab\r\n0\r\nAuthorization: x\r\n\r\n")
    assert sorted(seen) == [b"host", b"transfer-encoding"]


def test_requests_in_a_row_are_answered_in_order_and_the_malformed_one_ends_it(served: Served) -> None:
    good = [b"GET /%d HTTP/1.1\r\n" % n + _HOST + b"\r\n" for n in range(3)]
    answer = served.exchange(b"".join(good) + b"junk\r\n\r\n" + b"GET /never HTTP/1.1\r\n" + _HOST + b"\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert served.requests == ["GET /0", "GET /1", "GET /2"]


def test_a_body_that_turns_malformed_is_refused_while_the_application_waits_for_it(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        time.sleep(0.05)
        connection.sendall(b"no number\r\n")
        assert _problem(read_until_still(connection))["code"] == "malformed_request"
    assert served.requests == []


def test_another_protocol_is_not_spoken_and_the_request_is_answered_in_this_one(served: Served) -> None:
    asked = b"GET / HTTP/1.1\r\n" + _HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with served.connect() as connection:
        connection.sendall(asked + _SECOND)
        answer = read_until_still(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer
    assert served.requests == ["GET /"]


def test_the_connection_serves_again_after_an_answer_that_came_before_the_body() -> None:
    with serving(_refuse_at_once) as served, served.connect() as connection:
        head = b"POST / HTTP/1.1\r\n" + _HOST + b"Content-Length: 400000\r\n\r\n"
        connection.sendall(head)
        assert b" 413 " in read_until_still(connection)
        connection.sendall(bytes(400_000) + head)
        assert b" 413 " in read_until_still(connection)


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"], ids=["kept", "closing"])
def test_who_sends_too_much_gets_to_read_the_refusal(more: bytes) -> None:
    with serving(_refuse_at_once) as served, served.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + _HOST + more + b"Content-Length: 4000000\r\n\r\n")
        connection.sendall(bytes(4_000_000))
        assert b" 413 " in read_until_still(connection)


async def _refuse_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


# Time

_HASTY = ConnectionLimits(head_seconds=0.3, write_seconds=0.3)


@pytest.mark.parametrize("sent", [b"GE", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", b"\r\n"])
def test_a_head_that_does_not_arrive_in_time_is_refused(sent: bytes) -> None:
    with serving(limits=_HASTY) as served, served.connect() as connection:
        connection.sendall(sent)
        assert _problem(read_until_still(connection))["code"] == "head_too_slow"
        assert served.refused == [408]


def test_a_head_that_arrives_byte_by_byte_has_no_more_time() -> None:
    with serving(limits=_HASTY) as served, served.connect() as connection:
        connection.sendall(_GET + b"X: ")
        deadline = time.monotonic() + 10
        while not served.refused and time.monotonic() < deadline:
            connection.sendall(b"a")
            time.sleep(0.02)
        assert _problem(read_until_still(connection))["code"] == "head_too_slow"


def test_who_connects_and_says_nothing_is_let_go_without_a_word() -> None:
    with serving(limits=_HASTY) as served, served.connect() as connection:
        assert read_until_still(connection) == b""
        assert is_closed(connection)
        assert served.refused == []


def test_the_head_after_an_answer_has_its_time_too() -> None:
    with serving(limits=_HASTY) as served, served.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + _HOST + b"\r\nGET /two")
        assert b" 200 " in read_until_still(connection, 0.1)
        assert _problem(read_until_still(connection))["code"] == "head_too_slow"


def test_who_reads_nothing_is_let_go_and_the_application_told() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(2000):
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
            await receive_if_gone(receive, told)
            if told:
                return

    async def receive_if_gone(receive: Receive, told: list[str]) -> None:
        if not told and (await _soon(receive))["type"] == "http.disconnect":
            told.append("gone")

    with serving(app, _HASTY) as served, served.connect(receive_buffer=4096) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + _HOST + b"\r\n")
        deadline = time.monotonic() + 10
        while not told and time.monotonic() < deadline:
            time.sleep(0.05)
        assert told == ["gone"]
        assert len(served.edge.connections) == 0


async def _soon(receive: Receive) -> dict[str, object]:
    try:
        return dict(await asyncio.wait_for(receive(), 0.001))
    except TimeoutError:
        return {"type": "nothing"}


def test_a_reader_who_is_only_slow_gets_everything() -> None:
    size = 6_000_000

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(size // 60_000):
            await send({"type": "http.response.body", "body": bytes(60_000), "more_body": True})
        await send({"type": "http.response.body"})

    with serving(app, _HASTY) as served, served.connect(receive_buffer=65536) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + _HOST + b"\r\n")
        received = 0
        while received < size:
            time.sleep(0.02)  # several times the deadline in all
            part = connection.recv(100_000)
            assert part
            received += len(part)


# Places

_FEW = ConnectionLimits(connections=8)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX: a", b"GET / HTTP/1.1\r\n" + _HOST + b"\r\n"])
def test_connections_that_do_nothing_make_room_for_those_that_do(sent: bytes) -> None:
    with serving(limits=_FEW) as served:
        idle = [served.connect() for _ in range(20)]
        for connection in idle:
            with suppress(OSError):  # it has been given up already
                connection.sendall(sent)
                if sent.endswith(b"\r\n\r\n"):
                    connection.recv(100_000)  # while it is being answered it does something
        for number in range(10):
            assert b" 200 " in served.exchange(b"GET /%d HTTP/1.1\r\n" % number + _HOST + b"\r\n")
        assert len(served.edge.connections) <= 8
        for connection in idle:
            connection.close()


def test_when_everybody_is_being_answered_a_newcomer_is_told_to_come_again() -> None:
    answering: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answering.append(scope)
        while (await receive())["type"] != "http.disconnect":
            pass

    with serving(app, _FEW) as served:
        busy = [served.connect() for _ in range(8)]
        for connection in busy:
            connection.sendall(b"GET / HTTP/1.1\r\n" + _HOST + b"\r\n")
        deadline = time.monotonic() + 60
        while len(answering) < len(busy) and time.monotonic() < deadline:
            time.sleep(0.01)
        answer = served.exchange(b"GET / HTTP/1.1\r\n" + _HOST + b"\r\n")
        assert _problem(answer)["code"] == "too_many_connections"
        assert b"Retry-After: 1\r\n" in answer
        for connection in busy:
            connection.close()
