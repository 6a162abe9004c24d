"""``make test-offline`` runs where there really is no network, or says that it did not run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

_PROBE = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    print("loopback")
try:
    socket.create_connection(("192.0.2.1", 80), timeout=2)
except OSError as error:
    print(error.strerror)
print(len(socket.if_nameindex()))
"""


def _offline(*command: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, str(ROOT / "scripts" / "offline.py"), *command]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60)
    if "SKIPPED" in done.stdout:
        pytest.skip(done.stdout.strip())
    return done


def test_a_command_has_loopback_and_nothing_else() -> None:
    done = _offline(sys.executable, "-c", _PROBE)
    loopback, refusal, interfaces = done.stdout.splitlines()
    assert loopback == "loopback"
    assert refusal == "Network is unreachable"
    assert interfaces == "1"


def test_the_status_is_the_commands_own() -> None:
    assert _offline(sys.executable, "-c", "raise SystemExit(7)").returncode == 7
    assert _offline().returncode == 1
