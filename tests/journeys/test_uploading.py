"""What comes in at once, what is watched while it is read, and what cannot be read."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.journeys.running import RunningService, upload


def test_the_same_bytes_from_many_sides_are_one_document(running: RunningService) -> None:
    def send(number: int) -> httpx.Response:
        with running.client() as client:
            return client.post("/v1/documents", files={"file": (f"{number}.txt", b"Sent by many at once.")})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {200, 202}
    assert len({answer.json()["document"]["id"] for answer in answers}) == 1
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1


def test_a_job_can_be_watched_to_its_end(http: httpx.Client) -> None:
    text = "\n\n".join(f"Paragraph {n} tells of the tide at {n} o'clock." for n in range(200))
    accepted = http.post("/v1/documents", files={"file": ("tides.txt", text.encode())})
    assert accepted.status_code == 202
    seen = []
    with http.stream("GET", f"{accepted.headers['location']}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                seen.append(line.removeprefix("event: "))
            elif line.startswith("data: ") and seen[-1] == "done":
                last = json.loads(line.removeprefix("data: "))
    assert seen[-1] == "done"
    assert seen.count("done") == 1
    assert last["state"] == "succeeded"
    assert last["chunks"]["done"] == last["chunks"]["total"] > 1
    assert last["eta_seconds"] is None


@pytest.mark.parametrize(
    ("name", "code"),
    [("libreoffice-writer-password.pdf", "encrypted")],
)
def test_a_protected_document_is_refused_for_good(
    http: httpx.Client, shared: Path, name: str, code: str
) -> None:
    files = {"file": (name, (shared / "fixtures" / name).read_bytes())}
    answer = http.post("/v1/documents", params={"wait": "true"}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    document = http.get(f"/v1/documents/{answer.json()['document_id']}").json()
    assert (document["state"], document["chunks"], document["live_version"]) == ("failed", 0, None)
    assert document["error"]["code"] == code


def test_a_cut_off_pdf_is_refused_and_nothing_of_it_is_found(http: httpx.Client, samples: Path) -> None:
    path = next(iter(sorted(samples.glob("*.pdf"))), None)
    if path is None:
        pytest.skip("no PDF among the samples")
    content = path.read_bytes()
    files = {"file": ("cut.pdf", content[: len(content) // 3])}
    answer = http.post("/v1/documents", params={"wait": "true"}, files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "corrupt")
    filter_ = {"document_id": answer.json()["document_id"]}
    assert http.post("/v1/search", json={"query": "light", "filter": filter_}).json()["hits"] == []


def test_a_failed_version_leaves_the_live_one_searchable(http: httpx.Client) -> None:
    document = upload(http, "stable.txt", b"The walrus weighs a ton.")["document"]
    path = f"/v1/documents/{document['id']}"
    broken = http.put(path, params={"wait": "true"}, files={"file": ("stable.pdf", b"%PDF-1.7\nbroken")})
    assert broken.status_code == 422
    now = http.get(path).json()
    assert (now["state"], now["version"], now["live_version"]) == ("failed", 2, 1)
    found = http.post("/v1/search", json={"query": "walrus", "filter": {"document_id": document["id"]}})
    assert found.json()["hits"][0]["document"]["version"] == 1


def test_an_enormous_question_is_refused(http: httpx.Client) -> None:
    answer = http.post("/v1/ask", json={"question": "a" * 50_000_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
