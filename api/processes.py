"""What the system says of the service's processes: memory, files, processor time (Linux only)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_UTIME, _STIME, _RSS = 11, 12, 21
"""Positions in ``/proc/PID/stat`` behind the name in brackets (proc_pid_stat(5), fields 14, 15 and 24)."""


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    resident_bytes: int
    cpu_seconds: float
    open_files: int


def with_parsers(processes: Mapping[str, int]) -> dict[str, list[int]]:
    """Process ids by role, with what the worker has started for reading documents as ``parser``."""
    found = {role: [pid] for role, pid in processes.items()}
    if "worker" in processes:
        found["parser"] = _descendants(processes["worker"])
    return found


def figures_of(pid: int) -> ProcessFigures | None:
    """None for a process that has ended, and on systems that do not tell."""
    if sys.platform != "linux":
        return None
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        files = len(os.listdir(_PROC / str(pid) / "fd"))
    except OSError:
        return None
    return ProcessFigures(
        resident_bytes=int(fields[_RSS]) * _PAGE,
        cpu_seconds=(int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS,
        open_files=files,
    )


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        for thread in (_PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                children += map(int, (thread / "children").read_text().split())
    return [one for child in children for one in (child, *_descendants(child))]
