"""What a parsing child gives up before it reads a byte: files, network, processes, memory and time.

==================  ==========================================================================
``isolate``         network, capabilities and the way to more of them, before anything is loaded
``close_files``     files: what parsers are made of can be read, nothing can be written
``confine``         memory, time and, as seccomp's filter has it, nearly all of the kernel
``follow_parent``   life, when the parent's ends
==================  ==========================================================================

Every function here changes the calling process, and all it starts, for good. What a system refuses is
left out, and ``ingest.sandbox.probe`` tells which that is: the limits on memory and time hold
everywhere, and the parent watches the clock in any case.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from ingest.ocr.allowance import DRAWING_SECONDS
from ingest.parsers.limits import ParseLimits
from ingest.sandbox import file_access, syscall_filter

_OPEN_FILES = 64
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522

Held = dict[str, bool]
"""Names of measures, and whether each took hold."""


def follow_parent(parent: int) -> None:
    """Die with the process ``parent``, which started this one (Linux); elsewhere the limits must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of what children leave behind, so that it can be waited for (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def isolate() -> Held:
    """No network, no capabilities and no way to more rights, for this process and all it starts (Linux).

    An empty network namespace needs either root or a user namespace of its own; a kernel may refuse
    both, and then the filter of :func:`confine` must do, which refuses sockets.
    """
    if sys.platform != "linux":
        return {"no_new_privileges": False, "own_network": False, "no_capabilities": False}
    libc = ctypes.CDLL(None)
    no_new = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    apart = libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    # Also those that a new user namespace has just given: they open more of the kernel, not less.
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    dropped = libc.capset(header, (ctypes.c_uint32 * 6)()) == 0
    return {"no_new_privileges": no_new, "own_network": apart, "no_capabilities": dropped}


def close_files(program: Path | None) -> Held:
    """No files but those that reading documents needs, and ``program``, which recognises text, to start."""
    paths = file_access.needed_paths() + (file_access.program_paths(program) if program else [])
    return {"files_closed": file_access.restrict(paths, [program] if program else [])}


def confine(limits: ParseLimits, *, may_recognise: bool) -> Held:
    """What holds for a parser from here on.

    With ``may_recognise`` the hard limit on time leaves what drawing the pages takes, so that
    ``ingest.ocr.allowance`` can raise the soft one page by page.
    """
    pages = limits.max_ocr_pages if may_recognise else 0
    seconds = limits.cpu_seconds + pages * DRAWING_SECONDS
    held = {"limits": _limit(limits.memory_bytes, limits.cpu_seconds, seconds + 1)}
    _set_limits([(resource.RLIMIT_NPROC, 0, 0)])
    held["signals_kept_in"] = file_access.restrict_signals()
    held["calls_filtered"] = syscall_filter.install(syscall_filter.parser_rules(os.getpid()))
    return held


def confine_recogniser(limits: ParseLimits) -> None:
    """What holds for the process that has pictures read: more memory and time, and programs to start."""
    seconds = limits.max_ocr_pages * limits.ocr_seconds_per_page
    _limit(limits.ocr_memory_bytes, seconds, seconds + 1)
    may_kill = file_access.restrict_signals()
    syscall_filter.install(syscall_filter.recogniser_rules(os.getpid(), may_kill=may_kill))


def _limit(memory: int, soft_seconds: int, hard_seconds: int) -> bool:
    """Address space, processor time, files, writing, core dumps. False if the first two were refused."""
    _set_limits(
        [
            (resource.RLIMIT_FSIZE, 0, 0),
            (resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
            (resource.RLIMIT_CORE, 0, 0),
        ]
    )
    return _set_limits(
        [(resource.RLIMIT_CPU, soft_seconds, hard_seconds), (resource.RLIMIT_AS, memory, memory)]
    )


def _set_limits(bounds: Iterable[tuple[int, int, int]]) -> bool:
    """Soft and hard limits; False if one of them does not hold now."""
    all_hold = True
    for which, soft, hard in bounds:
        # A lower limit set from outside stays; macOS refuses some of these altogether.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (soft, hard))
        now, _ = resource.getrlimit(which)
        all_hold &= now != resource.RLIM_INFINITY and now <= soft
    return all_hold
