"""The ingest worker's life: started with the service, restarted when it dies, stopped with it.

What a dead worker had claimed is given back at once instead of after its lease, so a crash while
reading one document delays the others by a moment only.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from ingest import recovery
from ingest.telling import STORAGE_FAILED
from rag.errors import FootnoteError
from rag.stores.database import Database
from rag.stores.identifiers import new_id

_log = structlog.get_logger(__name__)

_SHORTEST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0
_HEALTHY_SECONDS = 30.0
_STOP_SECONDS = 5.0
SILENCE_SECONDS = 300.0
"""More than a parser may take for a document (``ParseLimits.wall_seconds``): a worker is silent meanwhile."""


def _ignore(_message: Mapping[str, Any]) -> None:
    return None


class WorkerSupervisor:
    """Keeps one worker process running.

    Args:
        command: makes the command line for a worker of the given id; a restarted worker gets a new id.
        on_told: hears what the worker tells of its work, and ``{"started": pid}`` before that. Called on
            the supervisor's thread; it must not raise.
    """

    def __init__(
        self,
        database: Database,
        command: Callable[[str], Sequence[str]],
        on_told: Callable[[Mapping[str, Any]], None] = _ignore,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._database = database
        self._command = command
        self._on_told = on_told
        self._silence_seconds = silence_seconds
        self._heard = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._lock = threading.Lock()
        # The thread that starts a child must outlive it: the kernel's parent-death signal follows threads.
        self._thread = threading.Thread(target=self._supervise, name="worker-supervisor", daemon=True)
        self.phase = "starting"
        self.restarts = 0
        database.health.listen(self._halt)

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

    def replace(self) -> None:
        """End the worker as ``close`` does and start another one."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def _halt(self) -> None:
        """The disk has failed a write: nobody is to write any more, and no worker to be started again."""
        self._closing.set()
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def _supervise(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._closing.is_set():
            worker, began = new_id("worker"), time.monotonic()
            code = self._run(self._command(worker))
            self.phase = "restarting"
            if code == STORAGE_FAILED:
                self._database.health.fail("the disk failed a write of the worker")
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
        self._on_told({"started": process.pid})
        self._heard = time.monotonic()
        watching = threading.Thread(target=self._watch, args=(process,), name="worker-watchdog", daemon=True)
        watching.start()
        with process.stdout:
            for line in process.stdout:
                self._heard = time.monotonic()
                self._hear(line)
        return process.wait()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a worker that says nothing for too long; what it had claimed goes on as a dead one's does."""
        look = min(1.0, self._silence_seconds / 4)
        while process.poll() is None:
            if time.monotonic() - self._heard > self._silence_seconds:
                _log.error("worker_hangs", silent_for_seconds=self._silence_seconds)
                process.kill()
                return
            time.sleep(look)

    def _hear(self, line: bytes) -> None:
        """One message of the worker (``ingest.telling``); anything else that comes out of it is dropped."""
        try:
            message = json.loads(line)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        if "phase" in message:
            self.phase = str(message["phase"])
        else:
            self._on_told(message)

    def _hand_back(self, worker: str) -> None:
        try:
            recovery.hand_back(self._database, worker)
        except FootnoteError as error:  # its leases run out on their own
            _log.warning("worker_jobs_not_released", code=error.code)
