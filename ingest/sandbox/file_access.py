"""Which files a process may still open: the interpreter's and the system's to read, none to write (Landlock).

Descriptors that are already open keep their rights, which is how a child gets its document. See
``Documentation/userspace-api/landlock.rst``; the C library has no functions for these system calls.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import ingest
import rag

_PR_SET_NO_NEW_PRIVS = 38
# Alike on all processors.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_BENEATH_PATH = 1

# linux/landlock.h
_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_OF_FILES = _EXECUTE | _WRITE | _READ | 1 << 14 | 1 << 15  # the last two: truncate, ioctl of devices
_FIRST_RIGHTS = (1 << 13) - 1
_LATER_RIGHTS = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # by the version that brought them
_NETWORK_SINCE, _TCP = 4, 0b11
_SCOPES_SINCE, _SCOPES = 6, 0b11  # abstract Unix sockets, signals

_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"),
    *("/usr/share", "/usr/local/share/fonts", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime"),
    *("/dev/urandom", "/dev/zero", "/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo"),
)
_NULL_DEVICE = "/dev/null"
# What starts programs: whoever may execute a program must be allowed to execute this too.
_LOADERS = (
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
)


def version() -> int:
    """Of Landlock in this kernel; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)))


def needed_paths() -> list[Path]:
    """What reading documents opens: Python's modules, Footnote's own, libraries, fonts; nothing of a user."""
    folders = {name: path for name, path in sysconfig.get_paths().items() if name.endswith(("lib", "stdlib"))}
    searched = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    paths = [*folders.values(), f"{sys.base_prefix}/lib", *ingest.__path__, *rag.__path__, *_SYSTEM]
    return [Path(path) for path in dict.fromkeys([*paths, *filter(os.path.isabs, searched)])]


def program_paths(program: Path) -> list[Path]:
    """What ``program``, the tesseract of some installation, reads besides what the system has."""
    prefix = program.parent.parent
    data = os.environ.get("TESSDATA_PREFIX", "")
    folders = [prefix / "lib", prefix / "share/tessdata", prefix / "share/tesseract-ocr"]
    return [program, *folders, *([Path(data)] if os.path.isabs(data) else [])]


def restrict(readable: Iterable[Path], programs: Iterable[Path] = ()) -> bool:
    """Let this process and all it starts read what is ``readable`` and execute ``programs``, and no more.

    Paths that are not there are passed over. TCP is closed where the kernel knows how (version 4). False,
    and nothing is changed, where there is no Landlock.
    """
    known = version()
    if not known:
        return False
    rights = _FIRST_RIGHTS | sum(right for since, right in _LATER_RIGHTS.items() if since <= known)
    ruleset = _open_ruleset(rights, _TCP if known >= _NETWORK_SINCE else 0)
    try:
        for path in readable:
            _allow(ruleset, path, _READ | _LIST)
        _allow(ruleset, Path(_NULL_DEVICE), _READ | _WRITE)
        programs = list(programs)
        for program in [*programs, *map(Path, _LOADERS if programs else ())]:
            _allow(ruleset, program, _READ | _EXECUTE)
        return _enforce(ruleset)
    finally:
        os.close(ruleset)


def restrict_signals() -> bool:
    """Let no signal of this process, or of what it starts, reach anybody else; False on older kernels.

    Neither can it then look into or stop (ptrace) a process that has not given up as much.
    """
    if version() < _SCOPES_SINCE:
        return False
    ruleset = _open_ruleset(scopes=_SCOPES)
    try:
        return _enforce(ruleset)
    finally:
        os.close(ruleset)


def _open_ruleset(files: int = 0, network: int = 0, scopes: int = 0) -> int:
    attributes = struct.pack("=QQQ", files, network, scopes)
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "Landlock gave no ruleset")
    return ruleset


def _allow(ruleset: int, path: Path, rights: int) -> None:
    with suppress(OSError):  # it is not there
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = rights if path.is_dir() else rights & _OF_FILES
            rule = struct.pack("=Qi", allowed, beneath)
            _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_BENEATH_PATH), rule, ctypes.c_uint32(0))
        finally:
            os.close(beneath)


def _enforce(ruleset: int) -> bool:
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0


def _call(number: int, *arguments: object) -> int:
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    return int(syscall(ctypes.c_long(number), *arguments))
