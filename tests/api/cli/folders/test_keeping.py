"""A folder followed with a clock of the test's own, against the real application."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.connection import Connection
from api.cli.folders.folder import Folder
from api.cli.folders.keeping import Keeper
from api.cli.folders.outcome import Outcome
from api.cli.folders.patience import GRACE_SECONDS, SETTLE_SECONDS
from api.cli.folders.remote import Remote
from tests.api.conftest import AppTransport, Client


class Kept:
    """A folder, its keeper, and what the keeper said."""

    def __init__(self, root: Path, connection: Connection) -> None:
        self.root = root
        self.said: list[tuple[str, str]] = []
        self.followed: list[Outcome] = []
        folder = Folder(root, url=connection.url, collection="default")
        self._keeper = Keeper(
            folder, Remote(connection, "default"), self.followed.append, lambda *said: self.said.append(said)
        )
        self._now = 1000.0

    def later(self, seconds: float) -> float | None:
        """A step after so many seconds; returns in how many the next one is wanted."""
        self.said.clear()
        self._now += seconds
        again_at = self._keeper.step(self._now)
        return None if again_at is None else again_at - self._now

    def settled(self) -> list[tuple[str, str]]:
        """What is said once everything that is there has rested."""
        self.later(0)
        self.later(SETTLE_SECONDS)
        return self.said


@pytest.fixture
def kept(tmp_path: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "notes"
    root.mkdir()
    (root / "a.txt").write_text("One.")
    return Kept(root, connection)


def _documents(client: Client) -> dict[str, Any]:
    return {one["source"]: one for one in client.get("/v1/documents").json()["data"]}


def test_a_file_is_taken_when_it_has_rested(kept: Kept, client: Client) -> None:
    assert kept.later(0) == SETTLE_SECONDS
    assert _documents(client) == {}
    (kept.root / "a.txt").write_text("One, and more of it.")
    assert kept.later(SETTLE_SECONDS / 2) == SETTLE_SECONDS
    assert _documents(client) == {}
    assert kept.later(SETTLE_SECONDS) is None
    assert kept.said == [("added", "notes/a.txt")]
    assert _documents(client)["notes/a.txt"]["size"] == len("One, and more of it.")
    assert [one.file for one in kept.followed] == ["notes/a.txt"]


def test_nothing_is_asked_or_sent_while_nothing_happens(kept: Kept, wire: AppTransport) -> None:
    kept.settled()
    wire.seen.clear()
    assert kept.later(60) is None
    assert (wire.seen, kept.said) == ([], [])


def test_a_change_is_a_version_and_a_rename_a_move(kept: Kept, client: Client) -> None:
    kept.settled()
    document = _documents(client)["notes/a.txt"]["id"]
    (kept.root / "a.txt").write_text("Two.")
    assert kept.settled() == [("changed", "notes/a.txt")]
    (kept.root / "a.txt").rename(kept.root / "b.txt")
    assert kept.settled() == [("moved", "notes/a.txt is now notes/b.txt")]
    now = _documents(client)
    assert set(now) == {"notes/b.txt"}
    assert now["notes/b.txt"]["id"] == document


def test_a_file_saved_by_renaming_is_never_deleted(kept: Kept, client: Client) -> None:
    kept.settled()
    document = _documents(client)["notes/a.txt"]["id"]
    (kept.root / "other.txt").write_text("Kept.")
    kept.settled()
    (kept.root / "a.txt").unlink()
    assert kept.later(0) == GRACE_SECONDS
    kept.later(GRACE_SECONDS / 2)
    assert kept.said == []
    (kept.root / "a.txt").write_text("Saved.")
    assert kept.settled() == [("changed", "notes/a.txt")]
    kept.later(GRACE_SECONDS * 2)
    assert _documents(client)["notes/a.txt"]["id"] == document


def test_a_file_that_stays_away_is_deleted(kept: Kept, client: Client) -> None:
    (kept.root / "other.txt").write_text("Kept.")
    kept.settled()
    (kept.root / "a.txt").unlink()
    kept.later(0)
    assert kept.later(GRACE_SECONDS) is None
    assert kept.said == [("deleted", "notes/a.txt")]
    assert set(_documents(client)) == {"notes/other.txt"}


@pytest.mark.parametrize("away", [True, False])
def test_a_folder_that_is_suddenly_empty_or_away_loses_nothing(
    kept: Kept, client: Client, away: bool
) -> None:
    kept.settled()
    shutil.rmtree(kept.root)
    if not away:
        kept.root.mkdir()
    kept.later(0)
    kept.later(GRACE_SECONDS)
    first = list(kept.said)
    kept.later(GRACE_SECONDS * 10)
    assert set(_documents(client)) == {"notes/a.txt"}
    assert len([event for event, _ in (*first, *kept.said) if event == "waiting"]) <= 1
    kept.root.mkdir(exist_ok=True)
    (kept.root / "a.txt").write_text("One.")
    assert kept.settled() == [("resumed", "notes/")] or kept.said == []
    assert _documents(client)["notes/a.txt"]["version"] == 1


def test_a_service_that_is_away_is_waited_for_and_said_once(
    kept: Kept, client: Client, wire: AppTransport
) -> None:
    kept.settled()
    wire.broken = httpx.ConnectError("refused")
    (kept.root / "b.txt").write_text("While it was away.")
    kept.later(0)
    waits, said = [], []
    for _ in range(4):
        wait = kept.later(40)
        assert wait is not None
        waits.append(wait)
        said += kept.said
    assert waits == sorted(waits)
    assert waits[-1] <= 30
    assert [event for event, _ in said] == ["waiting"]
    wire.broken = None
    kept.later(40)
    assert kept.said == [("resumed", "notes/"), ("added", "notes/b.txt")]
    assert set(_documents(client)) == {"notes/a.txt", "notes/b.txt"}


def test_what_is_refused_is_said_once_and_tried_again_when_it_changes(kept: Kept, client: Client) -> None:
    kept.settled()
    (kept.root / "large.txt").write_bytes(b"a" * 100_001)
    assert [event for event, _ in kept.settled()] == ["failed"]
    kept.later(60)
    assert kept.said == []
    (kept.root / "large.txt").write_bytes(b"small")
    assert kept.settled() == [("added", "notes/large.txt")]


def test_what_is_no_document_is_skipped_and_said_once(kept: Kept) -> None:
    (kept.root / "a.bin").write_bytes(bytes(range(256)) * 8)
    assert [event for event, _ in kept.settled()] == ["skipped", "added"]
    kept.later(60)
    assert kept.said == []


def test_a_document_deleted_by_somebody_else_is_not_put_back_until_its_file_changes(
    kept: Kept, client: Client
) -> None:
    kept.settled()
    client.request("DELETE", f"/v1/documents/{_documents(client)['notes/a.txt']['id']}")
    kept.later(60)
    assert _documents(client) == {}
    (kept.root / "a.txt").write_text("Two.")
    assert kept.settled() == [("changed", "notes/a.txt")]
    assert set(_documents(client)) == {"notes/a.txt"}


def test_a_move_that_somebody_else_overtook_is_sorted_out(kept: Kept, client: Client) -> None:
    kept.settled()
    client.request("DELETE", f"/v1/documents/{_documents(client)['notes/a.txt']['id']}")
    (kept.root / "a.txt").rename(kept.root / "b.txt")
    assert [event for event, _ in kept.settled()] == ["failed"]
    kept.later(10)
    assert kept.said == [("added", "notes/b.txt")]
    assert set(_documents(client)) == {"notes/b.txt"}


def test_patterns_are_read_again_when_they_change(kept: Kept, client: Client) -> None:
    (kept.root / "b.log").write_text("Kept for now.")
    kept.settled()
    (kept.root / ".footnoteignore").write_text("*.log\n")
    kept.later(0)
    kept.later(GRACE_SECONDS)
    assert kept.said == [("deleted", "notes/b.log")]
    (kept.root / ".footnoteignore").write_text("!\n")
    kept.later(0)
    assert [event for event, _ in kept.said] == ["waiting"]
    assert set(_documents(client)) == {"notes/a.txt"}
