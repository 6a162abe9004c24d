"""A service in processes of its own, as ``footnote serve`` starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

START_SECONDS = 240.0
STOP_SECONDS = 40.0


class RunningService:
    """Started and ready inside the ``with`` block; ended by SIGTERM."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self._variables = variables
        self.address = ""
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
        settings = {"FOOTNOTE_DATA": str(self.folder / "data"), "FOOTNOTE_PORT": "0"}
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "serve"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=clean | settings | self._variables,
                text=True,
            )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        if "http://" not in first:
            self.stop()
            raise AssertionError(self.log())
        self.address = "http://" + first.split("http://", 1)[1].split()[0]
        self.wait_until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=120.0, trust_env=False)

    def log(self) -> str:
        return (self.folder / "service.log").read_text()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        with self.client() as client:
            while client.get("/readyz").status_code != 200:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.2)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def children(self) -> dict[str, int]:
        """Process ids by the module they run, however deep."""
        assert self.process is not None
        found, pids = {}, [self.process.pid]
        for parent in pids:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                pids += [int(pid) for pid in task.read_text().split()]
        for pid in pids:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if "-m" in arguments:
                found[arguments[arguments.index("-m") + 1]] = pid
        return found


def upload(client: httpx.Client, name: str, content: bytes, **data: str) -> dict[str, Any]:
    """Upload, wait until it is read, and return the answer."""
    answer = client.post("/v1/documents", params={"wait": "true"}, files={"file": (name, content)}, data=data)
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    return body


def resolved(client: httpx.Client, place: dict[str, Any]) -> str:
    """The text that stands where a hit or citation says it stands."""
    document = place["document"]
    answer = client.get(
        f"/v1/documents/{document['id']}/text",
        params={"start": place["start"], "end": place["end"], "version": document["version"]},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])
