"""The queue as callers see it; nothing is ever read here."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from api import job_progress
from api.assembly import Service
from rag.stores import job_queue
from rag.stores.job_queue import Job
from tests.api.conftest import Client


def _job(client: Client, content: bytes = b"A note.", **options: Any) -> dict[str, Any]:
    job: dict[str, Any] = client.upload(content=content, **options).json()["job"]
    return job


def test_a_job_knows_its_uploader_and_who_waits_before_it(client: Client) -> None:
    jobs = [_job(client, f"Note {n}.".encode(), headers={"Footnote-Uploader": "ann"}) for n in range(3)]
    bob = _job(client, b"From Bob.", headers={"Footnote-Uploader": "bob"})
    alone = _job(client, b"From nobody.")
    told = [client.get(f"/v1/jobs/{job['id']}").json() for job in (*jobs, bob)]
    assert [job["uploader"] for job in told] == ["ann", "ann", "ann", "bob"]
    assert sorted(job["position"] for job in told[:3]) == [job["position"] for job in told[:3]]
    assert told[3]["position"] < told[2]["position"], "uploaders take turns"
    assert alone["uploader"] == "default"


@pytest.mark.parametrize("uploader", ["", "x" * 65, "a\tb"])
def test_an_uploader_is_a_short_printable_name(client: Client, uploader: str) -> None:
    answer = client.upload(headers={"Footnote-Uploader": uploader})
    assert answer.json()["code"] == "invalid_request"


def test_jobs_are_fetched_by_their_ids(client: Client) -> None:
    ids = [_job(client, f"{n}".encode())["id"] for n in range(4)]
    found = client.get("/v1/jobs", params={"id": [ids[0], ids[2], "job_never", ids[0]]}).json()
    assert [one["id"] for one in found["data"]] == [ids[2], ids[0]]
    assert client.get("/v1/jobs", params={"id": ids, "state": "running"}).json()["data"] == []
    many = client.get("/v1/jobs", params={"id": ["job_x"] * 101})
    assert many.json()["code"] == "invalid_request"


def test_a_cancelled_job_is_queued_again(client: Client) -> None:
    made = client.upload().json()
    path = f"/v1/jobs/{made['job']['id']}"
    waiting = client.post(f"{path}/retry")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "job_not_retryable")
    client.request("DELETE", path)
    again = client.post(f"{path}/retry")
    assert (again.status_code, again.json()["state"], again.json()["position"]) == (200, "queued", 0)
    document = client.get(f"/v1/documents/{made['document']['id']}").json()
    assert (document["state"], document["error"]) == ("queued", None)
    assert client.post("/v1/jobs/job_never/retry").json()["code"] == "job_not_found"


def test_the_queue_is_paused_and_resumed(client: Client, service: Service) -> None:
    assert client.get("/v1/queue").json()["oldest_waiting_seconds"] is None
    client.upload()
    paused = client.post("/v1/queue/pause").json()
    assert (paused["paused"], paused["jobs"]["queued"], paused["jobs"]["dead"]) == (True, 1, 0)
    assert paused["oldest_waiting_seconds"] >= 0
    with service.database.write() as tx:
        assert job_queue.claim(tx, "worker") is None
    assert client.post("/v1/queue/resume").json()["paused"] is False
    with service.database.write() as tx:
        assert job_queue.claim(tx, "worker") is not None


def _running(service: Service, **fields: Any) -> Job:
    with service.database.write() as tx:
        job = job_queue.claim(tx, "worker")
    assert job is not None
    return dataclasses.replace(job, stage_started_at=100.0, **fields)


def test_the_pace_is_that_of_the_present_stage(client: Client, service: Service) -> None:
    client.upload()
    parsing = _running(service, pages_done=20, pages_total=100)
    assert job_progress.rate(parsing, 110.0).pages_per_second == 2.0
    assert job_progress.eta_seconds(parsing, 110.0) == 40.0
    embedding = dataclasses.replace(parsing, pages_done=100, chunks_done=30, chunks_total=90)
    rate = job_progress.rate(embedding, 110.0)
    assert (rate.pages_per_second, rate.chunks_per_second) == (None, 3.0)
    assert job_progress.eta_seconds(embedding, 110.0) == 20.0


def test_there_is_no_pace_before_anything_is_done_nor_after_the_end(client: Client, service: Service) -> None:
    client.upload()
    begun = _running(service, pages_total=100)
    assert job_progress.eta_seconds(begun, 110.0) is None
    done = dataclasses.replace(begun, pages_done=100, finished_at=109.0)
    assert job_progress.eta_seconds(done, 110.0) is None
    assert job_progress.rate(done, 110.0).pages_per_second is None
