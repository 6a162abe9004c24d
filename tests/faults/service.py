"""A light service in processes of its own, to be started and killed many times over one data folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60.0
_POLL_SECONDS = 0.02
_NEEDED = ("search", "worker")


class DidNotStart(Exception):
    """It ended, or was not ready in time; the message ends with its log."""


class FaultyService:
    """Over ``folder/data``; its log is ``folder/service.log``. Leaves no process behind the ``with`` block.

    Args:
        data: the data folder, where it is to lie elsewhere.
    """

    def __init__(
        self, folder: Path, data: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.data = data or folder / "data"
        self.address = ""
        self._variables = dict(variables or {})
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            _kill_group(process)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._processes[-1]

    def spawn(self) -> None:
        """Start it and return at once."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
        settings = {
            "FOOTNOTE_DATA": str(self.data),
            "FOOTNOTE_PORT": "0",
            "FOOTNOTE_DRAFTING": "off",
            "FOOTNOTE_THREADS": "1",
            "FOOTNOTE_MODELS": str(self.folder / "models"),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        announced = (self.folder / "service.out").open("wb")
        with announced, (self.folder / "service.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.light_service"],
                stdout=announced,
                stderr=log,
                env=clean | settings | self._variables,
                cwd=ROOT,
                start_new_session=True,
            )
        if self._processes:
            _kill_group(self._processes.pop())
        self._processes.append(process)
        self.address = ""

    def start(self) -> float:
        """Start it; returns the seconds until it searches and reads. Raises ``DidNotStart``."""
        began = time.monotonic()
        self.spawn()
        self.wait_until_ready()
        return time.monotonic() - began

    def wait_until_ready(self) -> None:
        """Wait until it searches and reads. Raises ``DidNotStart``."""
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(trust_env=False, timeout=5.0) as client:
            while time.monotonic() < deadline:
                if self.process.poll() is not None:
                    raise DidNotStart(f"It ended with status {self.process.returncode}:\n{self.log()}")
                if self._is_ready(client):
                    return
                time.sleep(_POLL_SECONDS)
        raise DidNotStart(f"It was not ready in time:\n{self.log()}")

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60.0, trust_env=False)

    def kill(self, role: str = "all") -> None:
        """SIGKILL to ``api``, ``worker`` or ``all`` of it; waits for the api to be gone if it goes."""
        if role == "worker":
            for pid in _children(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        if role == "all":
            _kill_group(self.process)
        else:
            self.process.kill()
        self.process.wait()

    def descendants(self) -> list[int]:
        """Every process that the api has started, and theirs."""
        found, looking = [], [self.process.pid]
        while looking:
            children = _children(looking.pop())
            found += children
            looking += children
        return found

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        return self.process.wait(START_SECONDS)

    def log(self) -> str:
        return (self.folder / "service.log").read_text()[-4000:]

    def _is_ready(self, client: httpx.Client) -> bool:
        if not self.address:
            said = (self.folder / "service.out").read_text()
            if "http://" not in said or "\n" not in said:
                return False
            self.address = "http://" + said.split("http://", 1)[1].split()[0]
        try:
            parts = client.get(f"{self.address}/readyz").json()["parts"]
        except (httpx.TransportError, KeyError, ValueError):
            return False
        return all(parts[name]["state"] == "ready" for name in _NEEDED)


def _children(parent: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += [int(pid) for pid in task.read_text().split()]
    return found


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
