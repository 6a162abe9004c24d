"""A service of one's own as a child process: for the demonstration, evaluations and benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from api.cli.connection import Connection, Refused

LOG = "service.log"

_START_SECONDS = 180.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.1


class DidNotStart(Exception):
    """The service ended, or was not ready in time; the message says where to look."""


@contextmanager
def running_service(
    folder: Path, on_phase: Callable[[float, str], None] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service on a free port of 127.0.0.1 with its data in ``folder``: its process and address, once ready.

    ``on_phase`` hears the seconds since the start and what each part is doing, whenever that changes.
    Raises ``DidNotStart``. The service is stopped when the block ends.
    """
    settings = {"FOOTNOTE_DATA": str(folder), "FOOTNOTE_PORT": "0", "FOOTNOTE_HOST": "127.0.0.1"}
    environment = {
        name: value for name, value in os.environ.items() if name != "FOOTNOTE_DATABASE"
    } | settings
    with open(folder / LOG, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve"],
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            text=True,
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        if "http://" not in first:
            raise DidNotStart(f"The service did not start:\n{(folder / LOG).read_text()}")
        address = "http://" + first.split("http://", 1)[1].split()[0]
        _wait_until_ready(address, process, on_phase)
        yield process, address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def peak_memory(pid: int) -> Mapping[str, float]:
    """Peak resident memory in MiB of the service's processes by role, and of all together."""
    peaks: dict[str, float] = {}
    for one in _with_descendants(pid):
        name = _role(one)
        peaks[name] = peaks.get(name, 0.0) + _peak_mebibytes(one)
    return peaks | {"all processes": sum(peaks.values())}


def _wait_until_ready(
    address: str, process: subprocess.Popen[str], on_phase: Callable[[float, str], None] | None
) -> None:
    began, shown = time.monotonic(), ""
    connection = Connection(address)
    try:
        while time.monotonic() - began < _START_SECONDS:
            if process.poll() is not None:
                raise DidNotStart(f"The service ended with status {process.returncode}; see its log.")
            try:
                connection.call("GET", "/readyz")
            except Refused as refused:
                parts = refused.problem.get("parts", {})
                now = ", ".join(f"{name}: {part['phase']}" for name, part in parts.items())
                if on_phase is not None and now != shown:
                    on_phase(time.monotonic() - began, now)
                    shown = now
                time.sleep(_POLL_SECONDS)
            else:
                if on_phase is not None:
                    on_phase(time.monotonic() - began, "ready")
                return
    finally:
        connection.close()
    raise DidNotStart("The service did not become ready in time; see its log.")


def _with_descendants(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def _role(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    roles = {"ingest.worker": "worker", "generator_process": "generator", "parse_child": "parser"}
    return next((role for module, role in roles.items() if module in command), "api")


def _peak_mebibytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
