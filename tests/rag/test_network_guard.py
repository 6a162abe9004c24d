"""The guard, asked directly; installed, it would bind this test process for good, so a child does that."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from rag.network_guard import Destination, Endpoint, NetworkGuard, NetworkRefused, kind_of

COLLECTOR = Endpoint("127.0.0.1", 4318, "FOOTNOTE_TRACES")


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", Destination.LOOPBACK),
        ("::1", Destination.LOOPBACK),
        ("::ffff:127.0.0.1", Destination.LOOPBACK),
        ("10.1.2.3", Destination.PRIVATE),
        ("169.254.169.254", Destination.PRIVATE),
        ("fe80::1%eth0", Destination.PRIVATE),
        ("8.8.8.8", Destination.INTERNET),
        ("2606:4700::1111", Destination.INTERNET),
        ("0.0.0.0", Destination.OTHER),
        ("224.0.0.1", Destination.OTHER),
        ("example.org", Destination.NAME),
        ("localhost", Destination.NAME),
        ("2130706433", Destination.NAME),
    ],
)
def test_destinations_are_told_apart(host: str, kind: Destination) -> None:
    assert kind_of(host) is kind


@pytest.mark.parametrize(
    ("event", "address", "kind"),
    [
        ("socket.connect", ("127.0.0.1", 80), Destination.LOOPBACK),
        ("socket.connect", ("127.0.0.1", 4319), Destination.LOOPBACK),
        ("socket.connect", ("8.8.8.8", 4318), Destination.INTERNET),
        ("socket.connect", ("::1", 4318, 0, 0), Destination.LOOPBACK),
        ("socket.sendto", ("8.8.8.8", 53), Destination.INTERNET),
        ("socket.sendmsg", ("10.0.0.1", 53), Destination.PRIVATE),
        ("socket.connect", "/run/dbus/system_bus_socket", Destination.LOCAL_SOCKET),
        ("socket.connect", b"\0abstract", Destination.LOCAL_SOCKET),
    ],
)
def test_what_is_not_configured_is_refused_and_counted(
    event: str, address: object, kind: Destination
) -> None:
    guard = NetworkGuard([COLLECTOR])
    for _ in range(2):
        with pytest.raises(NetworkRefused):
            guard.hook(event, (None, address))
    assert guard.refused == {kind.value: 2}


@pytest.mark.parametrize(
    ("event", "host"),
    [
        ("socket.getaddrinfo", "example.org"),
        ("socket.gethostbyname", "example.org"),
        ("socket.gethostbyaddr", "8.8.8.8"),
        ("socket.getnameinfo", ("8.8.8.8", 53)),
        ("socket.getaddrinfo", b"example.org"),
    ],
)
def test_looking_up_is_connecting(event: str, host: object) -> None:
    with pytest.raises(NetworkRefused):
        NetworkGuard([COLLECTOR]).hook(event, (host, 443))


def test_what_is_configured_is_let_through() -> None:
    guard = NetworkGuard([COLLECTOR, Endpoint("localhost", 4400, "FOOTNOTE_TRACES")])
    guard.hook("socket.connect", (None, ("127.0.0.1", 4318)))
    guard.hook("socket.getaddrinfo", ("127.0.0.1", 4318))
    guard.hook("socket.getaddrinfo", ("localhost", 4400))
    guard.hook("socket.connect", (None, ("127.0.0.1", 4400)))  # what the name stands for
    guard.hook("socket.sendmsg", (None, None))  # of a socket that is connected
    guard.hook("socket.getaddrinfo", (None, 80))  # to listen
    guard.hook("open", ("/etc/hosts", "r", 0))
    assert guard.refused == {}


def test_addresses_of_collectors() -> None:
    assert Endpoint.of_url("http://127.0.0.1:4318/v1/traces", "X") == Endpoint("127.0.0.1", 4318, "X")
    assert Endpoint.of_url("https://collector.example/v1", "X").port == 443
    assert str(Endpoint.of_url("http://[::1]:4318", "X")) == "[::1]:4318"
    for wrong in ("ftp://127.0.0.1", "127.0.0.1:4318", "http://", "file:///etc/passwd"):
        with pytest.raises(ValueError, match="address"):
            Endpoint.of_url(wrong, "X")


_CHILD = """
import asyncio, json, os, socket, sys, urllib.request
from rag.network_guard import Endpoint, NetworkGuard
guard = NetworkGuard([Endpoint("127.0.0.1", int(sys.argv[1]), "X")])
guard.install()
def tried(attempt):
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "connected"
listening = socket.create_server(("127.0.0.1", 0))
found = {
    "allowed": tried(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()),
    "own": tried(lambda: socket.create_connection(listening.getsockname()).close()),
    "plain": tried(lambda: socket.socket().connect(("192.0.2.1", 80))),
    "unchecked": tried(lambda: socket.socket().connect_ex(("192.0.2.1", 80))),
    "datagram": tried(lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53))),
    "message": tried(lambda: socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"x"], (), 0, ("192.0.2.1", 53))),
    "name": tried(lambda: socket.getaddrinfo("example.org", 443)),
    "library": tried(lambda: urllib.request.urlopen("http://192.0.2.1/")),
    "loop": tried(lambda: asyncio.run(asyncio.open_connection("192.0.2.1", 80))),
}
left, right = socket.socketpair()
left.sendall(b"pair")
found["pair"] = right.recv(4).decode()
found["refused"] = dict(guard.refused)
print(json.dumps(found))
"""


def test_a_process_that_has_installed_it_connects_nowhere_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", _CHILD, str(server.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert (found.pop("allowed"), found.pop("pair")) == ("connected", "pair")
    refused = found.pop("refused")
    assert found.pop("library") in ("NetworkRefused", "URLError")
    assert set(found.values()) == {"NetworkRefused"}, found
    assert refused["loopback"] == 1
    assert refused["private"] == 6  # so Python calls the addresses that are reserved for documentation
    assert refused["name"] == 1
