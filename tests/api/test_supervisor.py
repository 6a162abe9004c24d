"""A worker that hangs is replaced like one that died."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from api.supervisor import WorkerSupervisor
from rag.stores import schema
from rag.stores.database import Database

_PATIENCE = 30.0
_TALKS = "import time\nwhile True:\n    print('{\"alive\": true}', flush=True)\n    time.sleep(0.05)\n"
_HANGS = 'import time\nprint(\'{"phase": "ready"}\', flush=True)\ntime.sleep(1000)\n'


def test_a_worker_that_says_nothing_is_replaced_and_one_that_lives_is_not(tmp_path: Path) -> None:
    database = Database(tmp_path / "footnote.db")
    schema.upgrade(database)
    programs = [_HANGS, _TALKS]

    def command(worker_id: str) -> Sequence[str]:
        return [sys.executable, "-c", programs.pop(0) if programs else _TALKS]

    supervisor = WorkerSupervisor(database, command, silence_seconds=3.0)
    supervisor.start()
    try:
        deadline = time.monotonic() + _PATIENCE
        while supervisor.restarts == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert supervisor.restarts == 1
        time.sleep(4)  # longer than silence is borne
        assert supervisor.restarts == 1
    finally:
        supervisor.close()
        database.close()
