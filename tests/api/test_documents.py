"""Documents, jobs and collections as far as they go without a worker: nothing is ever read here."""

from __future__ import annotations

import json

import pytest

from api.assembly import Service
from tests.api.conftest import Client
from tests.rag.stores.library import Library


def test_an_upload_is_acknowledged_with_document_and_job(client: Client, service: Service) -> None:
    answer = client.upload(data={"metadata": json.dumps({"year": 1996})})
    assert answer.status_code == 202
    body = answer.json()
    assert body["document"]["state"] == body["job"]["state"] == "queued"
    assert body["document"]["metadata"] == {"year": 1996}
    assert body["duplicate"] is False
    assert answer.headers["location"] == f"/v1/jobs/{body['job']['id']}"
    assert service.blobs.open_path(body["document"]["sha256"]).read_bytes() == b"A note."
    assert client.get(answer.headers["location"]).json()["document_id"] == body["document"]["id"]


def test_the_same_bytes_in_the_same_collection_are_a_duplicate(client: Client) -> None:
    client.post("/v1/collections", json={"name": "other"})
    first = client.upload()
    again = client.upload(name="another-name.txt")
    elsewhere = client.upload(data={"collection": "other"})
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert again.json()["document"]["id"] == first.json()["document"]["id"]
    assert (elsewhere.status_code, elsewhere.json()["duplicate"]) == (202, False)


