"""Which system calls a confined process may make, as a seccomp filter in classic BPF.

A list of what is allowed: reading, memory, time, its own end. Everything else is refused with EPERM, so
that a library which tries something optional goes on without it; calls that this list does not know yet
are refused with ENOSYS, which tells the C library to use an older one. What a kernel makes of a filter:
``Documentation/userspace-api/seccomp_filter.rst``; of its instructions: ``networking/filter.rst``.

:func:`program` is pure; :func:`install` gives its result to the kernel (Linux on x86_64 and aarch64).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import signal
import struct
import sys
import termios
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ingest.sandbox.syscall_numbers import NUMBERS

# linux/audit.h, by what platform.machine() says.
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
# linux/seccomp.h: what a filter can return, and where struct seccomp_data has its fields.
ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
UNKNOWN = 0x00050000 | errno.ENOSYS
KILL = 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ARGUMENT_BYTES = 8
# linux/bpf_common.h: load a word, jump if equal / greater or equal / any bit set, return.
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# The first number that Linux 6.12 has not given out; also below those of x86's x32 calls.
_FIRST_UNKNOWN = 463

# linux/sched.h: CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NEW_NAMESPACES = 0x7E020080
_TEMPORARY = 0o20000000  # __O_TMPFILE, which Python only has joined with O_DIRECTORY
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | _TEMPORARY
_PR_SET_PDEATHSIG = 1
_NEGATIVE = 0x80000000


@dataclass(frozen=True, slots=True)
class OneOf:
    """The argument (its lower half, which is all that the kernel looks at here) is one of ``values``."""

    argument: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """None of ``bits`` is set in the argument."""

    argument: int
    bits: int


@dataclass(frozen=True, slots=True)
class Rule:
    """The system call ``name`` is allowed if all conditions hold."""

    name: str
    conditions: tuple[OneOf | Without, ...] = ()


_PLAIN = """
    access arch_prctl brk clock_getres clock_gettime clock_nanosleep close close_range dup dup2 dup3 exit
    exit_group faccessat faccessat2 fadvise64 fstat fstatfs futex getcpu getcwd getdents64 getegid geteuid
    getgid getpid getppid getrandom getrlimit getrusage gettid gettimeofday getuid lseek lstat madvise mmap
    mprotect mremap munmap nanosleep newfstatat poll ppoll pread64 preadv pselect6 read readlink readlinkat
    readv restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield select
    set_robust_list set_tid_address setrlimit sigaltstack stat statfs statx sysinfo times uname wait4 waitid
    write writev
""".split()
_OF_STARTING = ("execve", "fork", "pipe", "pipe2", "sched_setaffinity", "vfork")


def parser_rules(pid: int) -> list[Rule]:
    """What the process ``pid`` needs to read a document: no processes, no sockets, no files to write.

    Signals go to itself only, as ``abort`` needs it; neither can it be told by another file's owner
    (F_SETOWN), nor change the limits of another process.
    """
    descriptors = (fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL)
    return [
        *map(Rule, _PLAIN),
        Rule("open", (Without(1, _TO_WRITE),)),
        Rule("openat", (Without(2, _TO_WRITE),)),
        Rule("fcntl", (OneOf(1, descriptors),)),
        Rule("ioctl", (OneOf(1, (termios.TCGETS, termios.FIOCLEX, termios.FIONCLEX, termios.FIONREAD)),)),
        Rule("prlimit64", (OneOf(0, (0, pid)),)),
        Rule("kill", (OneOf(0, (pid,)),)),
        Rule("tgkill", (OneOf(0, (pid,)),)),
    ]


def recogniser_rules(pid: int, *, may_kill: bool) -> list[Rule]:
    """Besides, what starting a recognition engine takes: threads, and processes without a namespace.

    ``may_kill`` lets it stop them, for where something else keeps its signals from others.
    """
    rules = [rule for rule in parser_rules(pid) if not (may_kill and rule.name in ("kill", "tgkill"))]
    return [
        *rules,
        *map(Rule, _OF_STARTING),
        # Not to a group or to everybody: kill(-1) is refused to nobody.
        *((Rule("kill", (Without(0, _NEGATIVE),)), Rule("tgkill")) if may_kill else ()),
        Rule("clone", (Without(0, _NEW_NAMESPACES),)),
        Rule("prctl", (OneOf(0, (_PR_SET_PDEATHSIG,)), OneOf(1, (signal.SIGKILL,)))),
    ]


def program(rules: Iterable[Rule], machine: str) -> bytes:
    """The filter (an array of ``struct sock_filter``) that allows ``rules`` on ``machine``.

    A call made under another architecture, whose numbers mean something else, ends the process.
    """
    code = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_JUMP_EQUAL, ARCHITECTURES[machine], jump_true=1),
        _instruction(_RETURN, KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    for rule in rules:
        number: int | None = getattr(NUMBERS[rule.name], machine)
        if number is not None:
            block = [*_checks(rule.conditions), _instruction(_RETURN, ALLOW)]
            code += [_instruction(_JUMP_EQUAL, number, jump_false=len(block)), *block]
    # clone3 has its flags in memory, where no filter can look; the C library then uses clone.
    code += [
        _instruction(_JUMP_EQUAL, NUMBERS["clone3"].x86_64, jump_true=1),
        _instruction(_JUMP_FROM, _FIRST_UNKNOWN, jump_false=1),
        _instruction(_RETURN, UNKNOWN),
        _instruction(_RETURN, REFUSE),
    ]
    return b"".join(code)


def _checks(conditions: Sequence[OneOf | Without]) -> Iterator[bytes]:
    """Code that goes on behind its end if the conditions hold, and refuses otherwise."""
    for condition in conditions:
        yield _instruction(_LOAD, _ARGUMENTS + _ARGUMENT_BYTES * condition.argument)  # little-endian
        if isinstance(condition, Without):
            yield _instruction(_JUMP_BITS, condition.bits, jump_false=1)
        else:
            for position, value in enumerate(condition.values, start=1):
                yield _instruction(_JUMP_EQUAL, value, jump_true=len(condition.values) - position + 1)
        yield _instruction(_RETURN, REFUSE)


def _instruction(code: int, value: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, jump_true, jump_false, value)


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(rules: Iterable[Rule]) -> bool:
    """Hold this process and all it starts to ``rules`` for good; False where the system cannot.

    It must have given up gaining rights (PR_SET_NO_NEW_PRIVS) and have a single thread.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in ARCHITECTURES:
        return False
    code = program(rules, machine)
    given = _Program(len(code) // struct.calcsize("=HBBI"), code)
    return bool(ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(given)) == 0)
