from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from api.cli.folders import folder as folder_module
from api.cli.folders.folder import Folder, View
from ingest.sniffing import sniff
from rag.errors import BadRequest, Conflict

_LONG_AGO = 1_000_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "footnote"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "notes"
    made.mkdir()
    return made


def _write(path: Path, text: str, seconds: int = _LONG_AGO) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (seconds, seconds))


def _folder(root: Path, name: str | None = None, url: str = "http://127.0.0.1:1") -> Folder:
    return Folder(root, url=url, collection="default", name=name)


def _look(root: Path) -> tuple[View, int]:
    """What a new run sees, and how many files it has read for that."""
    opened = 0

    def counting(*arguments: Any) -> str:
        nonlocal opened
        opened += 1
        return sniff(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_module, "sniff", counting)
        folder = _folder(root)
        view = folder.view(folder.scan())
        folder.remember(view)
    return view, opened


def test_unchanged_files_are_not_read_again(root: Path) -> None:
    _write(root / "a.txt", "One.")
    _write(root / "b.txt", "Two.")
    first, read = _look(root)
    assert read == 2
    again, read = _look(root)
    assert (again, read) == (first, 0)
    _write(root / "b.txt", "Six.", _LONG_AGO + 1)  # the same size
    changed, read = _look(root)
    assert read == 1
    assert changed.files[0] == first.files[0]
    assert changed.files[1].sha256 != first.files[1].sha256


def test_a_file_put_in_place_of_another_is_read(root: Path) -> None:
    _write(root / "a.txt", "One.")
    first, _ = _look(root)
    _write(root / "new", "Two.")
    os.replace(root / "new", root / "a.txt")  # same size, same time, another inode
    second, read = _look(root)
    assert read == 1
    assert second.files[0].sha256 != first.files[0].sha256


def test_a_file_written_just_now_is_not_trusted_by_its_time(root: Path) -> None:
    (root / "a.txt").write_text("One.")
    _look(root)
    assert _look(root)[1] == 1


def test_a_damaged_record_is_an_empty_one(root: Path, cache: Path) -> None:
    _write(root / "a.txt", "One.")
    first, _ = _look(root)
    (record,) = (cache / "folders").glob("*.json")
    for content in (b"", b"{", b"[]", b'{"format": 1, "files": {"notes/a.txt": [1]}}', b'{"format": 99}'):
        record.write_bytes(content)
        again, read = _look(root)
        assert (again.files, read) == (first.files, 1)


def test_what_is_of_no_kind_that_is_read_is_skipped_with_the_reason(root: Path) -> None:
    (root / "a.bin").write_bytes(bytes(range(256)) * 8)
    (root / "empty.txt").write_bytes(b"")
    view, _ = _look(root)
    assert view.files == []
    assert [one.reason.split(":")[0] for one in view.skipped] == ["unsupported_type", "empty_file"]
    assert not any(one.unreadable for one in view.skipped)
    assert set(view.unknown) == {"notes/a.bin", "notes/empty.txt"}


def test_what_was_refused_is_looked_at_once_while_it_stays_the_same(root: Path) -> None:
    (root / "a.bin").write_bytes(bytes(range(256)) * 8)
    folder = _folder(root)
    first = folder.view(folder.scan())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_module, "sniff", lambda *_: pytest.fail("read again"))
        assert folder.view(folder.scan()).skipped == first.skipped


def test_sources_begin_with_the_name_of_the_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _folder(root).prefix == "notes/"
    assert _folder(root, name="other").prefix == "other/"
    monkeypatch.chdir(root)
    assert _folder(Path(".")).prefix == "notes/"
    with pytest.raises(BadRequest):
        _folder(root, name="../x")


def test_another_folder_of_the_same_name_is_not_mixed_up(root: Path, tmp_path: Path) -> None:
    _write(root / "a.txt", "One.")
    _look(root)
    other = tmp_path / "elsewhere" / "notes"
    _write(other / "a.txt", "Two.")
    with pytest.raises(Conflict, match="--as") as refused:
        _folder(other).check_name(taken=True)
    assert refused.value.code == "folder_name_taken"
    assert str(root) in refused.value.detail
    _folder(other).check_name(taken=False)  # nothing is there to be mixed up with
    _folder(other, name="more").check_name(taken=True)
    _folder(other, url="http://127.0.0.1:2").check_name(taken=True)
    (root / "a.txt").unlink()
    root.rmdir()
    _folder(other).check_name(taken=True)  # the folder was moved


def test_changes_of_what_is_left_out_do_not_concern_it(root: Path) -> None:
    (root / ".footnoteignore").write_text("*.log\n")
    folder = _folder(root)
    assert folder.concerns(root / "a.txt")
    assert folder.concerns(root / ".footnoteignore")
    assert not folder.concerns(root / "a.log")
    assert not folder.concerns(root / ".git" / "index")
