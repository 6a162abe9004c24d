"""An answer that can be shown, held against today's documents, and asked again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rag.generation.survey import MOST_CITATIONS
from tests.journeys.running import RunningService, resolved, upload

_COLLECTION = "receipts"
_LIBRARY = b"""# The Orrery of Marbeck

The Orrery of Marbeck was built in 1743 by the clockmaker Judith Penhallow.

It shows six planets, and its gears are made of brass from Keswick.
"""
_QUESTION = {"question": "Who built the Orrery of Marbeck?", "collections": [_COLLECTION]}


@pytest.fixture
def document(http: httpx.Client) -> Iterator[str]:
    http.post("/v1/collections", json={"name": _COLLECTION})
    made = upload(http, "orrery.md", _LIBRARY, collection=_COLLECTION)["document"]["id"]
    yield made
    http.delete(f"/v1/documents/{made}")


def _ask(http: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = http.post("/v1/ask", json=_QUESTION | more)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _replay(http: httpx.Client, answer: dict[str, Any]) -> dict[str, Any]:
    replayed = http.post(f"/v1/answers/{answer['id']}/replay")
    assert replayed.status_code == 200, replayed.text
    body: dict[str, Any] = replayed.json()
    return body


def test_an_answer_is_shown_as_it_was_given(http: httpx.Client, document: str) -> None:
    for mode in ("auto", "quote"):
        given = _ask(http, mode=mode)
        shown = http.get(f"/v1/answers/{given['id']}").json()
        assert {name: shown[name] for name in given} == given
        assert shown["request"] == {
            "collections": [_COLLECTION],
            "filter": None,
            "mode": mode,
            "max_citations": 3,
            "survey_citations": MOST_CITATIONS,
        }
        for citation in shown["citations"]:
            assert citation["quote"] == resolved(http, citation)
        assert len(shown["environment"]["spaces"]) == 2
    refused = _ask(http, question="Who won the presidential election in Peru?")
    shown = http.get(f"/v1/answers/{refused['id']}").json()
    assert {name: shown[name] for name in refused} == refused


def test_a_replay_over_the_same_documents_gives_the_same_answer(http: httpx.Client, document: str) -> None:
    given = _ask(http)
    replayed = _replay(http, given)
    assert replayed["same"], replayed
    assert replayed["reasons"] == []
    assert replayed["citations"]["kept"] != []
    assert replayed["citations"]["added"] == replayed["citations"]["removed"] == []
    assert replayed["replay"]["replay_of"] == replayed["original"]["id"] == given["id"]
    listed = http.get("/v1/answers", params={"document": document}).json()["data"]
    assert [one["id"] for one in listed] == [replayed["replay"]["id"], given["id"]]


def test_a_new_version_and_a_deletion_are_told(
    http: httpx.Client, running: RunningService, document: str
) -> None:
    given = _ask(http)
    changed = _LIBRARY.replace(b"Judith Penhallow", b"Barnaby Tregear")
    http.put(f"/v1/documents/{document}", params={"wait": "true"}, files={"file": ("orrery.md", changed)})
    replayed = _replay(http, given)
    assert not replayed["same"]
    assert replayed["original"]["freshness"] == "superseded"
    assert "Penhallow" in str(replayed["original"]["citations"])
    assert "Tregear" in replayed["replay"]["answer"]
    assert {one["code"] for one in replayed["reasons"]} >= {"document_superseded", "evidence_changed"}

    http.delete(f"/v1/documents/{document}")
    replayed = _replay(http, given)
    assert replayed["status"] == {"before": given["status"], "after": "not_in_documents"}
    assert "document_deleted" in {one["code"] for one in replayed["reasons"]}
    assert replayed["citations"]["removed"] == [one["number"] for one in given["citations"]]
    everything = http.get("/v1/answers", params={"limit": 200}).text
    assert not {"Penhallow", "Tregear"} & set(everything.replace(".", " ").split())

    said = subprocess.run(
        [sys.executable, "-m", "api.cli", "answers", "replay", given["id"], "--url", running.address],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "document_deleted" in said
