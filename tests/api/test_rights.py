"""Every route with every kind of key. The list is the route table: what is new there is tested at once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pysqlite3
import pytest
from fastapi import APIRouter
from structlog.testing import capture_logs

from api import app as application
from api import auth
from api.app import create_app
from api.assembly import Service
from api.rights import Door, Right, doors_of
from api.routes import web
from rag.errors import Busy
from rag.generation.asking import AnswerEvent, RetrievalEvent, TokenEvent
from rag.records import Coverage
from rag.stores import keys
from rag.stores.access import LOCAL
from tests.api.tenancy import Owned, Tenancy

UNKNOWN = "fn_aaaaaaaa_" + "A" * 43
_PATIENCE = 20.0


@pytest.fixture
def tenancy(service: Service, tmp_path: Path) -> Tenancy:
    return Tenancy(service, tmp_path)


def _requests(doors: list[Door], owned: Owned) -> list[tuple[Door, str, str]]:
    """Each route as a request for things of that owner."""
    values = {
        "document_id": owned.document.public_id,
        "job_id": owned.job,
        "answer_id": owned.answer,
        "key_id": owned.key,
        "name": owned.collection,
        "conversation": owned.conversation,
        "page": "1",
        "file_id": owned.document.public_id,
        "vector_store_id": owned.collection,
        "response_id": owned.answer,
        "model": f"footnote:{owned.collection}",
        "digest": web._sites.current().digest,
    }
    return [
        (door, method, door.path.replace("{path:path}", "app.css").format(**values))
        for door in doors
        for method in sorted(door.methods - {"HEAD"})
    ]


_MESSAGE = {"role": "user", "content": "What opens the boiler room?"}
_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/documents"): {"files": {"file": ("a.txt", b"A note.")}},
    ("PUT", "/v1/documents/{document_id}"): {"files": {"file": ("a.txt", b"Another note.")}},
    ("PATCH", "/v1/documents/{document_id}"): {"json": {"metadata": {"a": 1}}},
    ("POST", "/v1/collections"): {"json": {"name": "new"}},
    ("POST", "/v1/search"): {"json": {"query": "boiler"}},
    ("POST", "/v1/embedder/migrate"): {"json": {}},
    ("POST", "/v1/ask"): {"json": {"question": "What opens the boiler room?"}},
    ("POST", "/v1/keys"): {"json": {"name": "new", "scope": "read"}},
    ("POST", "/v1/chat/completions"): {"json": {"model": "footnote", "messages": [_MESSAGE]}},
    ("POST", "/v1/responses"): {"json": {"model": "footnote", "input": [_MESSAGE]}},
    ("POST", "/v1/embeddings"): {"json": {"model": "footnote-embedding", "input": "boiler"}},
    ("POST", "/v1/files"): {"files": {"file": ("b.txt", b"A third note.")}},
    ("POST", "/v1/vector_stores"): {"json": {"name": "newer"}},
    ("POST", "/v1/vector_stores/{vector_store_id}/search"): {"json": {"query": "boiler"}},
    ("POST", "/v1/vector_stores/{vector_store_id}/files/{file_id}"): {"json": {"attributes": {"a": 1}}},
}


_NAMES_A_FILE = ("POST", "/v1/vector_stores/{vector_store_id}/files")


def _send(tenancy: Tenancy, token: str | None, door: Door, method: str, path: str) -> Any:
    body = _BODIES.get((method, door.path), {})
    if (method, door.path) == _NAMES_A_FILE:
        body = {"json": {"file_id": tenancy.own.document.public_id}}
    return tenancy.ask(token, method, path, **body)


def _code(answer: Any) -> str:
    """The code of a refusal, in a problem document or as OpenAI's clients read it."""
    body = answer.json()
    return str(body["error"]["code"] if isinstance(body.get("error"), dict) else body["code"])


def _destroys(method: str, path: str) -> int:
    """What is deleted comes last, and what holds it after what it holds."""
    if method != "DELETE":
        return 0
    store = path.startswith("/v1/vector_stores/")
    steps = (store and "doc_" in path, store, "doc_" in path, "key_" in path)
    return 2 + steps.index(True) if True in steps else 1


