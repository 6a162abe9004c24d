from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from api.app import create_app
from api.assembly import Service
from api.cli import checking
from api.settings import Settings
from ingest.janitor import Janitor
from tests.api.conftest import Client


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one document, and no service that runs."""
    for name in [name for name in os.environ if name.startswith("FOOTNOTE_")]:
        monkeypatch.delenv(name)
    service = Service(Settings(data=tmp_path / "data"))
    Client(create_app(service)).upload()
    service.close()
    return tmp_path / "data"


def _blob(data: Path) -> Path:
    (blob,) = (path for path in (data / "blobs").rglob("*") if path.is_file())
    return blob


def test_a_sound_folder_is_clean(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checking.fsck({"data": data}, repair=False, read_files=True, as_json=False) == 0
    assert capsys.readouterr().out == "1 documents, 0 passages, 1 files: everything fits together.\n"


def test_what_does_not_fit_is_named_and_fails(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _blob(data).write_bytes(b"Not what was sent.")
    assert checking.fsck({"data": data}, repair=False, read_files=False, as_json=False) == 0
    capsys.readouterr()
    assert checking.fsck({"data": data}, repair=False, read_files=True, as_json=True) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [one["code"] for one in found] == ["files_changed"]


def test_what_can_be_mended_is(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = data / "blobs" / "ab" / ("ab" + "0" * 62)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"Of nobody.")
    os.utime(left, (1, 1))
    assert checking.fsck({"data": data}, repair=False, read_files=False, as_json=False) == 1
    assert "files_unreferenced: 1." in capsys.readouterr().out
    assert checking.fsck({"data": data}, repair=True, read_files=False, as_json=False) == 0
    assert not left.exists()
    assert _blob(data).exists()


def test_a_commit_that_sqlite_passes_over_is_told_until_somebody_has_dealt_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A document is acknowledged, the process dies, and the disk flips a byte of SQLite's log."""
    data = tmp_path / "data"
    service = Service(Settings(data=tmp_path / "live"))
    Client(create_app(service)).upload()
    shutil.copytree(tmp_path / "live", data)
    service.close()
    log = data / "footnote.db-wal"
    content = bytearray(log.read_bytes())
    content[-100] ^= 1
    log.write_bytes(content)

    with capture_logs() as logged:
        service = Service(Settings(data=data))
    lost = _blob(data)
    os.utime(lost, (1, 1))
    Janitor(service.database, service.blobs).tidy_files()
    service.close()
    assert {"event": "log_cut_short", "commits": 1, "log_level": "error"} in logged
    assert lost.exists(), "it is all there is of the document"
    assert checking.fsck({"data": data}, repair=False, read_files=False, as_json=True) == 1
    found = {one["code"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert found.keys() == {"log_cut_short", "files_unreferenced"}
    assert lost.name in found["files_unreferenced"]["detail"]
    assert not found["log_cut_short"]["repairable"]
    assert checking.fsck({"data": data}, repair=True, read_files=False, as_json=False) == 0
    assert not lost.exists()


def test_beside_a_running_service_it_looks_and_touches_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(Settings(data=data))
    try:
        assert checking.fsck({"data": data}, repair=False, read_files=False, as_json=False) == 0
        assert checking.fsck({"data": data}, repair=True, read_files=False, as_json=False) == 1
    finally:
        service.close()
    assert "in use by process" in capsys.readouterr().err


def test_a_folder_without_a_library_is_not_made_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checking.fsck({"data": tmp_path / "x"}, repair=False, read_files=False, as_json=False) == 1
    assert "There is no library" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
