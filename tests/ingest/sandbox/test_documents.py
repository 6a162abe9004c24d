from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.ocr import engines
from ingest.parsers.limits import ParseLimits
from ingest.sandbox import Sandbox, members, parse_file, render_page
from rag.errors import DocumentRejected, FootnoteError, NotFound, Unsupported
from tests.ingest.builders import archive, lines, pdf
from tests.ingest.reading import read

Write = Callable[..., Path]


def test_the_result_is_what_the_parser_made(write: Write, sandbox: Sandbox) -> None:
    data = pdf(lines("Hello there, sandbox."))
    assert sandbox.parse_file(write(data), "a.pdf") == read(data, "a.pdf")


@pytest.mark.parametrize(
    ("data", "code", "error"),
    [
        (b"", "empty_file", DocumentRejected),
        (b"%PDF-1.7\nnothing more", "corrupt", DocumentRejected),
        (b"GIF89a", "unsupported_type", Unsupported),
    ],
)
def test_typed_errors_come_back(
    write: Write, sandbox: Sandbox, data: bytes, code: str, error: type[FootnoteError]
) -> None:
    with pytest.raises(error) as caught:
        sandbox.parse_file(write(data), "a")
    assert caught.value.code == code


@pytest.mark.skipif(not engines.is_installed(), reason="no recognition engine is installed")
def test_scanned_pages_are_recognised_beside_the_confined_parser(shared: Path, sandbox: Sandbox) -> None:
    parsed = sandbox.parse_file(shared / "fixtures/ocr_test.pdf", "scan.pdf")
    assert parsed.pages_recognised == (1,)
    assert len(parsed.text.split()) > 5


def test_a_missing_file_is_the_callers_own_error(tmp_path: Path, sandbox: Sandbox) -> None:
    with pytest.raises(FileNotFoundError):
        sandbox.parse_file(tmp_path / "none", "a")


def test_progress_is_reported(write: Write, sandbox: Sandbox) -> None:
    seen: list[tuple[int, int]] = []
    document = write(pdf(*[lines("x")] * 20))
    sandbox.parse_file(document, "a", on_progress=lambda done, total: seen.append((done, total)))
    assert {(8, 20), (16, 20)} <= set(seen)
    assert seen[-1] == (20, 20)


def test_an_exception_of_the_callback_passes_through(write: Write, sandbox: Sandbox) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        sandbox.parse_file(write(pdf(*[lines("x")] * 20)), "a", on_progress=cancel)


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A page of many megabytes of drawing in a file of kilobytes."""
    return pdf(b"BT /F1 9 Tf " + b"(%s) Tj " % (b"a" * 100) * 500_000 + b"ET", compressed=True)


@pytest.mark.parametrize(
    ("limits", "which"),
    [
        (ParseLimits(memory_bytes=200 * 2**20), "memory"),
        (ParseLimits(cpu_seconds=1), "cpu time"),
        (ParseLimits(wall_seconds=0.6), "time"),
    ],
)
def test_a_bomb_is_stopped_by_each_limit_and_the_next_document_unharmed(
    write: Write, sandbox: Sandbox, bomb: bytes, limits: ParseLimits, which: str
) -> None:
    with pytest.raises(DocumentRejected, match=f"limit_exceeded.*limit on {which}"):
        sandbox.parse_file(write(bomb), "bomb.pdf", limits)
    assert sandbox.parse_file(write(b"Some text."), "a.txt").text == "Some text."


def test_a_result_that_is_too_long_is_refused(write: Write, sandbox: Sandbox) -> None:
    limits = ParseLimits(max_result_bytes=10_000)
    with pytest.raises(DocumentRejected, match="limit on result size"):
        sandbox.parse_file(write(b"text " * 10_000), "a.txt", limits)


@pytest.mark.parametrize(
    ("script", "code", "detail"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "parser_crashed", "signal 11"),
        ("os.write(2, b'free(): invalid pointer'); os.abort()", "parser_crashed", "signal 6"),
        ("os.abort()", "limit_exceeded", "memory"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "limit_exceeded", "memory"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", "limit_exceeded", "cpu time"),
        ("os.write(2, b'std::bad_alloc'); os._exit(1)", "limit_exceeded", "memory"),
        ("os._exit(3)", "parser_crashed", "exit status 3"),
        ("pass", "parser_crashed", "exit status 0"),
        ("os.write(1, b'no json\\n')", "parser_crashed", "malformed message"),
        ("os.write(1, b'[1]\\n')", "parser_crashed", "malformed message"),
        ("os.write(1, b'{}\\n')", "parser_crashed", "malformed message"),
        ("os.write(1, b'[' * 60000 + b'\\n')", "parser_crashed", "malformed message"),
        ("os.write(1, b'{\"result\": {}}\\n')", "parser_crashed", "malformed result"),
        ("os.write(1, b'{\"result\": 1}\\n')", "parser_crashed", "malformed result"),
        ('os.write(1, b\'{"error": ["SystemExit", "a", "b"]}\\n\')', "parser_crashed", "malformed message"),
        ("os.write(1, b'{\"progress\": [1]}\\n')", "parser_crashed", "malformed message"),
        ('os.write(1, b\'{"progress": [1, "2"]}\\n\')', "parser_crashed", "malformed message"),
        ("[os.write(1, b'x' * 10_000) for _ in range(1000)]", "limit_exceeded", "result size"),
        (
            "[os.write(1, b'{\"progress\": [1, 2]}\\n') for _ in range(99999)]",
            "limit_exceeded",
            "result size",
        ),
        ("[os.write(2, b'x' * 10_000) for _ in range(1000)]; os._exit(1)", "parser_crashed", "exit status 1"),
        ("time.sleep(60)", "limit_exceeded", "time"),
        ("os.close(1); os.close(2); time.sleep(60)", "limit_exceeded", "memory"),
    ],
)
def test_whatever_becomes_of_the_child_is_an_error_of_the_document(
    write: Write, scripted_sandbox: Sandbox, script: str, code: str, detail: str
) -> None:
    limits = ParseLimits(wall_seconds=1 if script == "time.sleep(60)" else 30, max_result_bytes=1_000_000)
    with pytest.raises(DocumentRejected) as caught:
        scripted_sandbox.parse_file(write(b"x"), script, limits)
    assert (caught.value.code, detail in caught.value.detail) == (code, True), caught.value.detail


def test_a_result_that_breaks_the_invariants_is_refused(write: Write, scripted_sandbox: Sandbox) -> None:
    script = """
