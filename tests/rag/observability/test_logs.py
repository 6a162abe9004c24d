from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from rag.errors import NotFound
from rag.observability import logs
from rag.observability.logs import LogFormat, LogLevel

CANARY = "the canary sings at noon"
HOSTILE = "x\nevent=forged\x1b[31m\x00\x85\u2028\x7f\r"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the lines go; afterwards this process logs as it did before."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    levels = {name: logging.getLogger(name).level for name in ("api", "ingest", "rag")}
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.configure(**configured)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_process(stream: io.StringIO) -> None:
    logs.configure("worker", stream=stream)
    structlog.get_logger().info("job", job="job_1", ms=12.5, outcome="succeeded")
    (line,) = _lines(stream)
    assert line["process"] == "worker"
    assert (line["event"], line["job"], line["ms"], line["outcome"]) == ("job", "job_1", 12.5, "succeeded")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", LogFormat)
@pytest.mark.parametrize("name", ["question", "name", "file", "job", "error", "token", "exception_text"])
def test_no_field_takes_a_text(stream: io.StringIO, form: LogFormat, name: str) -> None:
    logs.configure("api", form=form, stream=stream)
    structlog.get_logger().info("request", **{name: CANARY})
    structlog.get_logger().info("request", **{name: [CANARY]})
    structlog.get_logger().info("request", **{name: {CANARY: CANARY}})
    structlog.get_logger().info("request", **{name: CANARY.encode()})
    written = stream.getvalue()
    assert "canary" not in written
    assert len(written.splitlines()) == 4


def test_a_name_that_looks_harmless_is_withheld_too(stream: io.StringIO) -> None:
    logs.configure("api", stream=stream)
    structlog.get_logger().info(
        "stored", name="payroll-2026.pdf", path="/data/payroll-2026.pdf", secret="fn_abc"
    )
    assert "payroll" not in stream.getvalue()
    assert "fn_abc" not in stream.getvalue()


@pytest.mark.parametrize("form", LogFormat)
def test_control_characters_cannot_forge_a_line(stream: io.StringIO, form: LogFormat) -> None:
    logs.configure("api", form=form, stream=stream)
    logging.getLogger("rag.models").warning("it said %s", HOSTILE)
    structlog.get_logger().info("request", route=HOSTILE, error=HOSTILE)
    structlog.get_logger().info(HOSTILE)
    written = stream.getvalue()
    assert len(written.splitlines()) == 3
    assert all(32 <= ord(character) < 127 for line in written.split("\n") for character in line)


@pytest.mark.parametrize("form", LogFormat)
def test_of_exceptions_only_kinds_codes_and_places_are_written(stream: io.StringIO, form: LogFormat) -> None:
    logs.configure("api", form=form, stream=stream)
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as error:
            raise NotFound("document_not_found", CANARY) from error
    except NotFound:
        structlog.get_logger().exception("internal_error", request_id="r-1")
        logging.getLogger("rag.models").exception("failed")
        logging.getLogger("uvicorn.error").exception(CANARY)
    written = stream.getvalue()
    assert "canary" not in written
    for expected in ("ValueError", "rag.errors.NotFound document_not_found", "test_logs.py:"):
        assert written.count(expected) >= 3


def test_of_other_libraries_only_the_place_is_written(stream: io.StringIO) -> None:
    logs.configure("api", LogLevel.DEBUG, stream=stream)
    logging.getLogger("python_multipart").warning(f"skipping {CANARY}")
    logging.getLogger("sqlalchemy.engine").info(CANARY)
    logging.getLogger("httpx").debug(CANARY)
    (line,) = _lines(stream)
    assert (line["event"], line["logger"]) == ("library_message", "python_multipart")
    assert line["where"].startswith("test_logs.py:")


def test_the_level_holds_for_both_kinds_of_loggers(stream: io.StringIO) -> None:
    logs.configure("api", LogLevel.WARNING, stream=stream)
    structlog.get_logger().info("request")
    logging.getLogger("rag.models").info("loading")
    assert stream.getvalue() == ""
    structlog.get_logger().warning("request_failed", code="disk_full")
    assert _lines(stream)[0]["code"] == "disk_full"


def test_what_the_system_says_is_written(stream: io.StringIO) -> None:
    logs.configure("api", stream=stream)
    structlog.get_logger().warning("snapshot_failed", error="No space left on device")
    assert _lines(stream)[0]["error"] == "No space left on device"


def test_lines_of_a_child_are_written_again_under_the_same_rules(stream: io.StringIO) -> None:
    logs.configure("api", stream=stream)
    assert logs.relay(
        b'{"level": "warning", "event": "job", "process": "generator", "pid": 7, "name": "secret"}'
    )
    for other in (b"llama_model_load: failed", b"{}", b"[1]", b'{"level": "loud", "event": "x"}', b"\xff{"):
        assert not logs.relay(other)
    (line,) = _lines(stream)
    assert (line["process"], line["pid"], line["name"]) == ("generator", 7, "[withheld]")


def test_what_ends_a_thread_is_a_line_without_its_message(stream: io.StringIO) -> None:
    logs.configure("api", stream=stream)

    def broken() -> None:
        raise ValueError(CANARY)

    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    (line,) = _lines(stream)
    assert (line["event"], line["exception"][0]) == ("uncaught_exception_of_thread", "builtins.ValueError")
    assert "canary" not in stream.getvalue()


def test_a_process_that_breaks_says_so_without_the_message() -> None:
    program = f"from rag.observability import logs\nlogs.configure('api')\nraise ValueError({CANARY!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert json.loads(done.stderr)["event"] == "uncaught_exception"
    assert "canary" not in done.stderr


def test_a_child_is_heard_where_nobody_has_configured_logging(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    assert logs.relay(b'{"level": "error", "event": "failed", "exception": ["KeyError", "  a.py:1 f"]}')
    assert "a.py:1 f" in capsys.readouterr().out
