from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.sandbox import parse_file, render_page
from rag.errors import DocumentRejected, NotFound, Unsupported
from tests.ingest.builders import archive, lines, pdf
from tests.ingest.reading import read


@pytest.fixture
def write(tmp_path: Path):
    def _write(data: bytes, name: str = "file") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return _write


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Replaces the parser by a script, to see what the parent makes of a child gone wrong."""

    def _child(script: str) -> None:
        path = tmp_path / "child.py"
        path.write_text("import os, resource, signal, sys, time\n" + textwrap.dedent(script))
        start = subprocess.Popen

        def popen(command: list[str], **options):
            return start([sys.executable, "-I", str(path), command[-1]], **options)

        monkeypatch.setattr(subprocess, "Popen", popen)

    return _child


def test_the_result_is_what_the_parser_made(write) -> None:
    data = pdf(lines("Hello there, sandbox."))
    assert parse_file(write(data), "a.pdf") == read(data, "a.pdf")


@pytest.mark.parametrize(
    ("data", "code", "error"),
    [
        (b"", "empty_file", DocumentRejected),
        (b"%PDF-1.7\nnothing more", "corrupt", DocumentRejected),
        (archive({"ppt/presentation.xml": b"x"}), "unsupported_type", Unsupported),
    ],
)
def test_typed_errors_come_back(write, data: bytes, code: str, error: type[DocumentRejected]) -> None:
    with pytest.raises(error) as caught:
        parse_file(write(data), "a")
    assert caught.value.code == code


def test_progress_is_reported(write) -> None:
    seen: list[tuple[int, int]] = []
    parse_file(
        write(pdf(*[lines("x")] * 20)), "a", on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(8, 20), (16, 20), (20, 20)]


def test_an_exception_of_the_callback_stops_the_child(write) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        parse_file(write(pdf(*[lines("x")] * 20)), "a", on_progress=cancel)
    assert _children() == []


def _children() -> list[str]:
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A page of many megabytes of drawing in a file of kilobytes."""
    return pdf(b"BT /F1 9 Tf " + b"(%s) Tj " % (b"a" * 100) * 500_000 + b"ET", compressed=True)


@pytest.mark.parametrize(
    ("limits", "which"),
    [
        (ParseLimits(memory_bytes=160 * 2**20), "memory"),
        (ParseLimits(cpu_seconds=1), "cpu time"),
        (ParseLimits(wall_seconds=0.6), "time"),
    ],
)
def test_a_bomb_is_stopped_by_each_limit(write, bomb: bytes, limits: ParseLimits, which: str) -> None:
    with pytest.raises(DocumentRejected, match=f"limit_exceeded.*limit on {which}"):
        parse_file(write(bomb), "bomb.pdf", limits)


def test_a_result_that_is_too_long_is_refused(write) -> None:
    limits = ParseLimits(max_result_bytes=10_000)
    with pytest.raises(DocumentRejected, match="limit on result size"):
        parse_file(write(b"text " * 10_000), "a.txt", limits)


@pytest.mark.parametrize(
    ("script", "code", "detail"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "parser_crashed", "signal 11"),
        ("os.write(2, b'free(): invalid pointer'); os.abort()", "parser_crashed", "signal 6"),
        ("os.abort()", "limit_exceeded", "memory"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "limit_exceeded", "memory"),
        ("sys.stderr.write('std::bad_alloc'); sys.exit(1)", "limit_exceeded", "memory"),
        ("sys.exit(3)", "parser_crashed", "exit status 3"),
        ("pass", "parser_crashed", "exit status 0"),
        ("print('no json')", "parser_crashed", "malformed message"),
        ("print('[1]')", "parser_crashed", "malformed message"),
        ("print('[' * 100000)", "parser_crashed", "malformed message"),
        ("print('{\"result\": {}}')", "parser_crashed", "malformed result"),
        ('print(\'{"error": ["SystemExit", "a", "b"]}\')', "parser_crashed", "malformed message"),
        ("print('{\"progress\": [1]}')", "parser_crashed", "malformed message"),
        ("os.write(1, b'x' * 10_000_000)", "limit_exceeded", "result size"),
        ("[os.write(2, b'x' * 10_000) for _ in range(1000)]; sys.exit(1)", "parser_crashed", "exit status 1"),
        ("time.sleep(60)", "limit_exceeded", "time"),
    ],
)
def test_whatever_becomes_of_the_child_is_an_error_of_the_document(
    write, child, script: str, code: str, detail: str
) -> None:
    child(script)
    limits = ParseLimits(wall_seconds=1 if "sleep" in script else 30, max_result_bytes=1_000_000)
    with pytest.raises(DocumentRejected) as caught:
        parse_file(write(b"x"), "a", limits)
    assert caught.value.code == code
    assert detail in caught.value.detail


