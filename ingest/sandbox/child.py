"""The parsing child: does one task on the file at descriptor 0 and answers on descriptor 1.

A task is a JSON object: ``task`` (``parse``, ``render`` or ``members``), its arguments and ``limits``
(the fields of ParseLimits). The answer is JSON lines: any number of ``{"progress": [done, total]}`` and
``{"recognising": page}``, then one ``{"result": ...}`` or ``{"error": [class, code, detail]}``. Members
come before that, each as a line ``{"member": [name, size]}`` with its ``size`` bytes behind it.

``python -I -m ingest.sandbox.child TASK`` is the child as a process of its own, and ``TASK`` then also
names its ``parent``; :mod:`ingest.sandbox.server` forks it instead.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from typing import Any, BinaryIO

from ingest import sniffing
from ingest.ocr import allowance, engines
from ingest.ocr.engine import Engine
from ingest.parsers.limits import ParseLimits
from ingest.sandbox import recognition
from ingest.sandbox.confinement import close_files, confine, follow_parent, isolate
from ingest.wire import to_line
from rag.errors import DocumentRejected, FootnoteError
from rag.network_guard import NetworkGuard

_PROGRESS_EVERY = 8
_PROGRESS_SECONDS = 0.5
_PDF_MARK = b"%PDF-"
_WITH_PICTURES = frozenset({sniffing.PDF, sniffing.PNG, sniffing.JPEG, sniffing.TIFF, sniffing.WEBP})


def main(argument: str) -> None:
    """The task of a child that was started for it."""
    task = json.loads(argument)
    NetworkGuard().install()
    isolate()
    close_files(engines.program())
    follow_parent(task["parent"])  # last: a change of credentials can undo it
    perform(task)


def perform(task: dict[str, Any]) -> None:
    """Do the task and write the answer. Every exception becomes an answer; only limits kill."""
    gc.disable()  # it lives for one document, and looking for cycles takes a tenth of the time
    limits = ParseLimits(**task["limits"])
    engine = recognition.start(limits) if _may_recognise(task, limits) else None
    confine(limits, may_recognise=engine is not None)
    answers = _private_stdout()
    try:
        message = {"result": _result(task, limits, answers, engine)}
    except MemoryError:
        message = _error(
            DocumentRejected(
                "limit_exceeded",
                "Reading the document passed the limit on memory. Split it and send the parts.",
            )
        )
    except FootnoteError as error:
        message = _error(error)
    except Exception as error:
        message = _error(
            DocumentRejected(
                "parser_crashed",
                f"The document broke the program that reads it ({type(error).__name__}). "
                "Save it again with another program, then send it again.",
            )
        )
        print(f"{type(error).__name__}: {error}"[:1000], file=sys.stderr)
    _write(answers, to_line(message))


def _may_recognise(task: dict[str, Any], limits: ParseLimits) -> bool:
    """Whether it is a document of a kind that may have to be read from its picture, and somebody can."""
    if task["task"] != "parse" or limits.max_ocr_pages == 0 or not engines.is_installed():
        return False
    try:
        with open(0, "rb", closefd=False) as file:
            return sniffing.sniff(file, task["name"]) in _WITH_PICTURES
    except FootnoteError:
        return False


def _result(task: dict[str, Any], limits: ParseLimits, answers: int, engine: Engine | None) -> dict[str, Any]:
    # Not ``sys.stdin``: in a forked child that object knows another file.
    with open(0, "rb", closefd=False) as file:
        if task["task"] == "render":
            return _render(file, task, limits)
        if task["task"] == "members":
            return _members(file, task["name"], limits, answers)
        return _parse(file, task["name"], limits, answers, engine)


def _parse(
    file: BinaryIO, name: str, limits: ParseLimits, answers: int, engine: Engine | None
) -> dict[str, Any]:
    from ingest.parsers import parse
    from ingest.wire import encode_document

    allowance.grant(limits, lambda page: _write(answers, to_line({"recognising": page})), engine)
    reported = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal reported
        now = time.monotonic()
        if done % _PROGRESS_EVERY == 0 or done == total or now - reported > _PROGRESS_SECONDS:
            reported = now
            _write(answers, to_line({"progress": [done, total]}))

    return encode_document(parse(file, name, limits, report))


def _render(file: BinaryIO, task: dict[str, Any], limits: ParseLimits) -> dict[str, Any]:
    import base64

    from ingest.parsers.pdf_render import render

    png = render(_as_pdf(file.read(), limits), task["page"], task["scale"], limits.max_pixels)
    return {"png": base64.b64encode(png).decode("ascii")}


def _as_pdf(data: bytes, limits: ParseLimits) -> bytes:
    """``data`` itself, unless it is a picture."""
    if data.startswith(_PDF_MARK):
        return data
    from ingest.parsers import image  # loads an imaging library, which most pages do without

    return image.as_pdf(data, limits) if image.is_picture(data) else data


def _members(file: BinaryIO, name: str, limits: ParseLimits, answers: int) -> dict[str, Any]:
    from ingest.parsers import members

    count = 0
    for member, data in members(file, name, limits):
        _write(answers, to_line({"member": [member, len(data)]}))
        _write(answers, data)
        count += 1
    return {"members": count}


def _error(error: FootnoteError) -> dict[str, Any]:
    return {"error": [type(error).__name__, error.code, error.detail]}


def _private_stdout() -> int:
    """A descriptor for answers only: what native code prints to stdout goes to stderr instead."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers


def _write(answers: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(answers, view) :]


if __name__ == "__main__":
    main(sys.argv[1])
    # Nothing is left to save, and tearing down native libraries takes time and can crash.
    os._exit(0)