def test_a_repeated_key_is_answered_with_the_first_answer(client: Client) -> None:
    first = client.upload(headers={"Idempotency-Key": "k1"}).json()
    again = client.upload(headers={"Idempotency-Key": "k1"}).json()
    other = client.upload(content=b"Other.", headers={"Idempotency-Key": "k1"})
    assert (again["document"]["id"], again["job"]["id"]) == (first["document"]["id"], first["job"]["id"])
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "empty_file"),
        (bytes(range(256)) * 8, 415, "unsupported_type"),
        (b"GIF89a" + b"0" * 64, 415, "unsupported_type"),
        (b"a" * 100_001, 413, "file_too_large"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_nothing_behind(
    client: Client, service: Service, content: bytes, status: int, code: str
) -> None:
    answer = client.upload(content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert client.get("/v1/documents").json()["data"] == []
    assert list(service.blobs) == []


@pytest.mark.parametrize("metadata", ["[]", "1", "null", "{", '{"a": NaN}', '{"a": 1, "a": 2}', '{"": 1}'])
def test_metadata_must_be_an_object(client: Client, metadata: str) -> None:
    answer = client.upload(data={"metadata": metadata})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_metadata")


def test_a_name_is_never_a_path(client: Client) -> None:
    assert client.upload(name="folder/note.txt").json()["document"]["name"] == "note.txt"
    answer = client.upload(name="../../secret.txt")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_file_name")


def test_pages_of_the_list_hold_every_document_once_newest_first(client: Client) -> None:
    made = [client.upload(content=f"Note {n}.".encode()).json()["document"]["id"] for n in range(5)]
    seen, cursor = [], None
    while True:
        page = client.get(
            "/v1/documents", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


def test_the_list_is_filtered(client: Client) -> None:
    client.post("/v1/collections", json={"name": "other"})
    client.upload("a_b.txt", b"One.")
    client.upload("axb.txt", b"Two.", data={"collection": "other"})

    def names(**wanted: str) -> list[str]:
        return [one["name"] for one in client.get("/v1/documents", params=wanted).json()["data"]]

    assert names(collection="other") == ["axb.txt"]
    assert names(name="a_b") == ["a_b.txt"]
    assert names(state="ready") == []
    assert client.get("/v1/documents", params={"collection": "nope"}).status_code == 404


def test_metadata_changes_at_once_and_a_name_makes_a_version(client: Client) -> None:
    path = f"/v1/documents/{client.upload().json()['document']['id']}"
    described = client.request("PATCH", path, json={"metadata": {"a": [1, "x"]}})
    renamed = client.request("PATCH", path, json={"name": "new.txt"})
    same = client.request("PATCH", path, json={"name": "new.txt"})
    assert (described.status_code, described.json()["document"]["metadata"]) == (200, {"a": [1, "x"]})
    assert (renamed.status_code, renamed.json()["document"]["version"]) == (202, 2)
    assert renamed.json()["job"]["state"] == "queued"
    assert (same.status_code, same.json()["job"]) == (200, None)


def test_a_new_version_replaces_and_an_unchanged_one_does_not(client: Client) -> None:
    document = client.upload().json()["document"]
    path = f"/v1/documents/{document['id']}"
    changed = client.request("PUT", path, files={"file": ("note.txt", b"A better note.")})
    unchanged = client.request("PUT", path, files={"file": ("note.txt", b"A better note.")})
    assert (changed.status_code, changed.json()["document"]["version"]) == (202, 2)
    assert (unchanged.status_code, unchanged.json()["duplicate"]) == (200, True)
    first = client.get(f"{path}/file", params={"version": 1})
    assert first.content == b"A note."
    assert "sandbox" in first.headers["content-security-policy"]
    assert first.headers["content-disposition"].startswith("attachment; ")


def test_a_deleted_document_is_gone_with_its_job(client: Client) -> None:
    made = client.upload().json()
    path = f"/v1/documents/{made['document']['id']}"
    assert client.request("DELETE", path).status_code == 204
    for part in ("", "/text", "/file", "/versions", "/pages/1"):
        answer = client.get(path + part)
        assert (answer.status_code, answer.json()["code"]) == (410, "document_deleted"), part
    assert client.get("/v1/documents/doc_never").status_code == 404
    assert client.get(f"/v1/jobs/{made['job']['id']}").json()["code"] == "job_not_found"
    assert client.request("DELETE", path).status_code == 410


def test_what_has_not_been_read_has_no_text(client: Client) -> None:
    path = f"/v1/documents/{client.upload().json()['document']['id']}"
    for part in ("text", "pages/1", "pages/1.png"):
        answer = client.get(f"{path}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (409, "version_not_read")


def test_a_cancelled_job_marks_its_document_and_cannot_be_cancelled_twice(client: Client) -> None:
    made = client.upload().json()
    path = f"/v1/jobs/{made['job']['id']}"
    assert client.request("DELETE", path).json()["state"] == "cancelled"
    document = client.get(f"/v1/documents/{made['document']['id']}").json()
    assert (document["state"], document["error"]["code"]) == ("failed", "job_cancelled")
    assert client.request("DELETE", path).json()["code"] == "job_finished"


def test_the_events_of_a_finished_job_are_its_end(client: Client) -> None:
    job = client.upload().json()["job"]["id"]
    client.request("DELETE", f"/v1/jobs/{job}")
    events = client.get(f"/v1/jobs/{job}/events")
    assert events.headers["content-type"].startswith("text/event-stream")
    name, data = events.text.strip().split("\n")
    assert name == "event: done"
    assert json.loads(data.removeprefix("data: "))["state"] == "cancelled"


def test_jobs_are_listed_newest_first(client: Client) -> None:
    jobs = [client.upload(content=f"{n}".encode()).json()["job"]["id"] for n in range(3)]
    page = client.get("/v1/jobs", params={"limit": 2}).json()
    rest = client.get("/v1/jobs", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert [one["id"] for one in page["data"] + rest["data"]] == jobs[::-1]
    assert client.get("/v1/jobs", params={"state": "running"}).json()["data"] == []


def test_collections_come_and_go(client: Client) -> None:
    made = client.post("/v1/collections", json={"name": "minutes"})
    assert made.status_code == 201
    assert client.get(made.headers["location"]).json() == made.json()
    assert client.get("/v1/collections/minutes").json() == made.json()
    assert client.post("/v1/collections", json={"name": "minutes"}).json()["code"] == "collection_exists"
    assert [one["name"] for one in client.get("/v1/collections").json()["data"]] == ["default", "minutes"]
    document = client.upload(data={"collection": "minutes"}).json()["document"]["id"]
    full = client.request("DELETE", "/v1/collections/minutes")
    assert (full.status_code, full.json()["code"]) == (409, "collection_not_empty")
    client.request("DELETE", f"/v1/documents/{document}")
    assert client.request("DELETE", "/v1/collections/minutes").status_code == 204
    assert client.request("DELETE", "/v1/collections/default").json()["code"] == "collection_is_default"


def test_a_source_stands_for_one_document(client: Client) -> None:
    first = client.upload(content=b"One.", data={"source": "d/a.txt"}).json()["document"]
    same = client.upload(content=b"One.", data={"source": "d/a.txt"})
    changed = client.upload(content=b"Two.", data={"source": "d/a.txt"})
    copy = client.upload(content=b"Two.", data={"source": "d/b.txt"})
    assert (first["source"], first["version"]) == ("d/a.txt", 1)
    assert (same.status_code, same.json()["document"]["id"]) == (200, first["id"])
    assert (changed.status_code, changed.json()["document"]["id"]) == (202, first["id"])
    assert changed.json()["document"]["version"] == 2
    assert (copy.status_code, copy.json()["duplicate"]) == (202, False)
    assert copy.json()["document"]["id"] != first["id"]


@pytest.mark.parametrize("source", ["/a", "../a", "a/../b", "a//b", "a\x00b", "a\nb"])
def test_a_source_is_a_relative_path(client: Client, service: Service, source: str) -> None:
    answer = client.upload(data={"source": source})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_source")
    assert list(service.blobs) == []


def test_a_source_is_bounded(client: Client) -> None:
    assert client.upload(data={"source": "x" * 1025}).json()["code"] == "invalid_request"


def test_a_document_is_moved_to_a_free_place(client: Client) -> None:
    first = client.upload(content=b"One.", data={"source": "d/a.txt"}).json()["document"]["id"]
    client.upload(content=b"Two.", data={"source": "d/b.txt"})
    moved = client.request("PATCH", f"/v1/documents/{first}", json={"source": "e/a.txt"})
    taken = client.request("PATCH", f"/v1/documents/{first}", json={"source": "d/b.txt"})
    bad = client.request("PATCH", f"/v1/documents/{first}", json={"source": "../a"})
    assert (moved.status_code, moved.json()["document"]["source"]) == (200, "e/a.txt")
    assert (moved.json()["document"]["version"], moved.json()["job"]) == (1, None)
    assert (taken.status_code, taken.json()["code"]) == (409, "source_taken")
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_source")


def test_the_list_is_filtered_by_place_and_bytes(client: Client) -> None:
    for source in ("d/a.txt", "d/x/b.txt", "dd/c.txt", "D/d.txt"):
        client.upload(content=source.encode(), data={"source": source})
    loose = client.upload(content=b"Loose.").json()["document"]

    def sources(**wanted: str) -> list[str | None]:
        return [one["source"] for one in client.get("/v1/documents", params=wanted).json()["data"]]

    assert sorted(map(str, sources(source_prefix="d/"))) == ["d/a.txt", "d/x/b.txt"]
    assert sources(sha256=loose["sha256"]) == [None]
    assert sources(parent=loose["id"]) == []
    assert client.get("/v1/documents", params={"parent": "doc_never"}).status_code == 404
    assert client.get("/v1/documents", params={"sha256": "xyz"}).json()["code"] == "invalid_request"


def test_a_document_tells_of_itself_before_it_is_read(client: Client) -> None:
    document = client.upload().json()["document"]
    assert (document["source"], document["parent"], document["children"]) == (None, None, 0)
    assert document["refined"] == {"done": 0, "total": 0}
    assert (document["quality"], document["near_duplicates"]) == (None, None)
    assert client.get(f"/v1/documents/{document['id']}").json()["near_duplicates"] == []


def test_versions_are_listed_newest_first(client: Client) -> None:
    document = client.upload().json()["document"]
    path = f"/v1/documents/{document['id']}"
    client.request("PUT", path, files={"file": ("note.txt", b"A better note.")})
    found = client.get(f"{path}/versions").json()
    assert [(one["version"], one["status"], one["live"]) for one in found["data"]] == [
        (2, "current", False),
        (1, "superseded", False),
    ]
    assert found["data"][1]["sha256"] == document["sha256"]


def test_the_key_of_an_upload_stands_for_its_source_too(client: Client) -> None:
    client.upload(data={"source": "a.txt"}, headers={"Idempotency-Key": "k"})
    other = client.upload(data={"source": "b.txt"}, headers={"Idempotency-Key": "k"})
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("name", ["", " ", "a/b", "\x00", "x" * 101, "../x"])
def test_collection_names_are_bounded(client: Client, name: str) -> None:
    assert client.post("/v1/collections", json={"name": name}).json()["code"] == "invalid_request"


def test_the_list_is_filtered_by_kind(service: Service, client: Client) -> None:
    library = Library(service.database, service.blobs)
    library.add(["A note."], "a.txt")
    client.upload("waiting.txt", b"It has no kind before it is read.")

    def names(*kinds: str) -> list[str]:
        return [
            one["name"] for one in client.get("/v1/documents", params={"media_type": kinds}).json()["data"]
        ]

    assert names("text/plain") == ["a.txt"]
    assert names("application/pdf", "text/plain") == ["a.txt"]
    assert names("application/pdf") == []