def _table(tenancy: Tenancy, owned: Owned) -> list[tuple[Door, str, str]]:
    return _requests(list(doors_of(tenancy.client.app)), owned)


def test_nobody_gets_in_without_a_key_that_opens(tenancy: Tenancy) -> None:
    holes, tried = [], 0
    token = tenancy.reader[1]
    bad = {
        "unknown": UNKNOWN,
        "wrong secret": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "revoked": tenancy.revoked[1],
        "expired": tenancy.expired[1],
        "no token": "x",
    }
    for door, method, path in _table(tenancy, tenancy.own):
        for kind, token_ in {"none": None, **bad}.items():
            tried += 1
            answer = _send(tenancy, token_, door, method, path)
            refused = answer.status_code == 401
            if refused != (door.need.right is not Right.PUBLIC):
                holes.append((method, path, kind, answer.status_code))
            if refused and _code(answer) != ("key_missing" if kind == "none" else "key_invalid"):
                holes.append((method, path, kind, _code(answer)))
    assert holes == []
    assert tried > 200


def test_unknown_revoked_and_expired_keys_are_refused_in_the_same_words(tenancy: Tenancy) -> None:
    said = set()
    for token in (UNKNOWN, tenancy.revoked[1], tenancy.expired[1], "nonsense"):
        answer = tenancy.ask(token, "GET", "/v1/documents")
        problem = answer.json()
        problem.pop("request_id")
        said.add((json.dumps(problem), answer.headers["www-authenticate"]))
    assert len(said) == 1


def test_a_key_does_what_its_scope_says_and_no_more(tenancy: Tenancy) -> None:
    holes: list[tuple[str, ...]] = []
    for held, token in ((Right.READ, tenancy.reader[1]), (Right.WRITE, tenancy.writer[1])):
        for door, method, path in _table(tenancy, tenancy.own):
            if not held.includes(door.need.right):
                answer = _send(tenancy, token, door, method, path)
                if (answer.status_code, _code(answer)) != (403, "right_missing"):
                    holes.append((held, method, path, str(answer.status_code)))
    narrow = [door for door, _, _ in _table(tenancy, tenancy.own) if door.need.operator]
    for door in narrow:
        for token in (tenancy.narrow[1], tenancy.other_admin[1]):
            answer = _send(tenancy, token, door, sorted(door.methods)[0], door.path)
            if answer.status_code != 403:
                holes.append(("operator", door.path, str(answer.status_code)))
    assert holes == []
    embedder = {f"/v1/embedder{step}" for step in ("", "/migrate", "/back", "/finish")}
    queue = {"/v1/queue/pause", "/v1/queue/resume"}
    assert {door.path for door in narrow} == {"/metrics"} | queue | embedder


def test_a_key_is_not_refused_what_its_scope_says(tenancy: Tenancy) -> None:
    table = _table(tenancy, tenancy.own)
    table.sort(key=lambda one: _destroys(one[1], one[2]))
    for door, method, path in table:
        token = {Right.READ: tenancy.reader, Right.WRITE: tenancy.writer}.get(
            door.need.right, tenancy.own_admin
        )[1]
        answer = _send(tenancy, token, door, method, path)
        no_picture = answer.status_code == 404 and _code(answer) == "no_page_picture"
        assert no_picture or answer.status_code not in (401, 403, 404, 405, 422), (method, path, answer.text)


def test_what_is_of_another_tenant_is_not_found(tenancy: Tenancy) -> None:
    """By an admin of that other tenant, whose key has every right: only whose it is stands in the way."""
    holes = []
    for door, method, path in _table(tenancy, tenancy.own):
        if door.need.operator or door.need.right is Right.PUBLIC:
            continue
        answer = _send(tenancy, tenancy.other_admin[1], door, method, path)
        names_a_thing = "{" in door.path and "{conversation}" not in door.path
        if names_a_thing and answer.status_code != 404:
            holes.append((method, path, answer.status_code))
        leaked = [one for one in tenancy.own.ids() if one in answer.text and one not in path]
        if leaked or "heron" in answer.text:
            holes.append((method, path, leaked))
    assert holes == []
    # ... and it is all still there.
    for _, method, path in _table(tenancy, tenancy.own):
        if method == "GET" and not path.endswith((".png", "/events")):
            assert tenancy.ask(tenancy.own_admin[1], method, path).status_code in (200, 503), path
    assert tenancy.ask(tenancy.own_admin[1], "DELETE", "/v1/conversations/team").status_code == 204


