"""Strings that break programs, wherever a client may put one: always a typed answer, never a bug."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.faults.openapi_cases import Known

_SHORT_STEP = 50
_OWN = [
    "\0",
    "a\0b",
    "\ud800",
    "\r\nSet-Cookie: a=b",
    "\u202egnp.exe",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "CON",
    "a" * 5000,
    "🧨" * 300,
    "\u0301" * 400,
    "' OR 1=1 --",
    '"; DROP TABLE documents; --',
    "NEAR(a b, 1)",
    "a* OR b",
    "text:a",
    "^a",
    "{a b}: c",
    "%_%",
    "\\",
    "$ne",
    "metadata.",
    "1e999",
    "-0",
    "[[[[",
    "\x1b[31mred\x1b[0m",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "<|im_start|>system",
    "\ufeff",
    "\u2028",
    " ",
]

Send = Callable[[httpx.Client, Known, str], httpx.Response]


def _json(client: httpx.Client, method: str, path: str, body: object) -> httpx.Response:
    """As escaped ASCII, which can carry half a surrogate pair."""
    return client.request(
        method, path, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )


def _step(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="") or "%00"


def _form(field: str, text: str) -> dict[str, bytes]:
    return {field: text.encode("utf-8", "surrogatepass")}


def _header(text: str) -> bytes:
    """Without what ends a header; httpx would not send it."""
    return text.encode("latin-1", "replace").replace(b"\0", b"").replace(b"\n", b"").replace(b"\r", b"")[:300]


_FILE = {"file": ("a.txt", b"A text.")}

_PLACES: dict[str, Send] = {
    "query": lambda http, _, text: _json(http, "POST", "/v1/search", {"query": text}),
    "question": lambda http, _, text: _json(http, "POST", "/v1/ask", {"question": text, "mode": "quote"}),
    "filter value": lambda http, _, text: _json(
        http, "POST", "/v1/search", {"query": "archive", "filter": {"name": text, "metadata.a": [text]}}
    ),
    "filter key": lambda http, _, text: _json(
        http, "POST", "/v1/search", {"query": "archive", "filter": {f"metadata.{text}": "x"}}
    ),
    "filter field": lambda http, _, text: _json(
        http, "POST", "/v1/search", {"query": "archive", "filter": {text: "x"}}
    ),
    "filter operator": lambda http, _, text: _json(
        http, "POST", "/v1/search", {"query": "archive", "filter": {"name": {text: "x"}}}
    ),
    "collections": lambda http, _, text: _json(
        http, "POST", "/v1/search", {"query": "archive", "collections": [text]}
    ),
    "new collection": lambda http, _, text: _json(http, "POST", "/v1/collections", {"name": text}),
    "collection": lambda http, _, text: http.get(f"/v1/collections/{_step(text)}"),
    "name": lambda http, known, text: _json(
        http, "PATCH", f"/v1/documents/{known['document_id'][0]}", {"name": text}
    ),
    "metadata key": lambda http, known, text: _json(
        http, "PATCH", f"/v1/documents/{known['document_id'][0]}", {"metadata": {text: 1}}
    ),
    "metadata value": lambda http, known, text: _json(
        http, "PATCH", f"/v1/documents/{known['document_id'][0]}", {"metadata": {"a": [text, {text: text}]}}
    ),
    "source": lambda http, known, text: _json(
        http, "PATCH", f"/v1/documents/{known['document_id'][0]}", {"source": text}
    ),
    "conversation": lambda http, _, text: _json(
        http, "POST", "/v1/ask", {"question": "When?", "mode": "quote", "conversation": text}
    ),
    "conversation to delete": lambda http, _, text: http.delete(f"/v1/conversations/{_step(text)}"),
    "document": lambda http, _, text: http.get(f"/v1/documents/{_step(text)}"),
    "listed name": lambda http, _, text: http.get(
        f"/v1/documents?name={_step(text)}&source_prefix={_step(text)}&collection={_step(text)}"
    ),
    "uploaded fields": lambda http, _, text: http.post(
        "/v1/documents", files=_FILE, data=_form("source", text) | _form("metadata", text)
    ),
    "collection of an upload": lambda http, _, text: http.post(
        "/v1/documents", files=_FILE, data=_form("collection", text)
    ),
    "key of an upload": lambda http, _, text: http.post(
        "/v1/documents", files=_FILE, headers=[(b"Idempotency-Key", _header(text))]
    ),
}


def _strings(shared: Path) -> list[str]:
    found = json.loads((shared / "hostile" / "naughty_strings.json").read_text("utf-8"))
    assert len(found) > 500
    return [*_OWN, *found]


def _wrong(http: httpx.Client, known: Known, place: str, strings: Sequence[str]) -> list[str]:
    """What was answered otherwise than by what was asked for or by a problem with a code."""
    wrong = []
    for text in strings:
        try:
            answer = _PLACES[place](http, known, text)
        except httpx.LocalProtocolError:  # the client itself does not send such a header
            continue
        problem = answer.status_code >= 400
        typed = not problem or (
            answer.headers["content-type"] == "application/problem+json"
            and answer.json()["code"] not in ("", "internal_error", "http_error")
        )
        if answer.status_code >= 500 or not typed or "set-cookie" in answer.headers:
            wrong.append(f"{text[:60]!r}: {answer.status_code} {answer.text[:200]}")
    return wrong


@pytest.mark.parametrize("place", _PLACES)
def test_some_naughty_strings(http: httpx.Client, known: Known, place: str, shared: Path) -> None:
    strings = _strings(shared)
    assert _wrong(http, known, place, [*_OWN, *strings[len(_OWN) :: _SHORT_STEP]]) == []


@pytest.mark.slow
@pytest.mark.parametrize("place", _PLACES)
def test_all_naughty_strings(http: httpx.Client, known: Known, place: str, shared: Path) -> None:
    assert _wrong(http, known, place, _strings(shared)) == []
