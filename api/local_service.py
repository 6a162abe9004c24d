"""A service of one's own as a child process: for the demonstration, evaluations, benchmarks and tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from api.cli.connection import Connection, Refused

START_SECONDS = 240.0
STOP_SECONDS = 40.0
_POLL_SECONDS = 0.1


class DidNotStart(Exception):
    """The service ended, or was not ready in time; the message ends with its log."""


class LocalService:
    """A service on a free port of 127.0.0.1, ready inside the ``with`` block and ended by SIGTERM.

    Args:
        folder: for its data (``folder/data``) and its log (``folder/service.log``).
        variables: further ``FOOTNOTE_*`` settings; those of the surrounding environment are not passed on.
        on_phase: hears the seconds since the start and what each part is doing, whenever that changes.

    Raises:
        DidNotStart: on entering.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, str] | None = None,
        on_phase: Callable[[float, str], None] | None = None,
    ) -> None:
        self.folder = folder
        self.address = ""
        self._variables = dict(variables or {})
        self._on_phase = on_phase
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FOOTNOTE_")}
        settings = {"FOOTNOTE_DATA": str(self.folder / "data"), "FOOTNOTE_PORT": "0"}
        with (self.folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "serve"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=clean | settings | self._variables,
                text=True,
            )
        try:
            self.address = self._announced_address()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "not started"
        return self._process

    def wait_until_ready(self) -> None:
        """Wait for every part to work. Raises ``DidNotStart``."""
        began, shown = time.monotonic(), ""
        connection = Connection(self.address)
        try:
            while time.monotonic() - began < START_SECONDS:
                if self.process.poll() is not None:
                    raise DidNotStart(
                        f"The service ended with status {self.process.returncode}:\n{self.log()}"
                    )
                now = _phases(connection)
                if self._on_phase is not None and now != shown:
                    self._on_phase(time.monotonic() - began, now)
                if now == _READY:
                    return
                shown = now
                time.sleep(_POLL_SECONDS)
        finally:
            connection.close()
        raise DidNotStart(f"The service did not become ready in time:\n{self.log()}")

    def log(self) -> str:
        """What the service has logged so far."""
        return (self.folder / "service.log").read_text()

    def stop(self) -> int:
        """SIGTERM, or SIGKILL when that does not end it; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def children(self) -> dict[str, int]:
        """Process ids of the children, however deep, by the module they run."""
        found, pids = {}, [self.process.pid]
        for parent in pids:
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                pids += [int(pid) for pid in task.read_text().split()]
        for pid in pids[1:]:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if "-m" in arguments:
                found[arguments[arguments.index("-m") + 1]] = pid
        return found

    def peak_memory(self) -> dict[str, float]:
        """Peak resident memory in MiB by process, and their sum."""
        pids = {"api": self.process.pid, **self.children()}
        peaks = {name.rpartition(".")[2]: _peak_mebibytes(pid) for name, pid in pids.items()}
        return peaks | {"all processes": sum(peaks.values())}

    def _announced_address(self) -> str:
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        if "http://" not in first:
            raise DidNotStart(f"The service did not start:\n{self.log()}")
        return "http://" + first.split("http://", 1)[1].split()[0]


_READY = "ready"


def _phases(connection: Connection) -> str:
    try:
        connection.call("GET", "/readyz")
    except Refused as refused:
        parts = refused.problem.get("parts", {})
        return ", ".join(f"{name}: {part['phase']}" for name, part in parts.items())
    return _READY


def _peak_mebibytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
