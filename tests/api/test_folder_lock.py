from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.folder_lock import FolderLock
from rag.errors import Conflict

TRIES = 100
_TRY = """
import os, sys
from pathlib import Path
from api.folder_lock import FolderLock
from rag.errors import Conflict

refused = 0
for _ in range(int(sys.argv[2])):
    child = os.fork()
    if child == 0:
        try:
            FolderLock(Path(sys.argv[1])).acquire()
        except Conflict as conflict:
            os._exit(7 if "in use by process " + sys.argv[3] in conflict.detail else 8)
        os._exit(9)
    refused += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print(refused)
"""


def test_a_second_server_is_told_who_has_the_folder(tmp_path: Path) -> None:
    first = FolderLock(tmp_path).acquire()
    with pytest.raises(Conflict, match=f"process {os.getpid()}") as refused:
        FolderLock(tmp_path).acquire()
    assert refused.value.code == "data_folder_in_use"
    first.release()
    FolderLock(tmp_path).acquire().release()


def test_no_other_process_gets_the_folder_in_a_hundred_tries(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path).acquire()
    arguments = [sys.executable, "-c", _TRY, str(tmp_path), str(TRIES), str(os.getpid())]
    tried = subprocess.run(arguments, capture_output=True, text=True, check=True)
    lock.release()
    assert tried.stdout == f"{TRIES}\n"


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from api.folder_lock import FolderLock; "
    script += "FolderLock(Path(sys.argv[1])).acquire(); print('has it', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"has it\n"
        with pytest.raises(Conflict, match=f"process {holder.pid}"):
            FolderLock(tmp_path).acquire()
        holder.kill()
        holder.wait()
    FolderLock(tmp_path).acquire().release()
