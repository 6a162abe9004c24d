"""The recording of what a program does to its files, and what a power cut leaves of it."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import recording
from tests.faults.disk_model import Disk, File

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

_REPLACED = """
import os
file = os.open("new", os.O_WRONLY | os.O_CREAT, 0o600)
os.write(file, b"second")
{sync_file}
os.close(file)
os.replace("new", "inside/kept")
{sync_folder}
"""
_SYNC_FILE = "os.fsync(file)"
_SYNC_FOLDER = "os.fsync(os.open('inside', os.O_RDONLY))"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "disk" / "inside").mkdir(parents=True)
    (tmp_path / "disk" / "inside" / "kept").write_bytes(b"first")
    shutil.copytree(tmp_path / "disk", tmp_path / "before")
    return tmp_path / "disk"


def done(root: Path, script: str) -> Disk:
    """The disk after a script has run in it, as recorded, which is compared with the real one."""
    log = root.parent / "calls"
    command = ["strace", *recording.options(log), sys.executable, "-I", "-S", "-c", script]
    if subprocess.run(command, cwd=root, check=False).returncode:
        pytest.skip("strace is not allowed to trace here")
    disk = Disk(root, root.parent / "before")
    replay = recording.Replay(disk)
    for call in recording.calls(log):
        replay.changes(call)
    assert disk.differs(root) == []
    return disk


def left(disk: Disk, seed: int | None) -> dict[str, bytes]:
    target = disk.root.parent / "left"
    shutil.rmtree(target, ignore_errors=True)
    disk.cut_power(target, None if seed is None else random.Random(seed))
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_what_was_synced_in_order_is_never_lost(root: Path) -> None:
    disk = done(root, _REPLACED.format(sync_file=_SYNC_FILE, sync_folder=_SYNC_FOLDER))
    for seed in (None, *range(30)):
        assert left(disk, seed)["inside/kept"] == b"second"


def test_without_the_folders_sync_it_is_the_old_or_the_new_file(root: Path) -> None:
    disk = done(root, _REPLACED.format(sync_file=_SYNC_FILE, sync_folder=""))
    assert left(disk, None) == {"inside/kept": b"first"}
    assert {left(disk, seed)["inside/kept"] for seed in range(30)} == {b"first", b"second"}


def test_without_the_files_sync_its_bytes_may_be_gone(root: Path) -> None:
    disk = done(root, _REPLACED.format(sync_file="", sync_folder=_SYNC_FOLDER))
    assert left(disk, None)["inside/kept"] == b""
    assert {b"", b"second", bytes(6)} == {left(disk, seed)["inside/kept"] for seed in range(30)}


def test_writing_shrinking_and_removing_are_recorded(root: Path) -> None:
    script = """
import os, shutil
with open("inside/kept", "ab") as file: file.write(b" and more")
with open("sizes", "wb") as file: file.truncate(10); os.pwrite(file.fileno(), b"x", 20); file.truncate(15)
os.posix_fallocate(os.open("room", os.O_WRONLY | os.O_CREAT), 0, 5)
os.makedirs("a/b"); open("a/b/c", "w").close(); os.rename("a", "d"); os.rename("d/b/c", "d/c")
os.mkdir("gone"); open("gone/file", "w").close(); shutil.rmtree("gone")
"""
    disk = done(root, script)
    assert left(disk, None) == {"inside/kept": b"first"}
    assert any(left(disk, seed).get("d/c") == b"" for seed in range(60))


def test_a_torn_write_ends_at_a_sector() -> None:
    file = File(bytes(2048), [(0, b"x" * 2048)])
    seen = {file.left(random.Random(seed)) for seed in range(100)}
    assert seen == {b"x" * (512 * kept) + bytes(2048 - 512 * kept) for kept in range(5)}


def test_calls_of_two_threads_are_put_together(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    log.write_text(
        '7 fsync(3<\\x2f\\x61> <unfinished ...>\n8 write(4<\\x2f\\x62>, "\\x21", 1) = 1\n'
        '7 <... fsync resumed>) = 0\n8 unlink("\\x63") = -1 ENOENT (No such file or directory)\n'
    )
    assert [(call.name, call.result) for call in recording.calls(log)] == [("write", 1), ("fsync", 0)]


def test_what_is_not_understood_is_not_passed_over(tmp_path: Path) -> None:
    replay = recording.Replay(Disk(tmp_path, tmp_path))
    with pytest.raises(ValueError, match="link"):
        replay.changes(recording.Call("linkat", (), (), "", 0))
