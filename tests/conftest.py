"""What every test stands on: no network beyond this machine, and the shared development data."""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
from pathlib import Path

import pytest
import structlog

ROOT = Path(__file__).resolve().parent.parent

# For libraries, and for the processes that tests start: refuse rather than wait for a hub, and let idle
# threads sleep, as `footnote serve` does.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", LANGSMITH_TRACING="false", DO_NOT_TRACK="1")
os.environ.update(OMP_WAIT_POLICY="passive")


class NetworkRefused(RuntimeError):
    """A test tried to reach another machine."""


def is_this_machine(host: object) -> bool:
    """Whether ``host``, as a socket call gets it, names nothing beyond the loopback interface."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if host is None or host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook (PEP 578): sees every socket call of this process, whichever library makes it."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # A tuple is an internet address; a path or None is a Unix socket or an already connected one.
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    if not is_this_machine(host):
        raise NetworkRefused(f"{event} to {host!r}: tests talk to this machine only.")


def pytest_configure() -> None:
    # Whatever started the tests may ignore these (`nohup`, a shell's `&`), and programs inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sys.addaudithook(refuse_network)
    # As the service has it: log lines go to stderr, whatever that is at the moment, and never between
    # what a command prints.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development data beside the checkout (evaluation sets, fixtures, hostile files), read-only."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared development data (../shared) is not here")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The sample documents that ship with the project."""
    return ROOT / "data" / "samples"