from ingest.wire import encode_document, to_line
from rag.records import ParsedDocument
os.write(1, to_line({"result": encode_document(ParsedDocument(text="a\\rb", media_type="x"))}))
"""
    with pytest.raises(DocumentRejected, match="malformed result"):
        scripted_sandbox.parse_file(write(b"x"), script)


RECOGNISING = """
for page in range(5):
    os.write(1, b'{"recognising": 1}\\n')
    time.sleep(0.3)
os.write(1, b'{"error": ["DocumentRejected", "no_text", "Read to the end."]}\\n')
"""


@pytest.mark.parametrize(
    ("max_pages", "seconds", "end"), [(5, 1.2, "Read to the end"), (1, 0.3, "limit on time")]
)
def test_recognised_pages_extend_the_time_but_only_so_many(
    write: Write, scripted_sandbox: Sandbox, max_pages: int, seconds: float, end: str
) -> None:
    limits = ParseLimits(wall_seconds=seconds, ocr_seconds_per_page=1, max_ocr_pages=max_pages)
    with pytest.raises(DocumentRejected, match=end):
        scripted_sandbox.parse_file(write(b"x"), RECOGNISING, limits)


def test_members_come_one_by_one_with_their_bytes(write: Write, sandbox: Sandbox) -> None:
    large = bytes(range(256)) * 4000
    path = write(archive({"a.txt": b"Some text.", "sub/large.txt": large, "empty.md": b" "}))
    assert [name for name, _ in sandbox.members(path, "a.zip")] == ["a.txt", "sub/large.txt", "empty.md"]
    read_back = {name: b"".join(pieces) for name, pieces in sandbox.members(path, "a.zip")}
    assert read_back == {"a.txt": b"Some text.", "sub/large.txt": large, "empty.md": b" "}


def test_a_document_that_is_no_container_has_no_members(write: Write, sandbox: Sandbox) -> None:
    assert list(sandbox.members(write(b"Some text."), "a.txt")) == []


def test_members_of_something_unreadable_are_a_typed_error(write: Write, sandbox: Sandbox) -> None:
    with pytest.raises(DocumentRejected, match="empty_file"):
        list(sandbox.members(write(b""), "a.zip"))


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        ('os.write(1, b\'{"member": ["a", 99]}\\nabc\')', "exit status 0"),
        ("os.write(1, b'{\"member\": [\"a\", 9]}\\n' + b'a' * 9); os._exit(7)", "exit status 7"),
        ("os.write(1, b'{\"member\": [\"a\", 2000]}\\n' + b'a' * 2000)", "unpacked size"),
        ('os.write(1, b\'{"member": ["a", -1]}\\n\')', "unpacked size"),
        ('os.write(1, b\'{"member": ["a", true]}\\n\')', "malformed message"),
        ('os.write(1, b\'{"member": ["a", 5]}\\nabc\'); time.sleep(60)', "limit on time"),
    ],
)
def test_members_that_break_off_are_an_error_of_the_document(
    write: Write, scripted_sandbox: Sandbox, script: str, detail: str
) -> None:
    limits = ParseLimits(max_unpacked_bytes=1000, wall_seconds=1 if "sleep" in script else 30)
    found = scripted_sandbox.members(write(b"x"), script, limits)
    with pytest.raises(DocumentRejected, match=detail):
        [b"".join(pieces) for _, pieces in found]


def test_pages_are_rendered_in_the_sandbox(write: Write, sandbox: Sandbox) -> None:
    path = write(pdf(lines("hello")))
    assert sandbox.render_page(path, 1).startswith(b"\x89PNG")
    with pytest.raises(NotFound, match="page_not_found"):
        sandbox.render_page(path, 2)
    with pytest.raises(DocumentRejected, match="corrupt"):
        sandbox.render_page(write(b"no pdf", "b"), 1)


def test_the_plain_functions_do_the_same(write: Write) -> None:
    path = write(pdf(lines("hello")))
    assert parse_file(path, "a.pdf").text == "hello"
    assert render_page(path, 1).startswith(b"\x89PNG")
    assert [name for name, _ in members(write(archive({"a.txt": b"x"}), "b"), "b.zip")] == ["a.txt"]
