"""Runs a command where there is no network but loopback: ``python scripts/offline.py COMMAND…`` (Linux).

A network namespace of its own has no route to anywhere, so that what passes here needs nobody: no guard in
the program has to be believed. The user stays who it is. Where the kernel does not allow that, nothing is
run, which is said, and the exit status is 0.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_REQUEST = struct.Struct("16sh22x")
"""``struct ifreq``: the interface's name and its flags (netdevice(7))."""
_NOBODY = ("192.0.2.1", 9)
"""An address that is reserved for documentation (RFC 5737)."""


class NotAllowed(Exception):
    """The kernel gives this user no network namespace."""


def main(command: list[str]) -> None:
    if not command:
        sys.exit(__doc__)
    try:
        leave_the_network()
    except NotAllowed as refused:
        print(f"SKIPPED, not run without a network: {refused}. Allow user namespaces, or run as root.")
        return
    os.execvp(command[0], command)


def leave_the_network() -> None:
    """Raises ``NotAllowed``."""
    if sys.platform != "linux":
        raise NotAllowed("this needs Linux")
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None).unshare(_CLONE_NEWNET) != 0:
        if ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            raise NotAllowed("the kernel refuses a namespace of its own")
        _stay(user, group)
    _raise_loopback()
    _check()


def _stay(user: int, group: int) -> None:
    """Be the same user inside: files keep their owner, and tests of permissions mean what they say."""
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError as error:
        raise NotAllowed(f"the user cannot be mapped ({error.strerror})") from error


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            asked = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, _REQUEST.pack(b"lo", 0))
            _, flags = _REQUEST.unpack(asked)
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _REQUEST.pack(b"lo", flags | _IFF_UP))
        except OSError as error:
            raise NotAllowed(f"loopback cannot be brought up ({error.strerror})") from error


def _check() -> None:
    """Nothing is proved by a namespace that has a way out after all. Raises ``RuntimeError``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        try:
            outside.connect(_NOBODY)
        except OSError:
            return
    raise RuntimeError("there is a route out of the new network namespace")


if __name__ == "__main__":
    main(sys.argv[1:])
