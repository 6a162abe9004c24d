"""Log lines: one event each, on stderr, as JSON or as ``name=value``, without anybody's text.

That nothing of a question, a document, a file name or a key gets into a line is not left to whoever
writes a log call:

- A number is written under any name, a text only under one of the names listed here: ``_IDENTIFIERS`` if it
  looks like an identifier, a route or a code, ``_PROSE`` because its texts are Footnote's own, and what the
  system says of a failed call. Anything else becomes ``[withheld]``.
- Of an exception its kinds and places are written, never its message, which may quote what broke it.
- Of other libraries' lines only where they come from: their wording is not ours to vouch for.

Both forms escape control characters, so that a line cannot pretend to be two (CWE-117).
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from enum import StrEnum
from types import TracebackType
from typing import Any, TextIO

import structlog

_OWN = ("api", "ingest", "rag")
_PROSE = frozenset({"event", "message", "exception", "timestamp", "level", "process"})
_IDENTIFIERS = frozenset(
    {
        "answer",
        "attempt",
        "code",
        "destination",
        "document",
        "error",
        "format",
        "job",
        "key",
        "kind",
        "logger",
        "method",
        "mode",
        "outcome",
        "part",
        "phase",
        "reason",
        "request_id",
        "route",
        "signal",
        "space",
        "stage",
        "state",
        "status",
        "tenant",
        "version",
        "where",
        "worker",
    }
)
_SYSTEM = frozenset(os.strerror(number) for number in errno.errorcode)
_LEADING = ("timestamp", "level", "process", "event")
_WITHHELD = "[withheld]"
_HARMLESS = re.compile(r"[A-Za-z0-9_.:/{}@+-]{1,128}")
_LONGEST_PROSE = 500
_FRAMES = 12
_CHAIN = 5

Event = MutableMapping[str, Any]


class LogFormat(StrEnum):
    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def number(self) -> int:
        return int(getattr(logging, self.name))


def configure(
    process: str,
    level: LogLevel = LogLevel.INFO,
    form: LogFormat = LogFormat.JSON,
    stream: TextIO | None = None,
) -> None:
    """Have this process log to ``stream`` (stderr), and give every line the name ``process``.

    Call it in an entry point; a library that is only imported configures nothing.
    """
    target = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _NamesProcess(process),
            _exception_without_message,
            _without_texts,
            _as_json if form is LogFormat.JSON else _as_text,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.number),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = _ToStructlog()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Other libraries are heard from warnings on, whatever the level: their chatter is nobody's concern.
    root.setLevel(max(level.number, logging.WARNING))
    for package in _OWN:
        logging.getLogger(package).setLevel(level.number)
    logging.captureWarnings(True)
    _catch_what_nobody_catches()


def _catch_what_nobody_catches() -> None:
    """Exceptions that end a thread or the process would be printed with their messages otherwise."""
    log = structlog.get_logger(__name__)

    def of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(error, KeyboardInterrupt):
            log.error("uncaught_exception", exc_info=error)

    def of_thread(uncaught: threading.ExceptHookArgs) -> None:
        log.error("uncaught_exception_of_thread", exc_info=uncaught.exc_value)

    def of_destructor(uncaught: sys.UnraisableHookArgs) -> None:
        log.error("uncaught_exception_of_destructor", exc_info=uncaught.exc_value)

    sys.excepthook = of_process
    threading.excepthook = of_thread
    sys.unraisablehook = of_destructor


def relay(line: bytes) -> bool:
    """Write a line that another process of Footnote has logged in JSON once more as this one's own.

    Returns whether it was such a line. Its fields are held to the same rules.
    """
    try:
        fields = json.loads(line)
        level, event = LogLevel(fields.pop("level")), fields.pop("event")
    except (ValueError, KeyError, AttributeError, RecursionError, TypeError):
        return False
    if not isinstance(event, str):
        return False
    fields.pop("timestamp", None)
    if not structlog.is_configured() and isinstance(fields.get("exception"), list):
        fields["exception"] = "\n".join(map(str, fields["exception"]))  # as its own way of printing has it
    structlog.get_logger().log(level.number, event, **fields)
    return True


class _NamesProcess:
    def __init__(self, process: str) -> None:
        self._fields = {"process": process, "pid": os.getpid()}

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        return {**self._fields, **event}


class _ToStructlog(logging.Handler):
    """Puts what the standard library's loggers say into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            own = record.name.partition(".")[0] in _OWN
            log = structlog.get_logger(record.name)
            said: dict[str, Any] = {"logger": record.name, "exc_info": record.exc_info}
            if own:
                said["message"] = record.getMessage()
            else:
                said["where"] = f"{record.filename}:{record.lineno}"
            log.log(record.levelno, "message" if own else "library_message", **said)
        except Exception:  # as the standard library does: logging must not break what it logs
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the base class names it)
        """Without the record's text, which the standard library would print."""
        sys.stderr.write(f'{{"event": "logging_failed", "logger": {json.dumps(record.name)}}}\n')


def _exception_without_message(_logger: object, _method: str, event: Event) -> Event:
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> list[str]:
    """Kinds and places of an exception and of what caused it, innermost place last; no message.

    An error of Footnote's own adds its code, which is part of the API.
    """
    lines: list[str] = []
    seen: BaseException | None = error
    for _ in range(_CHAIN):
        if seen is None:
            break
        code = getattr(seen, "code", None)
        shown = f" {code}" if isinstance(code, str) and _HARMLESS.fullmatch(code) else ""
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}{shown}")
        lines += _places(seen.__traceback__)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return lines


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"  {_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(path: str) -> str:
    """The end of a path: where Footnote is installed says something about its machine."""
    return "/".join(path.replace("\\", "/").split("/")[-3:])


def _without_texts(_logger: object, _method: str, event: Event) -> Event:
    return {name: value if name in _PROSE else _harmless(name, value) for name, value in event.items()}


def _harmless(name: str, value: Any) -> Any:
    """``value`` where it cannot be somebody's text."""
    match value:
        case None | bool() | int() | float():
            return value
        case str() if name in _IDENTIFIERS and (_HARMLESS.fullmatch(value) or value in _SYSTEM):
            return str(value)
    return _WITHHELD


def _ordered(event: Event) -> dict[str, Any]:
    leading = {name: event[name] for name in _LEADING if name in event}
    return leading | {name: _cut(value) for name, value in event.items() if name not in leading}


def _cut(value: Any) -> Any:
    return value[:_LONGEST_PROSE] if isinstance(value, str) else value


def _as_json(_logger: object, _method: str, event: Event) -> str:
    return json.dumps(_ordered(event), ensure_ascii=True, default=lambda _: _WITHHELD)


def _as_text(_logger: object, _method: str, event: Event) -> str:
    """``time level process event name=value``; values with anything unusual in them are quoted as in JSON."""
    ordered = _ordered(event)
    leading = [str(ordered.pop(name)) for name in _LEADING if name in ordered]
    return " ".join([*map(_plain, leading), *(f"{name}={_plain(value)}" for name, value in ordered.items())])


def _plain(value: Any) -> str:
    if isinstance(value, str) and _HARMLESS.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=True, default=lambda _: _WITHHELD)
