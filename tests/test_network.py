"""The test suite itself cannot reach another machine."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from tests.conftest import NetworkRefused, is_this_machine

# 192.0.2.0/24 and 2001:db8::/32 are reserved for documentation (RFC 5737, RFC 3849): nobody is there.
FOREIGN = "192.0.2.1"


def test_connecting_abroad_is_refused():
    with socket.socket() as plain, pytest.raises(NetworkRefused):
        plain.connect((FOREIGN, 80))


def test_sending_a_datagram_abroad_is_refused():
    with socket.socket(type=socket.SOCK_DGRAM) as plain, pytest.raises(NetworkRefused):
        plain.sendto(b"hello", (FOREIGN, 53))


def test_looking_up_a_foreign_name_is_refused():
    with pytest.raises(NetworkRefused):
        socket.getaddrinfo("example.org", 443)


def test_refusal_reaches_through_http_clients():
    with pytest.raises(NetworkRefused):
        httpx.get(f"http://{FOREIGN}/", trust_env=False)


def test_refusal_reaches_through_asyncio():
    with pytest.raises(NetworkRefused):
        asyncio.run(asyncio.open_connection(FOREIGN, 80))


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        (b"127.0.0.1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("2001:db8::1", False),
        ("localhost.example.org", False),
    ],
)
def test_what_counts_as_this_machine(host, here):
    assert is_this_machine(host) is here
