"""Keys from the command line: before a service runs, while one runs, and through it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.app import create_app
from api.assembly import Service
from api.cli.commands import app
from api.cli.connection import Connection
from api.settings import KEY_VARIABLE, Settings, load
from rag.errors import Conflict
from tests.api.conftest import AppTransport, Client

runner = CliRunner()


def run(*arguments: str, data: Path) -> str:
    done = runner.invoke(app, [*arguments, "--data", str(data)])
    assert done.exit_code == 0, done.output
    return done.output


def make(data: Path, *more: str) -> str:
    made = json.loads(run("keys", "create", "a key", "--scope", "read", "--json", *more, data=data))
    return str(made["token"])


def test_a_key_made_before_the_service_runs_opens_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    token = make(data, "--days", "3", "--collection", "default")
    service = Service(Settings(data=data))
    client = Client(create_app(service))
    assert client.get("/v1/documents").status_code == 401
    assert client.get("/v1/documents", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    service.close()


def test_what_is_settled_beside_a_running_service_holds_at_its_next_request(service: Service) -> None:
    client, data = Client(create_app(service)), service.settings.data
    token = make(data)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/v1/documents", headers=headers).status_code == 200
    (listed,) = json.loads(run("keys", "list", "--json", data=data))
    assert "read" in run("keys", "list", data=data)
    assert run("keys", "revoke", listed["id"], data=data)
    assert client.get("/v1/documents", headers=headers).status_code == 401


def test_tenants_are_made_on_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    run("tenants", "create", "acme", data=data)
    assert json.loads(run("tenants", "list", "--json", data=data)) == ["acme", "default"]
    make(data, "--tenant", "acme")
    assert json.loads(run("keys", "list", "--json", data=data)) == []
    assert len(json.loads(run("keys", "list", "--tenant", "acme", "--json", data=data))) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "create", "x", "--scope", "root"), "scope"),
        (("keys", "create", "x", "--scope", "read", "-c", "nowhere"), "nowhere"),
        (("keys", "create", "x", "--scope", "read", "--tenant", "nobody"), "nobody"),
        (("keys", "revoke", "key_x"), "footnote keys list"),
        (("tenants", "create", "default"), "already"),
        (("tenants", "create", " "), "printable"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = runner.invoke(app, [*arguments, "--data", str(tmp_path / "data")])
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


def test_the_command_line_sends_its_key(service: Service) -> None:
    token = make(service.settings.data)
    connection = Connection("http://127.0.0.1", AppTransport(create_app(service)), key=token)
    assert connection.call("GET", "/v1/documents")["data"] == []
    connection.close()


def test_the_key_of_the_command_line_is_no_setting_of_the_service() -> None:
    assert load({KEY_VARIABLE: "fn_x"}) == load({})


def test_an_address_others_reach_needs_an_active_key(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = Settings(data=data, host="0.0.0.0", allowed_hosts=("library.example",))
    with pytest.raises(Conflict) as caught:
        Service(settings)
    assert caught.value.code == "key_required"
    token = make(data)
    service = Service(settings)
    client = Client(create_app(service))
    for host, status in (("library.example", 200), ("evil.example", 403), ("127.0.0.1:8321", 200)):
        headers = {"Host": host, "Authorization": f"Bearer {token}"}
        assert client.get("/v1/documents", headers=headers).status_code == status
    assert client.get("/v1/documents").status_code == 401
    service.close()
    (listed,) = json.loads(run("keys", "list", "--json", data=data))
    run("keys", "revoke", listed["id"], data=data)
    with pytest.raises(Conflict):
        Service(settings)


def test_hosts_are_a_list_in_the_environment() -> None:
    found = load({"FOOTNOTE_ALLOWED_HOSTS": "Library.example, 192.0.2.7"}).allowed_hosts
    assert found == ("library.example", "192.0.2.7")