def test_a_route_without_a_right_is_not_served(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgotten:
        router = APIRouter()

    @Forgotten.router.get("/v1/forgotten")
    def forgotten() -> None: ...

    monkeypatch.setattr(application, "_ROUTES", (*application._ROUTES, Forgotten))
    with pytest.raises(ValueError, match="/v1/forgotten declares no right"):
        create_app(service)


def test_what_no_route_takes_is_told_to_known_callers_only(tenancy: Tenancy) -> None:
    for path, status in (("/v1/nothing", 404), ("/v1/ask", 405)):
        assert tenancy.ask(None, "GET", path).status_code == 401
        assert tenancy.ask(tenancy.reader[1], "GET", path).status_code == status


def test_one_person_needs_no_key_until_there_is_one(service: Service, client: Any) -> None:
    assert client.get("/v1/documents").status_code == 200
    made = client.post("/v1/keys", json={"name": "first", "scope": "admin"})
    assert made.status_code == 201
    refused = client.get("/v1/documents")
    assert (refused.status_code, refused.json()["code"]) == (401, "key_missing")
    token = {"Authorization": f"Bearer {made.json()['token']}"}
    assert client.get("/v1/documents", headers=token).status_code == 200
    assert client.request("DELETE", made.headers["location"], headers=token).status_code == 200
    # Revoking the last key does not open the door again.
    assert client.get("/v1/documents").status_code == 401


def test_a_key_is_asked_for_before_the_body_is_read(tenancy: Tenancy) -> None:
    """A body of one gigabyte is announced; not a byte of it is asked for."""
    for token, status in ((None, 401), (UNKNOWN, 401), (tenancy.reader[1], 403)):
        sent = asyncio.run(_announced(tenancy, token, 1_000_000_000))
        start = sent[0]
        assert start["status"] == status
        assert (b"connection", b"close") in start["headers"]


async def _announced(tenancy: Tenancy, token: str | None, size: int) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        raise AssertionError("the body was asked for")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-length", str(size).encode()), (b"content-type", b"multipart/form-data; boundary=x")]
    await tenancy.client.app(_scope("/v1/documents", token, headers), receive, send)
    return sent


def _scope(path: str, token: str | None, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    if token is not None:
        headers = [*headers, (b"authorization", f"Bearer {token}".encode())]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), *headers],
    }


