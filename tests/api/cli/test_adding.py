"""``footnote add`` against the real application; no worker reads anything, so nothing is waited for."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from api.cli import adding
from api.cli.adding import Options
from api.cli.connection import Connection, Refused
from rag.errors import Conflict
from tests.api.conftest import AppTransport, Client

_LONG_AGO = 1_000_000_000


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "notes"
    for name in ("a.txt", "b.txt", "deep/c.txt"):
        write(made / name, f"This is {name}.")
    return made


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (_LONG_AGO, _LONG_AGO))


class Run:
    """Runs of ``footnote add --json --no-wait`` and what they said."""

    def __init__(
        self, connection: Connection, wire: AppTransport, captured: pytest.CaptureFixture[str]
    ) -> None:
        self._connection, self._wire, self._captured = connection, wire, captured
        self.outcomes: list[dict[str, Any]] = []
        self.changing = 0

    def __call__(self, *paths: Path, **options: Any) -> int:
        self._wire.seen.clear()
        status = adding.add(self._connection, paths, Options(wait=False, as_json=True, **options))
        self.outcomes = json.loads(self._captured.readouterr().out)
        self.changing = sum(method != "GET" for method, _ in self._wire.seen)
        return status

    @property
    def actions(self) -> dict[str, str]:
        return {one["file"]: one["action"] for one in self.outcomes}


@pytest.fixture
def run(connection: Connection, wire: AppTransport, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(connection, wire, capsys)


def _sources(client: Client) -> dict[str, dict[str, Any]]:
    return {one["source"]: one for one in client.get("/v1/documents").json()["data"]}


def test_a_second_run_changes_nothing(root: Path, run: Run, client: Client) -> None:
    assert run(root) == 0
    assert Counter(run.actions.values()) == {"added": 3}
    assert set(_sources(client)) == {"notes/a.txt", "notes/b.txt", "notes/deep/c.txt"}
    assert run(root) == 0
    assert Counter(run.actions.values()) == {"unchanged": 3}
    assert run.changing == 0


def test_changed_moved_new_and_gone(root: Path, run: Run, client: Client) -> None:
    run(root)
    before = _sources(client)
    write(root / "a.txt", "This is something else.")
    (root / "b.txt").rename(root / "deep" / "renamed.txt")
    (root / "deep" / "c.txt").unlink()
    write(root / "new.txt", "This is new.")
    assert run(root) == 0
    assert run.actions == {
        "notes/deep/renamed.txt": "moved",
        "notes/a.txt": "changed",
        "notes/new.txt": "added",
        "notes/deep/c.txt": "gone",
    }
    after = _sources(client)
    assert set(after) == {"notes/a.txt", "notes/deep/renamed.txt", "notes/deep/c.txt", "notes/new.txt"}
    assert after["notes/a.txt"]["id"] == before["notes/a.txt"]["id"]
    assert after["notes/a.txt"]["version"] == 2
    moved = after["notes/deep/renamed.txt"]
    assert (moved["id"], moved["name"]) == (before["notes/b.txt"]["id"], "renamed.txt")
    assert moved["sha256"] == before["notes/b.txt"]["sha256"]


def test_only_what_is_asked_for_is_deleted(root: Path, run: Run, client: Client) -> None:
    run(root)
    (root / "a.txt").unlink()
    run(root)
    assert run.actions["notes/a.txt"] == "gone"
    run(root, delete=True)
    assert run.actions["notes/a.txt"] == "deleted"
    assert set(_sources(client)) == {"notes/b.txt", "notes/deep/c.txt"}


def test_a_folder_that_cannot_be_read_loses_nothing(
    root: Path, run: Run, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(root)
    real = os.scandir

    def guarded(path: str) -> Any:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert run(root, delete=True) == 1
    assert set(_sources(client)) == {"notes/a.txt", "notes/b.txt", "notes/deep/c.txt"}
    assert {one["file"]: one["error"] for one in run.outcomes if one["error"]} == {
        "notes/deep": "Permission denied"
    }


def test_what_is_of_no_kind_that_is_read_does_not_fail_the_run(root: Path, run: Run) -> None:
    (root / "program.bin").write_bytes(bytes(range(256)) * 8)
    (root / "empty.txt").touch()
    (root / "large.txt").write_bytes(b"a" * 100_001)
    assert run(root) == 0
    skipped = {one["file"]: one["reason"].split(":")[0] for one in run.outcomes if one["reason"]}
    assert skipped == {
        "notes/program.bin": "unsupported_type",
        "notes/empty.txt": "empty_file",
        "notes/large.txt": "file_too_large",
    }
    # By itself it was asked for, and could not be had.
    assert run(root / "program.bin") == 1
    assert run.outcomes[0]["error"].startswith("unsupported_type")


def test_patterns_leave_out(root: Path, run: Run, client: Client) -> None:
    write(root / ".footnoteignore", "deep/\n")
    assert run(root, ignore=["b.*"]) == 0
    assert set(_sources(client)) == {"notes/a.txt"}


def test_files_by_themselves_have_no_place(root: Path, run: Run, client: Client) -> None:
    assert run(root / "a.txt", root / "b.txt") == 0
    assert set(_sources(client)) == {None}
    assert run(root / "a.txt") == 0
    assert run.outcomes[0]["action"] == "there_already"
    # In the folder, the same bytes have a place from now on, and are no second document.
    run(root)
    assert set(_sources(client)) == {"notes/a.txt", "notes/b.txt", "notes/deep/c.txt"}


def test_another_name_keeps_folders_apart(root: Path, tmp_path: Path, run: Run, client: Client) -> None:
    run(root)
    other = tmp_path / "elsewhere" / "notes"
    write(other / "a.txt", "Of another folder.")
    for paths in ((other,), (root, other), (other, root)):
        with pytest.raises(Conflict, match="--as"):
            run(*paths)
    assert run(root, root / ".." / "notes") == 0
    assert Counter(run.actions.values()) == {"unchanged": 3}
    assert run(other, name="other") == 0
    assert _sources(client)["notes/a.txt"]["version"] == 1
    assert "other/a.txt" in _sources(client)


def test_an_empty_folder_that_never_held_anything_is_a_mistake(tmp_path: Path, run: Run) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty") == 1
    assert run.outcomes == []


def test_what_no_single_file_is_to_blame_for_ends_the_run(root: Path, run: Run) -> None:
    with pytest.raises(Refused, match="collection_not_found"):
        run(root, collection="nope")


def test_many_files_are_sent_once_each(tmp_path: Path, run: Run, client: Client) -> None:
    for number in range(230):  # more than a page of the list holds
        write(tmp_path / "many" / f"{number % 7}" / f"{number}.txt", f"Number {number}.")
    assert run(tmp_path / "many") == 0
    assert run.changing == 230
    assert run(tmp_path / "many") == 0
    assert (run.changing, Counter(run.actions.values())) == (0, {"unchanged": 230})


def test_a_report_for_people_groups_what_was_skipped(
    root: Path, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        (root / f"{number}.bin").write_bytes(bytes(range(256)) * 8)
    adding.add(connection, [root], Options(wait=False))
    said = capsys.readouterr().out
    assert "Skipped notes/0.bin, notes/1.bin, notes/2.bin and 2 more: unsupported_type" in said
    assert said.splitlines()[-1] == "5 skipped, 3 added."
