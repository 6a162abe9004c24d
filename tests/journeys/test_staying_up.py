"""Processes that die come back, what was acknowledged is read, and the end is clean."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from api.local_service import DidNotStart
from tests.journeys.running import RunningService, upload

_PATIENCE_SECONDS = 120.0


def test_a_killed_worker_is_replaced_and_the_next_document_is_read(
    running: RunningService, http: httpx.Client
) -> None:
    worker = running.children()["ingest.worker"]
    os.kill(worker, signal.SIGKILL)
    upload(http, "after.txt", b"The ferry to Baltrum leaves at nine.")
    assert running.children()["ingest.worker"] != worker


def test_a_killed_generator_is_replaced_and_search_works_meanwhile(
    running: RunningService, http: httpx.Client
) -> None:
    os.kill(running.children()["rag.models.generator_process"], signal.SIGKILL)
    assert http.post("/v1/search", json={"query": "ferry to Baltrum"}).status_code == 200
    running.wait_until_ready()
    question = {"question": "When does the ferry to Baltrum leave?", "mode": "answer"}
    answer = http.post("/v1/ask", json=question, headers={"Cache-Control": "no-cache"}).json()
    assert answer["model"] is not None


@pytest.mark.slow
def test_a_restart_loses_nothing_and_leaves_no_process(tmp_path: Path) -> None:
    service = RunningService(tmp_path)
    with service, service.client() as http:
        upload(http, "first.txt", b"The ferry to Spiekeroog leaves at seven.")
        accepted = http.post("/v1/documents", files={"file": ("next.txt", b"The ferry to Juist is late.")})
        children = service.children()
        assert service.stop() == 0
    assert not [pid for pid in children.values() if Path(f"/proc/{pid}").exists()]
    with service, service.client() as http:
        assert _finished(http, accepted.json()["job"]["id"]) == "succeeded"
        hits = http.post("/v1/search", json={"query": "ferry", "k": 10}).json()["hits"]
        assert {hit["document"]["name"] for hit in hits} == {"first.txt", "next.txt"}


def _finished(http: httpx.Client, job_id: str) -> str:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        job = http.get(f"/v1/jobs/{job_id}").json()
        if job["finished_at"] is not None:
            return str(job["state"])
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_second_server_on_the_same_folder_is_refused(running: RunningService) -> None:
    second = RunningService(running.folder)
    with pytest.raises(DidNotStart, match=r"in use by process \d+"):
        second.__enter__()
    assert second.process is not None
    assert second.process.wait(30) == 1
