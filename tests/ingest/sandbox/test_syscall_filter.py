"""The filter by what it decides, run on an interpreter of the few instructions that it is made of."""

from __future__ import annotations

import os
import re
import signal
import struct
from pathlib import Path

import pytest

from ingest.sandbox.syscall_filter import (
    ALLOW,
    ARCHITECTURES,
    KILL,
    REFUSE,
    UNKNOWN,
    Rule,
    parser_rules,
    program,
    recogniser_rules,
)
from ingest.sandbox.syscall_numbers import NUMBERS

PID = 4711
PARSER = parser_rules(PID)
RECOGNISER = recogniser_rules(PID, may_kill=True)
X86 = "x86_64"


def decide(code: bytes, number: int, *arguments: int, architecture: int = ARCHITECTURES[X86]) -> int:
    """What the filter returns for a call (struct seccomp_data of linux/seccomp.h)."""
    padded = [argument & (2**64 - 1) for argument in arguments] + [0] * (6 - len(arguments))
    data = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    instructions = list(struct.iter_unpack("=HBBI", code))
    at, accumulator = 0, 0
    while True:
        operation, jump_true, jump_false, value = instructions[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif operation == 0x06:
            return int(value)
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }[operation]
            at += jump_true if holds else jump_false


def says(rules: list[Rule], name: str, *arguments: int, machine: str = X86) -> int:
    number = getattr(NUMBERS[name], machine)
    code = program(rules, machine)
    return decide(code, number, *arguments, architecture=ARCHITECTURES[machine])


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_reading_is_allowed_and_most_is_not(machine: str) -> None:
    assert {says(PARSER, name, machine=machine) for name in ("read", "mmap", "write", "exit_group")} == {
        ALLOW
    }
    refused = ("execve", "clone", "pipe2", "prctl")
    assert {says(PARSER, name, machine=machine) for name in refused} == {REFUSE}


def test_calls_that_are_on_no_list_are_refused() -> None:
    # socket, connect, bind, ptrace, mount, unlink, chmod, unshare, memfd_create, process_vm_readv
    for number in (41, 42, 49, 101, 165, 87, 90, 272, 319, 310):
        assert decide(program(PARSER, X86), number) == REFUSE
        assert decide(program(RECOGNISER, X86), number) == REFUSE


def test_calls_that_are_newer_than_the_list_are_unknown() -> None:
    code = program(PARSER, X86)
    assert decide(code, NUMBERS["clone3"].x86_64) == UNKNOWN
    assert decide(code, 9999) == UNKNOWN
    assert decide(code, 0x40000000) == UNKNOWN, "read as an x32 program calls it"


def test_another_architecture_ends_the_process() -> None:
    assert decide(program(PARSER, X86), 0, architecture=0x40000003) == KILL  # i386


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (os.O_RDONLY, ALLOW),
        (os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY, ALLOW),
        (os.O_WRONLY, REFUSE),
        (os.O_RDWR, REFUSE),
        (os.O_RDONLY | os.O_TRUNC, REFUSE),
        (os.O_RDONLY | os.O_CREAT, REFUSE),
        (0o20200000, REFUSE),  # O_TMPFILE
    ],
)
def test_files_are_opened_to_read(flags: int, expected: int) -> None:
    assert says(PARSER, "openat", -100, 0, flags) == expected
    assert says(PARSER, "open", 0, flags) == expected


@pytest.mark.parametrize(
    ("to", "expected"), [(PID, ALLOW), (1, REFUSE), (0, REFUSE), (-1, REFUSE), (-PID, REFUSE)]
)
def test_a_parser_signals_itself_alone(to: int, expected: int) -> None:
    assert says(PARSER, "kill", to, signal.SIGABRT) == expected
    assert says(PARSER, "tgkill", to, PID, signal.SIGABRT) == expected


@pytest.mark.parametrize(("may_kill", "to", "expected"), [
    (True, 1, ALLOW), (True, -1, REFUSE), (False, 1, REFUSE), (False, PID, ALLOW),
])  # fmt: skip
def test_a_recogniser_stops_processes_only_where_others_are_safe_from_it(
    may_kill: bool, to: int, expected: int
) -> None:
    assert says(recogniser_rules(PID, may_kill=may_kill), "kill", to, signal.SIGKILL) == expected


def test_a_recogniser_starts_processes_but_makes_no_namespaces() -> None:
    assert says(RECOGNISER, "clone", signal.SIGCHLD) == ALLOW
    for namespace in (
        0x00020000,
        0x02000000,
        0x04000000,
        0x08000000,
        0x10000000,
        0x20000000,
        0x40000000,
        0x80,
    ):
        assert says(RECOGNISER, "clone", signal.SIGCHLD | namespace) == REFUSE
    assert says(RECOGNISER, "prctl", 1, signal.SIGKILL) == ALLOW
    assert says(RECOGNISER, "prctl", 1, 0) == REFUSE
    assert says(RECOGNISER, "prctl", 22, signal.SIGKILL) == REFUSE


def test_one_changes_only_ones_own_limits() -> None:
    assert [says(PARSER, "prlimit64", pid) for pid in (0, PID, 1)] == [ALLOW, ALLOW, REFUSE]


def test_the_numbers_are_those_of_the_kernel() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    generic = Path("/usr/include/asm-generic/unistd.h")
    if not (header.exists() and generic.exists()):
        pytest.skip("the kernel's headers are not installed")
    pattern = re.compile(r"#define __NR(?:3264)?_(\w+) (\d+)")
    theirs = {name: int(number) for name, number in pattern.findall(header.read_text())}
    others: dict[str, int] = {}
    for name, number in pattern.findall(generic.read_text()):
        others.setdefault({"fstatat": "newfstatat"}.get(name, name), int(number))
    for name, numbers in NUMBERS.items():
        assert (numbers.x86_64, numbers.aarch64) == (theirs[name], others.get(name)), name
