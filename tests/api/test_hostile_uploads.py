"""Forms and file names made to do harm: refused or taken as plain data, at once, and nothing left behind."""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path

import pytest

from api.assembly import Service
from tests.api.conftest import Client

_BOUNDARY = "b"
_FORM = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
_MEGABYTE = 1_000_000


def _part(disposition: str, content: bytes = b"x", more: bytes = b"") -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n".encode()
    return head + more + b"\r\n" + content + b"\r\n"


_END = f"--{_BOUNDARY}--\r\n".encode()
_A_FILE = 'name="file"; filename="a.txt"'
_FILE = _part(_A_FILE, b"A text.")

_ATTACKS = {
    "100,000 fields": _part('name="x"') * 100_000 + _FILE + _END,
    "100,000 files": _part(_A_FILE) * 100_000 + _END,
    "100,000 headers of a part": _part(_A_FILE, more=b"X: 1\r\n" * 100_000) + _END,
    "one header of 20 MB": _part(_A_FILE, more=b"X: " + b"a" * 20 * _MEGABYTE) + _END,
    "one field of 20 MB": _part('name="metadata"', b"x" * 20 * _MEGABYTE) + _FILE + _END,
    "a source of 20 MB": _FILE + _part('name="source"', b"x" * 20 * _MEGABYTE) + _END,
    "a name of 20 MB": _part(f'name="file"; filename="{"a" * 20 * _MEGABYTE}"') + _END,
    "20 MB before the first part": b"-" * 20 * _MEGABYTE + b"\r\n" + _FILE + _END,
    "20 MB of almost boundaries": b"--b\r-" * (4 * _MEGABYTE) + _END,
    "a boundary of 20 MB": b"--" + b"b" * 20 * _MEGABYTE + b"\r\n" + _END,
    "no end": _FILE,
    "no end of the file": _FILE[:-4],
    "no end of a header": _FILE[:40],
    "no disposition": f"--{_BOUNDARY}\r\n\r\nx\r\n".encode() + _END,
    "no name": _part('filename="a.txt"') + _END,
    "two files": _FILE + _FILE + _END,
    "a file where a field belongs": _FILE + _part('name="metadata"; filename="m.json"', b"{}") + _END,
    "a field where the file belongs": _part('name="file"') + _END,
    "nothing": b"",
}


@pytest.fixture(autouse=True)
def _uploads_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


@pytest.fixture
def big(client: Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Lets bodies of 64 MB through to the form's reader."""
    from api.app import create_app

    raised = service.settings.model_copy(update={"max_upload_bytes": 64 * _MEGABYTE})
    monkeypatch.setattr(service, "settings", raised)
    return Client(create_app(service))


@pytest.mark.parametrize("attack", _ATTACKS)
def test_forms_made_to_do_harm_are_refused(big: Client, attack: str, tmp_path: Path) -> None:
    answer = big.post("/v1/documents", content=_ATTACKS[attack], headers=_FORM)
    assert answer.status_code in (400, 413, 415, 422), answer.text
    assert answer.json()["code"] in _CODES, answer.text
    assert not list((tmp_path / "uploads").iterdir())


_CODES = {"malformed_body", "invalid_request", "body_too_large", "bad_metadata", "unsupported_type"}


_ODD = {
    "20 MB of line ends before the first part": b"\r\n" * (10 * _MEGABYTE) + _FILE + _END,
    "a file of almost boundaries": _part(_A_FILE, b"\r\n--c" * (4 * _MEGABYTE)) + _END,
    "a file of carriage returns": _part(_A_FILE, b"\r" * 20 * _MEGABYTE) + _END,
}
"""Strange, but what they say is clear."""


def test_strange_forms_are_taken_as_what_they_say(big: Client) -> None:
    for form in _ODD.values():
        assert big.post("/v1/documents", content=form, headers=_FORM).status_code in (200, 202)


@pytest.mark.slow
@pytest.mark.parametrize("attack", _ATTACKS | _ODD)
def test_forms_made_to_do_harm_cost_less_than_a_second(big: Client, attack: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)
    big.post("/v1/documents", content=(_ATTACKS | _ODD)[attack], headers=_FORM)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0
