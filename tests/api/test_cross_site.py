"""What a page of another site can make a browser send to a service on this machine."""

from __future__ import annotations

import pytest

from tests.api.conftest import Client

_HOSTS = [
    "0.0.0.0",
    "0.0.0.0:8321",
    "127.1",
    "2130706433",
    "0x7f.1",
    "127.0.0.1.nip.io",
    "localhost.evil.example",
    "[::]",
    "[::ffff:7f00:1]",
    "127.0.0.1:8321@evil.example",
    "127.0.0.1, evil.example",
    "127.0.0.1:",
    "127.0.0.1:999999",
    "\uff11\uff12\uff17.0.0.1".encode().decode("latin-1"),
]


@pytest.mark.parametrize("host", _HOSTS)
def test_a_name_that_leads_here_is_not_enough(client: Client, host: str) -> None:
    answer = client.get("/livez", headers={"Host": host.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "file://", "http://127.0.0.1:1", "http://127.0.0.1.evil.example", ""],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_pages_of_other_origins_get_nothing(client: Client, origin: str, method: str) -> None:
    for path in ("/v1/documents", "/livez", "/openapi.json"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
        answer = client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
def test_a_form_of_another_site_is_no_request_in_json(client: Client, kind: str) -> None:
    """The kinds that a browser sends across sites without asking first, from a page that hides its origin."""
    for path, body in (("/v1/collections", b'{"name": "taken over"}'), ("/v1/search", b'{"query": "x"}')):
        answer = client.post(path, content=body, headers={"Content-Type": kind})
        assert answer.status_code in (400, 415, 422)
    names = [one["name"] for one in client.get("/v1/collections").json()["data"]]
    assert "taken over" not in names
