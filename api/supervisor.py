"""The ingest worker's life: started with the service, restarted when it dies, stopped with it.

What a dead worker had claimed is given back at once instead of after its lease, so a crash while
reading one document delays the others by a moment only.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

import structlog

from ingest import recovery
from rag.errors import FootnoteError
from rag.stores.database import Database
from rag.stores.identifiers import new_id

_log = structlog.get_logger(__name__)

_SHORTEST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_HEALTHY_SECONDS = 30.0
_STOP_SECONDS = 5.0


class WorkerSupervisor:
    """Keeps one worker process running.

    Args:
        command: makes the command line for a worker of the given id; a restarted worker gets a new id.
    """

    def __init__(self, database: Database, command: Callable[[str], Sequence[str]]) -> None:
        self._database = database
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()
        # The thread that starts a child must outlive it: the kernel's parent-death signal follows threads.
        self._thread = threading.Thread(target=self._supervise, name="worker-supervisor", daemon=True)
        self.phase = "starting"
        self.restarts = 0

    def start(self) -> None:
        self._thread.start()

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def close(self) -> None:
        """End the worker, politely for five seconds, and give back what it had claimed."""
        self._closing.set()
        with self._lock:
            process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _supervise(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._closing.is_set():
            worker, began = new_id("worker"), time.monotonic()
            code = self._run(self._command(worker))
            self.phase = "restarting"
            self._hand_back(worker)
            if self._closing.is_set():
                return
            self.restarts += 1
            pause = _SHORTEST_PAUSE if time.monotonic() - began > _HEALTHY_SECONDS else pause * 2
            pause = min(pause, _LONGEST_PAUSE)
            _log.warning("worker_died", exit_code=code, restart_in_seconds=pause)
            self._closing.wait(pause)

    def _run(self, command: Sequence[str]) -> int:
        """One life of the worker; returns its exit code."""
        with self._lock:
            if self._closing.is_set():
                return 0
            process = self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
            )
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.phase = _phase(line) or self.phase
        return process.wait()

    def _hand_back(self, worker: str) -> None:
        try:
            recovery.hand_back(self._database, worker)
        except FootnoteError as error:  # its leases run out on their own
            _log.warning("worker_jobs_not_released", code=error.code)


def _phase(line: bytes) -> str | None:
    """What the worker says it is doing; None for anything else that came out of it."""
    try:
        return str(json.loads(line)["phase"])
    except (ValueError, KeyError, TypeError):
        return None
