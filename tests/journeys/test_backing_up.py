"""Backup, restore and erasure of a service that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.cli.test_purging import holding
from tests.journeys.running import RunningService, until_refined, upload

REPORT = b"""The reading room was opened on 3 May 1911 in the presence of the mayor.

It was rebuilt after the fire of 1932, when the whole of the east wing was lost.
"""
QUESTION = "When was the reading room opened?"


def _footnote(*arguments: str | Path) -> dict[str, Any]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, arguments), "--json"],
        env=clean,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _asked(http: httpx.Client) -> dict[str, Any]:
    answer = http.post("/v1/ask", json={"question": QUESTION, "mode": "quote"}).json()
    shown = ("status", "answer", "sentences", "citations")
    return {name: answer[name] for name in shown}


def test_a_copy_restored_elsewhere_answers_the_same(
    running: RunningService, http: httpx.Client, tmp_path: Path
) -> None:
    document = upload(http, "chronicle.txt", REPORT)["document"]
    until_refined(http, document["id"])
    asked = _asked(http)
    assert "3 May 1911" in asked["answer"]
    backup = tmp_path / "library.backup"
    made = _footnote("backup", backup, "--data", running.folder / "data")
    assert _footnote("verify", backup)["manifest_sha256"] == made["manifest_sha256"]
    _footnote("restore", backup, "--data", tmp_path / "copy" / "data")
    assert _footnote("fsck", "--read-files", "--data", tmp_path / "copy" / "data")["findings"] == []
    with RunningService(tmp_path / "copy") as copy, copy.client() as elsewhere:
        assert _asked(elsewhere) == asked
        assert elsewhere.get(f"/v1/documents/{document['id']}/file").content == REPORT


@pytest.mark.slow  # it waits until the deleted file can belong to no upload
def test_nothing_of_a_deleted_document_is_left_while_the_service_runs(
    running: RunningService, http: httpx.Client
) -> None:
    canary = "Zanthoxylum"
    document = upload(
        http,
        f"{canary}.txt",
        f"{canary} grows by the sea. ".encode() * 50,
        metadata=json.dumps({"tree": canary}),
    )["document"]
    asked = http.post("/v1/ask", json={"question": f"Where does {canary} grow?", "mode": "quote"}).json()
    assert canary in asked["answer"]
    assert http.delete(f"/v1/documents/{document['id']}").status_code == 204
    assert http.delete(f"/v1/answers/{asked['id']}").status_code == 204
    data = running.folder / "data"
    assert holding(data, canary)
    purged = _footnote("purge", "--data", data)
    assert (purged["service"], purged["left"]) == (True, [])
    assert holding(data, canary) == []
    found = http.post("/v1/search", json={"query": canary}).json()["hits"]
    assert [hit for hit in found if canary in hit["text"]] == []
