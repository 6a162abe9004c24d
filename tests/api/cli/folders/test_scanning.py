from __future__ import annotations

import os
from pathlib import Path

import pytest

from api.cli.folders.ignoring import Ignored
from api.cli.folders.scanning import Skipped, scan


def _write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def _sources(root: Path, *patterns: str) -> list[str]:
    return [file.source for file in scan(root, "top", Ignored(patterns)).files]


def test_files_are_found_in_the_order_of_their_sources(tmp_path: Path) -> None:
    _write(tmp_path, "b.txt", "a/z.txt", "a/deep/er/x.txt", "ä ö.txt")
    assert _sources(tmp_path) == ["top/a/deep/er/x.txt", "top/a/z.txt", "top/b.txt", "top/ä ö.txt"]


def test_what_is_ignored_is_not_mentioned(tmp_path: Path) -> None:
    _write(tmp_path, "a.txt", "a.log", ".hidden", "build/b.txt")
    found = scan(tmp_path, "top", Ignored(["*.log", "build/"]))
    assert ([file.source for file in found.files], found.skipped) == (["top/a.txt"], [])


def test_links_lead_nowhere_outside(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    _write(root, "real.txt")
    _write(outside, "secret.txt")
    (root / "inner.txt").symlink_to(root / "real.txt")
    (root / "out.txt").symlink_to(outside / "secret.txt")
    (root / "out").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "broken.txt").symlink_to(root / "nothing")
    found = scan(root, "top", Ignored())
    assert [file.source for file in found.files] == ["top/inner.txt", "top/real.txt"]
    assert sorted(found.skipped, key=lambda one: one.source) == [
        Skipped("top/broken.txt", "a link that leads to no file"),
        Skipped("top/loop", "a link that leads to no file"),
        Skipped("top/out", "a link that leads out of the folder"),
        Skipped("top/out.txt", "a link that leads out of the folder"),
    ]


def test_a_folder_that_is_itself_a_link_is_followed(tmp_path: Path) -> None:
    _write(tmp_path / "real", "a.txt")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert _sources(tmp_path / "link") == ["top/a.txt"]


def test_pipes_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert _sources(tmp_path) == []


@pytest.mark.parametrize("name", [b"bad-\xff.txt", b"new\nline.txt"])
def test_names_that_cannot_be_sent_are_said(tmp_path: Path, name: bytes) -> None:
    (Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))).write_text("x")
    found = scan(tmp_path, "top", Ignored())
    assert found.files == []
    assert len(found.skipped) == 1
    found.skipped[0].source.encode()


def test_a_folder_that_may_not_be_read_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, "open/a.txt", "shut/b.txt")
    real = os.scandir

    def guarded(path: str) -> object:  # as root, permissions would not keep anybody out
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = scan(tmp_path, "top", Ignored())
    assert [file.source for file in found.files] == ["top/open/a.txt"]
    assert found.skipped == [Skipped("top/shut", "Permission denied", unreadable=True)]


def test_a_folder_that_is_not_there_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "nothing", "top", Ignored())


def test_depth_has_no_limit_of_its_own(tmp_path: Path) -> None:
    deep = "/".join("d" * 1 for _ in range(300)) + "/a.txt"
    _write(tmp_path, deep)
    assert _sources(tmp_path) == [f"top/{deep}"]
