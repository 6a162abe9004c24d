"""A process-wide guard: no connection leaves this process unless it was configured.

An audit hook (PEP 578) sees every connection, datagram and name lookup that Python code makes, whichever
library it is in, and raises before the system is asked. It cannot be removed again, which is the point;
only the entry points of Footnote's processes install one, so that a test process stays its own.

Native code does not pass by here. Where it must not be trusted with a network either, a process also
gives up the network itself (``ingest.sandbox.confinement``). Accepting connections is not affected.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn
from urllib.parse import urlsplit

_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKING_UP = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
)
_RESOLVED_SECONDS = 60.0
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Destination(StrEnum):
    """Where a connection would have gone. The address itself is not kept: it may be somebody's secret."""

    LOOPBACK = "loopback"
    PRIVATE = "private"
    INTERNET = "internet"
    NAME = "name"
    """A name that would have had to be looked up."""
    LOCAL_SOCKET = "local_socket"
    """A Unix socket: another program of this machine."""
    OTHER = "other"


class NetworkRefused(ConnectionRefusedError):
    """This process may not connect there. To libraries it is a connection that failed."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that may be connected to, and the setting that says so."""

    host: str
    port: int
    setting: str

    @classmethod
    def of_url(cls, url: str, setting: str) -> Endpoint:
        """Raises ``ValueError`` for anything but an http or https address with a host."""
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("an address like http://127.0.0.1:4318/v1/traces is needed")
        return cls(parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme], setting)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class NetworkGuard:
    """Refuses what is not ``allowed`` and counts it. Nothing happens before ``install``."""

    def __init__(self, allowed: Sequence[Endpoint] = ()) -> None:
        self.allowed = tuple(allowed)
        self._lock = threading.Lock()
        self._refused: dict[Destination, int] = {}
        self._names = frozenset(endpoint.host for endpoint in self.allowed)
        self._resolved: frozenset[tuple[str, int]] = frozenset()
        self._resolved_at: float | None = None

    def install(self) -> None:
        """Guard this process, for good."""
        sys.addaudithook(self.hook)

    @property
    def refused(self) -> Mapping[str, int]:
        """How many connections were refused so far, by kind of destination."""
        with self._lock:
            return {kind.value: count for kind, count in sorted(self._refused.items())}

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        """Raises ``NetworkRefused``. Called for every audited event of the process: it has to be quick."""
        if event in _CONNECTING:
            self._check_connection(event, arguments)
        elif event in _LOOKING_UP:
            self._check_lookup(event, arguments[0])

    def _check_connection(self, event: str, arguments: tuple[object, ...]) -> None:
        address = arguments[1]
        if address is None:  # of a socket that is connected already
            return
        if not isinstance(address, tuple):
            self._refuse(event, Destination.LOCAL_SOCKET)
        host, port = str(address[0]), int(address[1])
        if (host, port) not in {(one.host, one.port) for one in self.allowed} | self._addresses():
            self._refuse(event, kind_of(host))

    def _check_lookup(self, event: str, host: object) -> None:
        if isinstance(host, tuple) and host:  # getnameinfo takes a socket address
            host = str(host[0])
        if isinstance(host, bytes | bytearray):
            host = bytes(host).decode("ascii", "replace")
        # No host at all means this machine's own addresses, as for a socket that listens.
        if host is None or host == "" or str(host) in self._names:
            return
        self._refuse(event, kind_of(str(host)))

    def _refuse(self, event: str, kind: Destination) -> NoReturn:
        with self._lock:
            self._refused[kind] = self._refused.get(kind, 0) + 1
        raise NetworkRefused(f"{event} to {kind.value}: nothing but what is configured may be connected to.")

    def _addresses(self) -> frozenset[tuple[str, int]]:
        """What the allowed names stand for now. Looked up at most once a minute, and only when needed."""
        names = [one for one in self.allowed if kind_of(one.host) is Destination.NAME]
        now = time.monotonic()
        if names and (self._resolved_at is None or now - self._resolved_at > _RESOLVED_SECONDS):
            self._resolved_at = now
            self._resolved = frozenset(pair for one in names for pair in _resolve(one))
        return self._resolved


def is_this_machine(host: str) -> bool:
    """Whether a configured host is this machine, as far as it can be told without looking its name up."""
    return host.lower() == "localhost" or kind_of(host) is Destination.LOOPBACK


def kind_of(host: str) -> Destination:
    """What kind of place a host, as a socket call names it, is."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return Destination.NAME
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if address.is_loopback:
        return Destination.LOOPBACK
    if address.is_unspecified or address.is_multicast:
        return Destination.OTHER
    if address.is_private or address.is_link_local:
        return Destination.PRIVATE
    return Destination.INTERNET


def _resolve(endpoint: Endpoint) -> list[tuple[str, int]]:
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [(str(address[0]), endpoint.port) for *_, address in found]
