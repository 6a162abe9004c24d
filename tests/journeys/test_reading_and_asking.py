"""From an upload to an answer whose citations resolve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.running import resolved, upload

_LIBRARY = b"""The reading room of the Harbour Library was opened on 3 May 1911 by Mayor Ottilie Brandt.

It has 84 seats, and its roof is made of copper from the Falun mine.

The library lends skates in winter, free of charge, to everyone under sixteen.
"""

_OPENED = "When was the reading room of the Harbour Library opened?"


@pytest.fixture(scope="module")
def library(running: Any) -> Iterator[dict[str, Any]]:
    with running.client() as client:
        client.post("/v1/collections", json={"name": "harbour"})
        yield upload(client, "harbour.txt", _LIBRARY, collection="harbour")


def _ask(http: httpx.Client, question: str, **more: Any) -> dict[str, Any]:
    answer = http.post("/v1/ask", json={"question": question, "collections": ["harbour"], **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("mode", ["auto", "quote", "answer"])
def test_an_answer_cites_what_stands_there(http: httpx.Client, library: dict[str, Any], mode: str) -> None:
    answer = _ask(http, _OPENED, mode=mode)
    assert answer["status"] in ("answered", "partial")
    assert "1911" in " ".join(citation["quote"] for citation in answer["citations"])
    for citation in answer["citations"]:
        assert resolved(http, citation) == citation["quote"]
        assert citation["document"]["id"] == library["document"]["id"]
    numbers = {citation["number"] for citation in answer["citations"]}
    for sentence in answer["sentences"]:
        assert answer["answer"][sentence["start"] : sentence["end"]] == sentence["text"]
        assert set(sentence["citations"]) <= numbers
        assert sentence["citations"] or sentence["verdict"] == "unsupported"
    assert (answer["model"] is None) == (mode == "quote")


def test_what_is_not_there_is_not_answered(http: httpx.Client, library: dict[str, Any]) -> None:
    answer = _ask(http, "Which enzyme unwinds the double helix during replication?")
    assert answer["status"] == "not_in_documents"
    assert answer["citations"] == answer["sentences"] == []
    assert answer["nearest"]
    for hit in answer["nearest"]:
        assert resolved(http, hit) == hit["text"]


def test_hits_are_verbatim_in_every_mode(http: httpx.Client, library: dict[str, Any]) -> None:
    for mode in ("hybrid", "dense", "lexical"):
        body = {"query": "skates in winter", "collections": ["harbour"], "k": 3, "mode": mode}
        found = http.post("/v1/search", json=body).json()
        assert found["hits"], mode
        assert found["coverage"]["documents"] == 1
        for hit in found["hits"]:
            assert resolved(http, hit) == hit["text"]


def test_the_stream_says_the_same_as_the_answer(http: httpx.Client, library: dict[str, Any]) -> None:
    body = {"question": _OPENED, "collections": ["harbour"], "stream": True}
    with http.stream("POST", "/v1/ask", json=body) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = list(_events(stream))
    names = [name for name, _ in events if name != "heartbeat"]
    assert names[0] == "retrieval"
    assert names[-1] == "done"
    done = events[-1][1]
    assert [data["sentence"] for name, data in events if name == "sentence"] == done["sentences"]
    delivered = {c["number"]: c for name, data in events if name == "sentence" for c in data["citations"]}
    assert list(delivered.values()) == done["citations"]
    assert "1911" in done["answer"]


def test_errors_of_a_stream_come_before_it(http: httpx.Client, library: dict[str, Any]) -> None:
    for more in ({"collections": ["nope"]}, {"filter": {"nonsense": 1}}):
        answer = http.post("/v1/ask", json={"question": "x", "stream": True, **more})
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] in ("collection_not_found", "bad_filter")


def test_a_document_of_another_collection_cannot_be_named(
    http: httpx.Client, library: dict[str, Any]
) -> None:
    wanted = {"filter": {"document_id": library["document"]["id"]}, "collections": ["default"]}
    for path, name in (("/v1/search", "query"), ("/v1/ask", "question")):
        answer = http.post(path, json={name: "reading room", **wanted})
        assert (answer.status_code, answer.json()["code"]) == (404, "document_not_found")


def test_a_new_version_replaces_and_old_citations_still_resolve(http: httpx.Client) -> None:
    http.post("/v1/collections", json={"name": "changing"})
    first = upload(http, "price.txt", b"A ticket to Norderney costs 12 guilders.", collection="changing")
    path = f"/v1/documents/{first['document']['id']}"
    question = {
        "question": "What does a ticket to Norderney cost?",
        "collections": ["changing"],
        "mode": "quote",
    }
    before = http.post("/v1/ask", json=question).json()
    changed = {"file": ("price.txt", b"A ticket to Norderney costs 15 guilders.")}
    assert http.put(path, params={"wait": "true"}, files=changed).status_code == 202
    after = http.post("/v1/ask", json=question).json()
    assert "12" in before["citations"][0]["quote"]
    assert "15" in after["citations"][0]["quote"]
    assert after["citations"][0]["document"]["version"] == 2
    assert resolved(http, before["citations"][0]) == before["citations"][0]["quote"]
    assert http.delete(path).status_code == 204
    gone = http.post("/v1/search", json={"query": "ticket to Norderney", "collections": ["changing"]})
    assert gone.json()["hits"] == []


def test_a_pdf_has_pages_boxes_and_pictures(http: httpx.Client, samples: Path) -> None:
    path = next(iter(sorted(samples.glob("*.pdf"))), None)
    if path is None:
        pytest.skip("no PDF among the samples")
    document = upload(http, path.name, path.read_bytes())["document"]
    page = http.get(f"/v1/documents/{document['id']}/pages/1").json()
    assert page["words"]
    for word in page["words"]:
        assert page["start"] <= word["start"] < word["end"] <= page["end"]
        x0, y0, x1, y1 = word["box"]
        assert 0 <= x0 < x1 <= page["width"]
        assert 0 <= y0 < y1 <= page["height"]
    picture = http.get(f"/v1/documents/{document['id']}/pages/1.png", params={"scale": 0.5})
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert http.get(f"/v1/documents/{document['id']}/pages/99.png").json()["code"] == "page_not_found"
    assert http.get(f"/v1/documents/{document['id']}/file").content == path.read_bytes()


def _events(stream: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
