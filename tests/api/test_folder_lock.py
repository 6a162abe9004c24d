from __future__ import annotations

import os
from pathlib import Path

import pytest

from api.folder_lock import FolderLock
from rag.errors import Conflict


def test_a_second_server_is_told_who_has_the_folder(tmp_path: Path) -> None:
    first = FolderLock(tmp_path).acquire()
    with pytest.raises(Conflict, match=f"process {os.getpid()}") as refused:
        FolderLock(tmp_path).acquire()
    assert refused.value.code == "data_folder_in_use"
    first.release()
    FolderLock(tmp_path).acquire().release()