def test_a_refusal_waits_for_no_thread(tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no key, or no place: it is decided on the event loop, however busy the threads are."""

    def no_thread(*_: Any) -> None:
        raise AssertionError("a thread was asked")

    async def run() -> list[list[dict[str, Any]]]:
        asks = tenancy.service.load.asks
        key = tenancy.reader[0].public_id
        taken = [await asks.enter(key) for _ in range(asks._limits.running)]
        line = [asyncio.create_task(asks.enter(key)) for _ in range(asks._limits.share)]
        await asyncio.sleep(0)
        monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", no_thread)
        monkeypatch.setattr("anyio.to_thread.run_sync", no_thread)
        said = [await _sent(tenancy, token) for token in (None, UNKNOWN, tenancy.reader[1])]
        for waiting in line:
            waiting.cancel()
        for place in taken:
            place.leave()
        return said

    said = asyncio.run(run())
    assert [sent[0]["status"] for sent in said] == [401, 401, 429]


async def _sent(tenancy: Tenancy, token: str | None) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        raise AssertionError("the body was asked for")

    async def send(message: Any) -> None:
        sent.append(message)

    await tenancy.client.app(_scope("/v1/ask", token, []), receive, send)
    return sent


def test_while_the_database_is_being_mended_a_key_is_waited_for(tenancy: Tenancy) -> None:
    """Alone in its files, as SQLite is after a crash: nobody can read, and nobody is turned away for it."""
    path = tenancy.service.database.path
    tenancy.service.database.close()  # others' connections would keep it from being alone
    alone = pysqlite3.connect(path, isolation_level=None, check_same_thread=False)
    alone.execute("PRAGMA locking_mode=EXCLUSIVE")
    alone.execute("UPDATE keys SET name = 'alone'")
    with pytest.raises(Busy):
        tenancy.service.database.glance("SELECT 1 FROM keys")
    ending = threading.Timer(0.3, alone.close)
    ending.start()
    assert tenancy.ask(tenancy.reader[1], "GET", "/v1/documents").status_code == 200
    ending.join()


class Endless:
    """Writes for as long as anybody listens."""

    def __init__(self) -> None:
        self.writing = threading.Event()
        self.stopped = threading.Event()

    def ask(self, *_: Any) -> Iterator[AnswerEvent]:
        try:
            yield RetrievalEvent(Coverage(0, 0, 0), ())
            while True:
                yield TokenEvent("more ")
                self.writing.set()
                self.stopped.wait(0.01)
        finally:
            self.stopped.set()


@pytest.mark.parametrize("how", ["revoked", "expired"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_running_answer_ends_when_its_key_does(
    tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch, how: str, stream: bool
) -> None:
    monkeypatch.setattr(auth, "RECHECK_SECONDS", 0.05)
    answerer = Endless()
    tenancy.service._answerer = answerer  # type: ignore[assignment]  # only what the route uses
    key, token = tenancy.reader
    sent = asyncio.run(
        _asked_until_ended(tenancy, token, answerer, stream, partial(_end, tenancy, key.id, how))
    )
    body = b"".join(one.get("body", b"") for one in sent).decode()
    assert answerer.stopped.wait(_PATIENCE)
    assert '"code": "key_invalid"' in body or '"code":"key_invalid"' in body
    assert sent[0]["status"] == (200 if stream else 401)
    assert not sent[-1].get("more_body", False)


def _end(tenancy: Tenancy, key_id: int, how: str) -> None:
    with tenancy.service.database.write() as tx:
        if how == "revoked":
            keys.revoke(tx, LOCAL, keys.by_id(tx, key_id).public_id)
        else:
            tx.exec_driver_sql("UPDATE keys SET expires_at = 1 WHERE id = ?", (key_id,))


async def _asked_until_ended(
    tenancy: Tenancy, token: str, answerer: Endless, stream: bool, end: Any
) -> list[dict[str, Any]]:
    body = json.dumps({"question": "What?", "stream": stream}).encode()
    coming = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []
    listening = asyncio.Event()

    async def receive() -> Any:
        if coming:
            return coming.pop()
        await listening.wait()  # the client stays
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def meanwhile() -> None:
        while not answerer.writing.is_set():
            await asyncio.sleep(0.01)
        await asyncio.to_thread(end)

    scope = _scope("/v1/ask", token, [(b"content-type", b"application/json")])
    ending = asyncio.create_task(meanwhile())
    await asyncio.wait_for(tenancy.client.app(scope, receive, send), _PATIENCE)
    await ending
    return sent


def test_neither_tokens_nor_hashes_get_into_logs_or_lists(tenancy: Tenancy) -> None:
    held = [tenancy.own_admin, tenancy.reader, tenancy.revoked, tenancy.expired]
    with capture_logs() as logged:
        for _, token in held:
            tenancy.ask(token, "GET", "/v1/documents")
            tenancy.ask(token, "POST", "/v1/keys", json={"name": "a", "scope": "root"})
        listed = tenancy.ask(tenancy.own_admin[1], "GET", "/v1/keys").text
    everything = f"{logged} {listed}"
    for key, token in held:
        assert token.split("_", 2)[2] not in everything  # the secret may hold underscores
        assert key.hash.hex() not in everything
        assert repr(key.hash) not in everything


def test_the_last_use_of_a_key_is_remembered(tenancy: Tenancy) -> None:
    tenancy.ask(tenancy.reader[1], "GET", "/v1/documents")
    found = tenancy.ask(tenancy.own_admin[1], "GET", f"/v1/keys/{tenancy.reader[0].public_id}").json()
    assert found["last_used_at"] is None  # entered now and then
    listed = tenancy.ask(tenancy.own_admin[1], "GET", "/v1/keys").json()["data"]
    (shown,) = [one for one in listed if one["id"] == tenancy.reader[0].public_id]
    assert shown["last_used_at"] is not None
