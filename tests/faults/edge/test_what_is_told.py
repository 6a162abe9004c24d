"""What errors and logs give away: codes and ids, and nothing of the machine or of what was sent."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.openapi_cases import Known
from tests.faults.service import FaultyService

_INNARDS = re.compile(
    r"Traceback|File \"|\.py\b|sqlite|SELECT |INSERT |/(?:home|root|tmp|var)/|site-packages|0x[0-9a-f]{8}",
    re.IGNORECASE,
)
_CANARY = "canary7f3e9d"
_JSON = {"Content-Type": "application/json"}


def _errors(http: httpx.Client, known: Known) -> Iterator[httpx.Response]:
    document = f"/v1/documents/{known['document_id'][0]}"
    for method, path in (
        ("GET", "/nowhere"),
        ("DELETE", "/v1/search"),
        ("GET", "/v1/documents/doc_x"),
        ("GET", "/v1/jobs/job_x"),
        ("GET", "/v1/answers/ans_x"),
        ("GET", "/v1/collections/x"),
        ("GET", "/v1/documents?cursor=x"),
        ("GET", f"{document}/text?version=99"),
        ("GET", f"{document}/text?start=9&end=3"),
        ("GET", f"{document}/pages/99"),
        ("GET", f"{document}/pages/1.png"),
        ("DELETE", "/v1/conversations/x"),
    ):
        yield http.request(method, path)
    for body in ("{", '{"query": NaN}', '{"query": 1}', '{"query": "x", "k": 0}'):
        yield http.post("/v1/search", content=body, headers=_JSON)
    yield http.post("/v1/search", json={"query": "x", "filter": {"x": 1}})
    yield http.post("/v1/search", json={"query": "x" * 90_000})
    yield http.post("/v1/search", content=b" " * 2**21, headers=_JSON)
    yield http.post("/v1/collections", json={"name": known["name"][0]})
    yield http.post("/v1/documents", files={"file": ("a.exe", b"MZ\x90\x00" + bytes(100))})
    yield http.post("/v1/documents", files={"file": ("a.txt", b"")})
    yield http.post("/v1/documents", files={"file": ("../a.txt", b"A text.")})
    yield http.post("/v1/documents", files={"file": ("a.txt", b"A text.")}, data={"metadata": "["})
    yield http.post("/v1/documents", files={"file": ("a.txt", b"A text.")}, data={"source": "/etc/passwd"})
    yield http.post(
        "/v1/documents", content=b"x", headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    yield http.get("/livez", headers={"Host": "evil.example"})
    yield http.get("/livez", headers={"Origin": "http://evil.example"})
    yield http.get("/livez", headers={"X": "a" * 20_000})


def test_errors_say_what_to_do_and_nothing_of_the_machine(http: httpx.Client, known: Known) -> None:
    codes = set()
    for answer in _errors(http, known):
        assert 400 <= answer.status_code < 500, answer.request.url
        problem = answer.json()
        codes.add(problem["code"])
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert not _INNARDS.search(json.dumps(problem, ensure_ascii=False)), problem
    assert len(codes) > 20, "these are different errors"


def test_nothing_of_what_is_sent_is_in_the_logs(running: FaultyService, http: httpx.Client) -> None:
    files = {"file": (f"{_CANARY}.txt", f"The {_CANARY} was opened in 1987.".encode())}
    form = {"metadata": json.dumps({_CANARY: _CANARY}), "source": f"{_CANARY}/a.txt"}
    made = http.post("/v1/documents?wait=true", files=files, data=form).json()
    address = f"/v1/documents/{made['document']['id']}"
    asked = {"question": f"When was the {_CANARY} opened?", "mode": "quote", "conversation": _CANARY}
    answered = http.post("/v1/ask", json=asked).json()
    assert _CANARY in answered["answer"], "it has been read and found"
    http.post("/v1/search", json={"query": _CANARY, "filter": {f"metadata.{_CANARY}": _CANARY}})
    http.patch(address, json={"name": f"{_CANARY}.md"})
    odd = {"User-Agent": _CANARY, "X-Request-ID": f"({_CANARY})"}
    http.get(f"/{_CANARY}?{_CANARY}={_CANARY}", headers=odd)
    http.get("/livez", headers={"Host": _CANARY, "Authorization": f"Bearer fn_{_CANARY}"})
    http.post("/v1/collections", json={"name": _CANARY})
    http.post("/v1/search", content=f'{{"{_CANARY}": ', headers=_JSON)
    http.post("/v1/documents", files={"file": (f"{_CANARY}.exe", b"MZ\x90\x00" + bytes(99))})
    http.get("/%1b[31mred%0a%0dlevel=error")
    http.get("/v1/documents/%1b[31mred%0a", headers={"X-Request-ID": "red[31m{}"})
    http.delete(address)
    time.sleep(0.2)
    log = (running.folder / "service.log").read_bytes() + (running.folder / "service.out").read_bytes()
    assert b'"event"' in log, "something is logged"
    assert _CANARY.encode() not in log
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", log), "no control characters, no escape sequences"


_RANGES = {
    "more than a head holds": ",".join(f"{n}-{n}" for n in range(10_000)),
    "many": ",".join(f"{n}-{n}" for n in range(1500)),
    "overlapping": ",".join("0-" for _ in range(5000)),
    "backwards": "9-3",
    "empty": "-",
    "huge": f"{2**64}-",
}


@pytest.mark.parametrize("ranges", _RANGES)
def test_ranges_made_to_multiply_the_work(http: httpx.Client, known: Known, ranges: str) -> None:
    path = f"/v1/documents/{known['document_id'][0]}/file"
    whole = http.get(path)
    answer = http.get(path, headers={"Range": f"bytes={_RANGES[ranges]}"})
    assert answer.status_code in (200, 206, 400, 416, 431)
    assert answer.status_code >= 400 or len(answer.content) <= len(whole.content)


def _files_below(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


_NAMES = {
    "..%2f..%2fa.txt": "..%2f..%2fa.txt",
    "C:\\users\\a.txt": "a.txt",
    "\u202egnp.exe.txt": "gnp.exe.txt",
    "CON": "CON",
    "aux.txt.": "aux.txt.",
    "a" * 300 + ".txt": "a" * 251 + ".txt",
    "ä" * 300 + ".txt": "ä" * 251 + ".txt",
    "🧨📎.txt": "🧨📎.txt",
    "a;b\"c'.txt": "a;b\"c'.txt",
    "  spaced   out.txt ": "spaced out.txt",
    "-rf": "-rf",
    "`id`.txt": "`id`.txt",
    "": "unnamed",
    ".": "unnamed",
}


@pytest.mark.parametrize("given", _NAMES, ids=lambda name: ascii(name)[:20])
def test_a_file_name_is_text_and_never_a_path(running: FaultyService, http: httpx.Client, given: str) -> None:
    content = f"A text under the name {given!a}.".encode()
    sent = http.post("/v1/documents", content=_form(given, content), headers=_FORM)
    assert sent.status_code == 202, sent.text
    document = sent.json()["document"]
    assert document["name"] == _NAMES[given]
    answer = http.get(f"/v1/documents/{document['id']}/file")
    assert answer.content == content
    assert answer.headers["content-disposition"].isascii()
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert given not in _files_below(running.data) - {"."}


def test_names_of_the_same_look_are_kept_apart(http: httpx.Client) -> None:
    composed, decomposed = "caf\u00e9.txt", "cafe\u0301.txt"
    for name in (composed, decomposed):
        content = f"Menu of {name!a}.".encode()
        sent = http.post("/v1/documents", content=_form(name, content), headers=_FORM)
        assert sent.json()["document"]["name"] == name


@pytest.mark.parametrize("given", ["../a.txt", "a/../../b.txt", "..\\a.txt"])
def test_a_name_that_climbs_is_refused(http: httpx.Client, given: str) -> None:
    refused = http.post("/v1/documents", content=_form(given, b"A text."), headers=_FORM)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_file_name")


_FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def _form(name: str, content: bytes) -> bytes:
    """By hand: httpx would send percent-encoded what it finds strange."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{escaped}"\r\n\r\n'
    return head.encode() + content + b"\r\n--b--\r\n"
