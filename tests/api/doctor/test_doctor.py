from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable
from pathlib import Path

import pytest

from api.assembly import Service
from api.cli import examining
from api.doctor import library, machine, weights
from api.doctor.checks import Check, Level, each
from api.settings import Settings
from rag.errors import StorageFailed
from tests.scripted_model_server import Script, scripted


def by_name(checks: Iterable[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return Settings(data=tmp_path / "data", models=tmp_path / "models", port=port)


@pytest.fixture
def made(settings: Settings) -> Settings:
    """With a library that is not served any more."""
    Service(settings).close()
    settings.data.chmod(0o700)
    return settings


def test_every_complaint_says_what_to_do(settings: Settings) -> None:
    for check in (*machine.checks(settings, service_runs=False), *library.checks(settings, None)):
        assert bool(check.mend) is (check.level is not Level.OK), check
        assert check.found


def test_a_sound_library_is_found_sound(made: Settings) -> None:
    found = by_name(library.checks(made, library.holder_of(made.data)))
    assert {check.level for check in found.values()} == {Level.OK}, found
    assert found["data folder"].found == "is not being served"


def test_a_served_folder_is_named_with_its_process(settings: Settings) -> None:
    service = Service(settings)
    try:
        holder = library.holder_of(settings.data)
        found = by_name(library.checks(settings, holder))
    finally:
        service.close()
    assert holder == str(os.getpid())
    assert holder in found["data folder"].found
    assert found["library"].level is Level.OK


def test_nothing_is_made_where_there_is_nothing(settings: Settings) -> None:
    assert library.holder_of(settings.data) is None
    assert "first start" in by_name(library.checks(settings, None))["library"].found
    assert not settings.data.exists()


def test_damage_fails_and_names_the_repair(made: Settings) -> None:
    stray = made.blobs_path / "ab" / ("ab" + "0" * 62)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"nobody's")
    os.utime(stray, (0, 0))
    found = by_name(library.checks(made, None))
    assert found["files_unreferenced"].level is Level.FAIL
    assert "footnote fsck --repair" in found["files_unreferenced"].mend


def test_an_index_that_does_not_fit_is_only_to_know_about(made: Settings) -> None:
    (made.indexes_path / "0123456789abcdef").mkdir(parents=True)
    assert by_name(library.checks(made, None))["index"].level is Level.WARN


def test_a_folder_that_others_can_read_is_told(made: Settings) -> None:
    made.data.chmod(0o755)
    check = by_name(library.checks(made, None))["permissions"]
    assert (check.level, "chmod 700" in check.mend) == (Level.WARN, True)


def test_answers_that_wait_are_told(made: Settings) -> None:
    journal = made.database_path.with_name("receipts.journal")
    journal.write_bytes(b"{}\n")
    assert "next start" in by_name(library.checks(made, None))["journal"].found
    os.utime(journal, (0, 0))
    assert by_name(library.checks(made, "7"))["journal"].level is Level.WARN


def test_a_port_that_is_taken_fails_unless_the_service_has_it(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", settings.port)):
        alone = by_name(machine.checks(settings, service_runs=False))
        beside = by_name(machine.checks(settings, service_runs=True))
    assert alone["port"].level is Level.FAIL
    assert "FOOTNOTE_PORT" in alone["port"].mend
    assert beside["port"].level is Level.OK


def test_models_are_told_by_their_hash(settings: Settings) -> None:
    found = by_name(weights.checks(settings))
    assert found["generator"].level is Level.OK
    assert "b179c9523d0e" in found["generator"].found
    assert "384 dimensions" in found["embedder"].found
    assert found["student"].level is Level.WARN  # none in an empty folder


def test_a_model_that_is_none_fails(tmp_path: Path) -> None:
    page = tmp_path / "model.gguf"
    page.write_bytes(b"<html>Not found</html>")
    settings = Settings(data=tmp_path / "data", model=page, embedder=tmp_path / "none", models=tmp_path)
    found = by_name(weights.checks(settings))
    assert (found["generator"].level, found["generator"].found) == (Level.FAIL, "model_unusable")
    assert "web page" in found["generator"].mend
    assert found["embedder"].level is Level.FAIL


def test_a_models_server_is_tried(settings: Settings) -> None:
    with scripted(Script()) as url:
        here = settings.model_copy(update={"generator_url": url})
        found = by_name(weights.checks(here))
    assert (found["generator"].level, "scripted at 127.0.0.1" in found["generator"].found) == (Level.OK, True)
    assert "text sent" not in found


@pytest.mark.parametrize(("scheme", "said"), [("http", ":80, unencrypted"), ("https", ":443")])
def test_text_that_leaves_the_machine_is_said(settings: Settings, scheme: str, said: str) -> None:
    away = settings.model_copy(update={"generator_url": f"{scheme}://models.example.org/v1"})
    first = next(iter(weights.checks(away)))  # nothing has been connected to yet
    assert first.level is Level.WARN
    assert first.found == f"document text leaves this machine to models.example.org{said}"


def test_what_stops_one_check_does_not_stop_the_others() -> None:
    def broken() -> Iterable[Check]:
        yield Check("first", Level.OK, "fine")
        raise StorageFailed("disk_full", "The disk is full; free some space.")

    found = list(each("second", lambda: iter(broken())))
    assert [check.level for check in found] == [Level.OK, Level.FAIL]
    assert found[1].mend == "The disk is full; free some space."


def test_the_command_prints_json_and_a_status(
    made: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("FOOTNOTE_")]:
        monkeypatch.delenv(name)
    given = {"data": made.data, "port": made.port}
    assert examining.doctor(given, as_json=True) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert {"name", "level", "found", "mend"} == set(report["checks"][0])
    with socket.create_server(("127.0.0.1", made.port)):
        assert examining.doctor(given, as_json=False) == 1
    printed = capsys.readouterr().out
    assert "FAIL  port:" in printed
    assert printed.endswith("1 to mend.\n")
