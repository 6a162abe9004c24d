"""Gets a parsing child its recognition process, before the child gives up the right to start one."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NoReturn

from ingest.ocr import engines, remote
from ingest.ocr.engine import Engine
from ingest.parsers.limits import ParseLimits
from ingest.sandbox.confinement import confine_recogniser, follow_parent

_STANDARD_STREAMS = 3


def start(limits: ParseLimits) -> Engine | None:
    """An engine in a process of its own, which ends with this one; None if no process can be had."""
    parser = os.getpid()
    asked, asking = os.pipe()
    hearing, answering = os.pipe()
    try:
        is_recogniser = os.fork() == 0
    except OSError:
        for descriptor in (asked, asking, hearing, answering):
            os.close(descriptor)
        return None
    if is_recogniser:
        os.close(asking)
        os.close(hearing)
        _become_recogniser(parser, asked, answering, limits)
    os.close(asked)
    os.close(answering)
    return remote.RemoteEngine(asking, hearing)


def _become_recogniser(parser: int, asked: int, answering: int, limits: ParseLimits) -> NoReturn:
    status = 1
    with suppress(BaseException):
        follow_parent(parser)  # also in the middle of a picture
        # The document and the answers about it are none of its business.
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(_STANDARD_STREAMS):
            os.dup2(nothing, stream)
        os.close(nothing)
        confine_recogniser(limits)
        with open(asked, "rb") as pictures:
            remote.serve(pictures, answering, engines.available)
        status = 0
    os._exit(status)
