from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ingest.sandbox.probe import MEASURES, describe

CONFINED = """
import os, resource, signal, socket, sys
from ingest.sandbox.confinement import confine, isolate
from ingest.ocr import allowance
from ingest.parsers.limits import ParseLimits
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
MIB = 2**20
limits = ParseLimits(memory_bytes=300 * MIB, cpu_seconds=5, ocr_memory_bytes=900 * MIB,
                     ocr_seconds_per_page=7, max_ocr_pages=2)
def refused(action):
    try:
        action()
    except (OSError, MemoryError):
        return True
    return False
def write():
    with open("written", "w") as file:
        file.write("x")
def soft(which):
    return resource.getrlimit(which)[0]
"""


def run(script: str, tmp_path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", CONFINED + script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_the_limits_of_a_child_hold(tmp_path: Path) -> None:
    script = """
confine(limits, may_recognise=False)
print(refused(lambda: bytearray(2**30)), refused(write), refused(lambda: [os.dup(0) for _ in range(100)]))
print(resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NPROC))
print(resource.getrlimit(resource.RLIMIT_CPU))
allowance.grant(limits, print, None)
print(allowance.begin_page(1), soft(resource.RLIMIT_AS) // MIB, soft(resource.RLIMIT_NPROC))
"""
    assert run(script, tmp_path) == ["True True True", "(0, 0) (0, 0)", "(5, 6)", "False 300 0"]


def test_pages_to_recognise_give_more_time_to_draw_them_and_nothing_else(tmp_path: Path) -> None:
    script = """
confine(limits, may_recognise=True)
print(soft(resource.RLIMIT_AS) // MIB, soft(resource.RLIMIT_CPU), soft(resource.RLIMIT_NPROC))
allowance.grant(limits, print, object())
for page in (3, 4, 9):
    print(allowance.begin_page(page), soft(resource.RLIMIT_AS) // MIB, soft(resource.RLIMIT_CPU),
          soft(resource.RLIMIT_NPROC))
print(resource.getrlimit(resource.RLIMIT_CPU)[1], resource.getrlimit(resource.RLIMIT_AS)[1] // MIB)
"""
    assert run(script, tmp_path) == [
        "300 5 0",
        "3",
        "True 300 10 0",
        "4",
        "True 300 15 0",
        "False 300 15 0",
        "16 300",
    ]


def test_what_holds_here_is_what_the_measures_say_when_they_are_taken() -> None:
    held = describe()
    assert held.keys() == MEASURES.keys()
    assert held["limits"], "these every system has"


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces and capabilities are Linux's")
def test_an_isolated_child_has_no_network_and_no_rights(tmp_path: Path) -> None:
    script = """
with socket.create_server(("127.0.0.1", 0)) as server:
    before = os.stat("/proc/self/ns/net").st_ino
    isolate()
    allowed = os.stat("/proc/self/ns/net").st_ino == before  # the kernel would not have it
    print(allowed or refused(lambda: socket.create_connection(server.getsockname(), timeout=5)))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["CapEff"], 16), int(status["CapPrm"], 16), status["NoNewPrivs"].strip())
"""
    assert run(script, tmp_path) == ["True", "0 0 1"]


def test_the_server_imports_all_parsers_and_nothing_large() -> None:
    script = "import sys; from ingest.sandbox import server; server.preload(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"ingest.parsers.pdf", "ingest.parsers.docx", "ingest.parsers.html", "pypdfium2"} <= loaded
    heavy = {"pydantic", "langchain_core", "torch", "sqlalchemy", "fastapi", "onnxruntime", "cv2", "rapidocr"}
    assert heavy.isdisjoint(loaded)
