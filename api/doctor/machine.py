"""The machine: interpreter, processor, memory, libraries, limits, clock, and what the kernel allows."""

from __future__ import annotations

import platform
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from api.doctor.checks import Check, each, fail, ok, warn
from api.settings import Settings

_OLDEST_PYTHON = (3, 11)
_GIBIBYTE = 1 << 30
_LITTLE_MEMORY = 4 * _GIBIBYTE
_FREE_MEMORY = 2 * _GIBIBYTE
_FEW_FILES, _ENOUGH_FILES = 256, 1024
_RELEASE_TIME = 1_735_689_600.0
"""The beginning of 2025: no machine that runs this release is earlier than that."""


def checks(settings: Settings, *, service_runs: bool) -> Iterator[Check]:
    """``service_runs``: a service holds the data folder, and so probably its port."""
    yield _python()
    yield from each("processor", _processor)
    yield from each("memory", _memory)
    yield from each("sqlite", _sqlite)
    yield from each("faiss", _faiss)
    yield from each("open files", _open_files)
    yield from each("temporary files", _temporary_files)
    yield _clock()
    yield from each("port", lambda: _port(settings, service_runs))
    yield from each("sandbox", _sandbox)
    yield from each("traces", lambda: _traces(settings))


def _python() -> Check:
    found = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return fail("python", found, "Install Python 3.11 or newer.")
    return ok("python", found)


def _processor() -> Iterator[Check]:
    flags = _cpu_flags()
    shown = [name for name in ("avx2", "avx512f", "amx_int8", "asimd") if name in flags]
    found = f"{platform.machine()}, {', '.join(shown) or 'no vector instructions known'}"
    if platform.machine() in ("x86_64", "AMD64") and flags and "avx2" not in flags:
        yield warn(
            "processor", found, "Models run several times slower without AVX2; use FOOTNOTE_DRAFTING=off."
        )
    else:
        yield ok("processor", found)


def _memory() -> Iterator[Check]:
    total, available = _memory_bytes()
    if total is None:
        yield ok("memory", "not told by this system")
        return
    found = f"{total / _GIBIBYTE:.1f} GiB, {available / _GIBIBYTE:.1f} GiB free"
    if total < _LITTLE_MEMORY:
        yield warn("memory", found, "The service takes about 2 GiB; less than 4 GiB in all is tight.")
    elif available < _FREE_MEMORY:
        yield warn("memory", found, "The service takes about 2 GiB; end other programs.")
    else:
        yield ok("memory", found)


def _sqlite() -> Iterator[Check]:
    from rag.stores.database import OLDEST_SAFE_SQLITE, SQLITE_VERSION

    if tuple(map(int, SQLITE_VERSION.split("."))) < OLDEST_SAFE_SQLITE:
        yield fail(
            "sqlite", SQLITE_VERSION, "It can lose committed writes; install pysqlite3 0.6.1 or newer."
        )
    else:
        yield ok("sqlite", SQLITE_VERSION)


def _faiss() -> Iterator[Check]:
    import numpy as np

    from rag.stores.vector_index import FAISS_VERSION, VectorIndex

    index = VectorIndex(4)
    index.add(np.array([7], dtype=np.int64), np.array([[1, 0, 0, 0]], dtype=np.float32))
    if index.ids() == {7}:
        yield ok("faiss", FAISS_VERSION)
    else:
        yield fail("faiss", FAISS_VERSION, "It does not keep what it is given; install faiss-cpu again.")


def _open_files() -> Iterator[Check]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{soft} at once, at most {hard}" if hard != resource.RLIM_INFINITY else f"{soft} at once"
    if soft < _FEW_FILES:
        yield fail("open files", found, f"Raise the limit: `ulimit -n {_ENOUGH_FILES}`.")
    elif soft < _ENOUGH_FILES:
        yield warn("open files", found, f"Few connections fit; raise the limit: `ulimit -n {_ENOUGH_FILES}`.")
    else:
        yield ok("open files", found)


def _temporary_files() -> Iterator[Check]:
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    yield ok("temporary files", "can be written")


def _clock() -> Check:
    if time.time() < _RELEASE_TIME:
        return fail("clock", "is years behind", "Set the clock: answers and keys expire by it.")
    return ok("clock", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))


def _port(settings: Settings, service_runs: bool) -> Iterator[Check]:
    where = f"{settings.host} port {settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
            listening.listen(1)
        except OSError as error:
            if service_runs:
                yield ok("port", f"{where} is taken, by the service that runs")
            else:
                yield fail("port", f"{where}: {error.strerror}", "Set FOOTNOTE_PORT or FOOTNOTE_HOST.")
            return
    yield ok("port", f"{where} is free")


def _sandbox() -> Iterator[Check]:
    from ingest.sandbox import probe

    held = probe.describe()
    for measure, meaning in probe.MEASURES.items():
        name = f"sandbox: {measure}"
        if held[measure]:
            yield ok(name, meaning)
        elif measure == "limits":
            yield fail(name, f"does not hold: {meaning}", "Start Footnote where setrlimit(2) is allowed.")
        else:
            yield warn(name, f"does not hold: {meaning}", _ALLOW[measure])
    if not (held["own_network"] or held["calls_filtered"]):
        yield warn("sandbox", "what reads documents could reach the network", _ALLOW["own_network"])


_ALLOW = {
    "no_new_privileges": "Use Linux 3.5 or newer.",
    "no_capabilities": "Let processes drop their capabilities (Linux).",
    "own_network": "Allow user namespaces (Linux: kernel.unprivileged_userns_clone, or AppArmor's profile).",
    "files_closed": "Use Linux 5.13 or newer with Landlock among its security modules.",
    "signals_kept_in": "Use Linux 6.12 or newer with Landlock among its security modules.",
    "calls_filtered": "Allow seccomp filters (Linux; containers may forbid them).",
}


def _traces(settings: Settings) -> Iterator[Check]:
    from importlib.util import find_spec

    if settings.traces is None:
        yield ok("traces", "off")
    elif find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        yield fail("traces", "the libraries are missing", "Run `pip install footnote[tracing]`.")
    else:
        yield ok("traces", "sent to what FOOTNOTE_TRACES names")


def _cpu_flags() -> frozenset[str]:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("flags", "Features"):
                return frozenset(value.split())
    except OSError:
        pass
    return frozenset()


def _memory_bytes() -> tuple[int | None, int]:
    """All of it and what is free, within what a container may have; None where that is not told."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None, 0
    kibibytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    total, available = kibibytes["MemTotal"] * 1024, kibibytes["MemAvailable"] * 1024
    try:
        most = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):  # no limit is the word "max"
        return total, available
    return min(total, most), min(available, max(0, most - used))