def test_a_result_that_breaks_the_invariants_is_refused(write, child) -> None:
    child(
        """
        import json
        print(json.dumps({"result": {"text": "a\\rb", "media_type": "x", "title": None, "pages": [],
                                     "blocks": [], "warnings": [], "page_count": 0,
                                     "pages_without_text": []}}))
        """
    )
    with pytest.raises(DocumentRejected, match="malformed result"):
        parse_file(write(b"x"), "a")


def test_grandchildren_are_killed_too(write, child, tmp_path: Path) -> None:
    child(f"if not os.fork(): open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
    with pytest.raises(DocumentRejected, match="time"):
        parse_file(write(b"x"), "a", ParseLimits(wall_seconds=2))
    grandchild = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    assert _wait_until(lambda: not grandchild.exists() or ") Z " in grandchild.read_text())


def _wait_until(condition) -> bool:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


CONFINED = """
import os, resource, socket
from ingest.parse_child import _confine
from ingest.parsers.limits import ParseLimits
_confine(ParseLimits(memory_bytes=300 * 2**20))
def refused(action):
    try:
        action()
    except (OSError, MemoryError):
        return True
    return False
def write():
    with open("written", "w") as file:
        file.write("x")
print(refused(lambda: bytearray(2**30)), refused(write), refused(lambda: [os.dup(0) for _ in range(100)]))
print(resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_NPROC))
"""


def test_the_limits_of_the_child_hold(tmp_path: Path) -> None:
    script = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)" + CONFINED
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["True True True", "(0, 0) (0, 0)"]


def test_the_child_sees_nothing_of_the_environment_and_dies_with_its_parent(
    write, child, tmp_path: Path
) -> None:
    child(f"open({str(tmp_path / 'env')!r}, 'w').write(' '.join(os.environ))")
    with pytest.raises(DocumentRejected):
        parse_file(write(b"x"), "a")
    assert set((tmp_path / "env").read_text().split()) <= {"LC_ALL", "LD_LIBRARY_PATH", "LC_CTYPE"}


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_child_whose_parent_is_gone_does_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-I",
        "-m",
        "ingest.parse_child",
        '{"task":"parse","name":"a","limits":{},"parent":1}',
    ]
    done = subprocess.run(command, input=b"text", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def test_the_child_imports_only_what_it_needs() -> None:
    formats = "ingest.parsers.pdf, ingest.parsers.docx, ingest.parsers.html, ingest.parsers.markdown"
    script = f"import sys, ingest.parse_child, {formats}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pydantic", "langchain_core", "torch", "sqlalchemy", "fastapi", "charset_normalizer"}
    assert heavy.isdisjoint(done.stdout.split())


def test_no_descriptors_are_left_open(write) -> None:
    path = write(b"some text")
    parse_file(path, "a.txt")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        parse_file(path, "a.txt")
    assert len(os.listdir("/proc/self/fd")) == before


def test_pages_are_rendered_in_the_sandbox(write) -> None:
    path = write(pdf(lines("hello")))
    assert render_page(path, 1).startswith(b"\x89PNG")
    with pytest.raises(NotFound, match="page_not_found"):
        render_page(path, 2)
    with pytest.raises(DocumentRejected, match="corrupt"):
        render_page(write(b"no pdf", "b"), 1)
