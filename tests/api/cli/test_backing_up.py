from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli import backing_up, checking
from api.settings import Settings
from rag.stores import schema
from rag.stores.backup_format import opened
from rag.stores.blobs import BlobStore
from rag.stores.database import Database
from rag.stores.key_tokens import SECRET_NAME
from tests.rag.stores.library import Library


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The commands answer SIGTERM themselves, and end with their process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a document, an evaluation, an index and a secret."""
    for name in [name for name in os.environ if name.startswith("FOOTNOTE_")]:
        monkeypatch.delenv(name)
    settings = Settings(data=tmp_path / "data")
    database = Database(settings.database_path)
    schema.upgrade(database)
    Library(database, BlobStore(settings.blobs_path)).add(["one", "two"])
    database.close()
    for name in ("evals/2026-11-22T093357Z.json", "evals/notes.txt", "indexes/space/1.faiss", SECRET_NAME):
        (settings.data / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.data / name).write_text(name)
    return settings.data


def test_there_and_back(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, copy = tmp_path / "x.backup", tmp_path / "copy"
    assert backing_up.backup({"data": data}, file, as_json=True) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["documents"], made["chunks"], made["files"]) == (1, 2, 1)
    assert backing_up.verify(file, as_json=False) == 0
    assert f"manifest_sha256  {made['manifest_sha256']}" in capsys.readouterr().out
    assert backing_up.restore(file, copy, as_json=True) == 0
    there = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith("blobs/")} == {
        "footnote.db",
        "evals/2026-11-22T093357Z.json",
        SECRET_NAME,
    }
    assert checking.fsck({"data": copy}, repair=False, read_files=True, as_json=True) == 0


def test_what_does_not_work_is_said(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backing_up.backup({"data": tmp_path / "none"}, tmp_path / "x.backup", as_json=False) == 1
    assert "There is no library" in capsys.readouterr().err
    assert backing_up.backup({"data": data}, data / "x.backup", as_json=False) == 1
    assert "inside the data folder" in capsys.readouterr().err
    assert backing_up.restore(tmp_path / "none", tmp_path / "copy", as_json=False) == 1
    assert "There is no backup" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_the_database_may_lie_elsewhere(data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    (data / "footnote.db").rename(elsewhere)
    given = {"data": data, "database": f"sqlite:///{elsewhere}"}
    assert backing_up.backup(given, tmp_path / "x.backup", as_json=True) == 0
    with opened(tmp_path / "x.backup") as backup:
        assert backup.manifest.counts["documents"] == 1
