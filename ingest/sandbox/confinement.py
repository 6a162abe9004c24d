"""What a parsing child gives up before it reads a byte: memory, time, files, processes and the network.

Every function here changes the calling process for good. What a system refuses is left out: the limits
on memory and time come first, and the parent watches the clock in any case.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

from ingest.parsers.limits import ParseLimits

_OPEN_FILES = 64
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522


def follow_parent(parent: int) -> None:
    """Die with the process ``parent``, which started this one (Linux); elsewhere the limits must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)


def isolate() -> None:
    """No network, no capabilities and no way to more rights, for this process and all it starts (Linux).

    An empty network namespace needs either root or a user namespace of its own; a kernel may refuse
    both, and then only the limits of the other functions hold.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    # Also those that a new user namespace has just given: they open more of the kernel, not less.
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def confine(limits: ParseLimits, *, may_recognise: bool) -> None:
    """Limits that hold from here on: address space, cpu, files, processes, writing, core dumps.

    With ``may_recognise`` the hard limits leave what text recognition takes, so that
    ``ingest.ocr.allowance`` can raise the soft ones once a page needs it.
    """
    memory, seconds, processes = limits.memory_bytes, limits.cpu_seconds, 0
    if may_recognise:
        memory = max(memory, limits.ocr_memory_bytes)
        seconds += limits.max_ocr_pages * limits.ocr_seconds_per_page
        _, processes = resource.getrlimit(resource.RLIMIT_NPROC)
    bounds = [
        (resource.RLIMIT_CPU, limits.cpu_seconds, seconds + 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0, processes),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, limits.memory_bytes, memory),
    ]
    for which, soft, hard in bounds:
        # A lower limit set from outside stays; macOS refuses some of these altogether.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (soft, hard))
