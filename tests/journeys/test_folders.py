"""Folders kept in step by the command line, through a real service that reads what it is sent."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.running import RunningService

_PATIENCE_SECONDS = 60.0


@pytest.fixture
def commands(running: RunningService, tmp_path: Path) -> Commands:
    return Commands(running.address, tmp_path / "cache")


@pytest.fixture
def root(tmp_path: Path, http: httpx.Client, request: pytest.FixtureRequest) -> Path:
    """A folder of its own name, in the default collection."""
    made = tmp_path / re.sub(r"\W", "-", request.node.name)
    made.mkdir()
    (made / "heron.txt").write_text(f"The heron stands at the weir of Elmswell in {made.name}.")
    (made / "deep").mkdir()
    (made / "deep" / "otter.md").write_text(f"# Otters\n\nThe otter of {made.name} sleeps below the mill.")
    return made


class Commands:
    """The command line as people run it."""

    def __init__(self, url: str, cache: Path) -> None:
        self._url = url
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
        self._environment = clean | {"XDG_CACHE_HOME": str(cache)}

    def add(self, *arguments: object) -> dict[str, dict[str, Any]]:
        """The outcomes of ``footnote add --json``, by file."""
        done = self._run("add", *map(str, arguments), "--json")
        assert done.returncode == 0, done.stderr
        return {one["file"]: one for one in json.loads(done.stdout)}

    def say(self, *arguments: str) -> str:
        done = self._run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def watching(self, *arguments: object) -> Iterator[subprocess.Popen[str]]:
        """``footnote watch`` for as long as the block lasts, then ended by Ctrl-C."""
        process = subprocess.Popen(
            self._line("watch", *map(str, arguments)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert "Traceback" not in said

    def refused(self, *arguments: object) -> str:
        done = self._run(*map(str, arguments))
        assert done.returncode == 1
        return done.stderr

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._line(*arguments), capture_output=True, text=True, check=False, env=self._environment
        )

    def _line(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "api.cli", *arguments, "--url", self._url]


def _documents(http: httpx.Client, root: Path) -> dict[str, dict[str, Any]]:
    answer = http.get("/v1/documents", params={"source_prefix": f"{root.name}/", "limit": 200}).json()
    return {one["source"].removeprefix(f"{root.name}/"): one for one in answer["data"]}


def _until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_folder_is_added_once_and_then_only_what_changed(
    commands: Commands, http: httpx.Client, root: Path
) -> None:
    first = commands.add(root)
    assert {one["state"] for one in first.values()} == {"ready"}
    assert Counter(one["action"] for one in first.values()) == {"added": 2}
    again = commands.add(root)
    assert Counter(one["action"] for one in again.values()) == {"unchanged": 2}
    assert {name: one["version"] for name, one in _documents(http, root).items()} == {
        "heron.txt": 1,
        "deep/otter.md": 1,
    }


def test_a_change_a_move_and_a_deletion_are_followed(
    commands: Commands, http: httpx.Client, root: Path
) -> None:
    before = commands.add(root)
    (root / "heron.txt").write_text("The heron has moved to the lock of Elmswell.")
    (root / "deep" / "otter.md").rename(root / "otter.md")
    changed = commands.add(root)
    assert {one["action"] for one in changed.values()} == {"changed", "moved"}
    assert (
        changed[f"{root.name}/otter.md"]["document_id"]
        == (before[f"{root.name}/deep/otter.md"]["document_id"])
    )
    hit = http.post("/v1/search", json={"query": "heron at the lock of Elmswell", "k": 1}).json()["hits"][0]
    assert "lock" in hit["text"]
    versions = commands.say("docs", "versions", changed[f"{root.name}/heron.txt"]["document_id"])
    assert [line.split()[1] for line in versions.splitlines()] == ["current", "superseded"]
    (root / "otter.md").unlink()
    assert commands.add(root)[f"{root.name}/otter.md"]["action"] == "gone"
    assert commands.add(root, "--delete")[f"{root.name}/otter.md"]["action"] == "deleted"
    assert set(_documents(http, root)) == {"heron.txt"}


def test_a_watched_folder_is_followed(commands: Commands, http: httpx.Client, root: Path) -> None:
    with commands.watching(root):
        _until(lambda: len(_documents(http, root)) == 2)
        (root / "kingfisher.txt").write_text("The kingfisher waits by the sluice of Elmswell.")
        _until(lambda: _documents(http, root).get("kingfisher.txt", {}).get("live_version") == 1)
        hits = http.post("/v1/search", json={"query": "kingfisher by the sluice of Elmswell", "k": 1})
        assert "kingfisher" in hits.json()["hits"][0]["text"]
        assert "follows" in commands.refused("watch", root)
        (root / "deep").rename(root / "shallow")
        _until(lambda: "shallow/otter.md" in _documents(http, root))
        (root / "kingfisher.txt").unlink()
        _until(lambda: "kingfisher.txt" not in _documents(http, root))
    assert set(_documents(http, root)) == {"heron.txt", "shallow/otter.md"}


def test_watching_by_looking_now_and_then(commands: Commands, http: httpx.Client, root: Path) -> None:
    with commands.watching(root, "--poll"):
        _until(lambda: len(_documents(http, root)) == 2)
        (root / "heron.txt").write_text("The heron is back at the weir of Elmswell.")
        _until(lambda: _documents(http, root)["heron.txt"]["version"] == 2)


def test_the_queue_waits_while_it_is_paused(commands: Commands, http: httpx.Client, root: Path) -> None:
    assert "paused" in commands.say("jobs", "pause")
    try:
        sent = commands.add(root, "--no-wait")
        assert {one["state"] for one in sent.values()} == {"queued"}
        job = next(iter(sent.values()))["job_id"]
        assert "queued" in commands.say("jobs", "show", job)
        assert commands.say("jobs", "cancel", job).split() == [job, "cancelled"]
        assert commands.say("jobs", "retry", job).split() == [job, "queued"]
    finally:
        commands.say("jobs", "resume")
    _until(lambda: all(one["live_version"] for one in _documents(http, root).values()))


def test_a_document_tells_how_well_it_was_read(commands: Commands, http: httpx.Client, root: Path) -> None:
    document = next(iter(commands.add(root).values()))["document_id"]
    report = commands.say("docs", "show", document)
    for line in ("text ", "language ", "chunks ", "found again "):
        assert f"\n{line}" in report, report
    quality = http.get(f"/v1/documents/{document}").json()["quality"]
    assert quality["tokens_truncated"] == 0
    assert quality["self_retrieval"] == 1.0
