"""Reading what a child says within bounds: so much text, so much time, and only messages that make sense."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Iterator
from typing import Any

from ingest.parsers.limits import ParseLimits
from ingest.wire import from_line
from rag import errors

OnProgress = Callable[[int, int], None]

_READ_BYTES = 1 << 18
_COMPLAINT_BYTES = 4096
_ERRORS: dict[str, type[errors.FootnoteError]] = {
    "DocumentRejected": errors.DocumentRejected,
    "Unsupported": errors.Unsupported,
    "NotFound": errors.NotFound,
}


class BoundExceeded(Exception):
    """The child took too long or said too much; ``which`` names the bound."""

    def __init__(self, which: str) -> None:
        super().__init__(which)
        self.which = which


class Ended(Exception):
    """The child closed its end without having given a result."""


class Malformed(Exception):
    """The child's answer is not what was agreed."""


NO_RESULT = (BoundExceeded, Ended, Malformed)


class Conversation:
    """The answers of one child, read from the descriptor ``answers``.

    What it complains of on the other descriptor (its stderr) is kept, the end of it, in ``complaints``.
    The clock runs while the child is waited for, not while the caller is busy with what it said.
    """

    def __init__(self, answers: int, complaints: int, limits: ParseLimits) -> None:
        self.complaints = b""
        self.pages_recognised = 0
        self._limits = limits
        self._seconds_left = limits.wall_seconds
        self._page_seconds_left = 0.0
        self._text_left = limits.max_result_bytes
        self._payload_left = limits.max_unpacked_bytes
        self._pending = bytearray()
        self._answers = answers
        self._selector = selectors.DefaultSelector()
        self._selector.register(answers, selectors.EVENT_READ)
        self._selector.register(complaints, selectors.EVENT_READ)

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._selector.close()

    def result(self, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """What the task came to.

        Raises:
            FootnoteError: the child's own verdict on the document.
            BoundExceeded, Ended, Malformed: see there.
        """
        for message in self._messages():
            if "progress" in message:
                done, total = _fields(message, "progress", int, int)
                if on_progress is not None:
                    on_progress(done, total)
            elif "result" in message:
                return _as_object(message["result"])
        raise Ended

    def members(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Names of members with their bytes, in pieces; what is not read of them is skipped.

        Raises as :meth:`result`.
        """
        for message in self._messages():
            if "member" in message:
                name, size = _fields(message, "member", str, int)
                pieces = self._payload(size)
                yield name, pieces
                for _ in pieces:
                    pass
            elif "result" in message:
                return
        raise Ended

    def _messages(self) -> Iterator[dict[str, Any]]:
        while (line := self._line()) is not None:
            try:
                message = from_line(line)
            except (ValueError, RecursionError) as error:
                raise Malformed(f"it answered with a malformed message ({error})") from error
            if "error" in message:
                raise _own_verdict(message)
            if "recognising" in message:
                self._grant_page()
            elif message.keys().isdisjoint(("progress", "member", "result")):
                raise Malformed("it answered with a malformed message (none that is known)")
            else:
                yield message

    def _grant_page(self) -> None:
        """Text recognition takes time, so each page of it has some of its own, but only so many pages.

        What a page does not need is not saved up: a child that announces pages gains little by it.
        """
        if self.pages_recognised < self._limits.max_ocr_pages:
            self.pages_recognised += 1
            self._page_seconds_left = self._limits.ocr_seconds_per_page

    def _line(self) -> bytes | None:
        """The next line without its end; None if the child has closed both of its descriptors."""
        searched = 0
        while (end := self._pending.find(b"\n", searched)) < 0:
            searched = len(self._pending)
            if searched > self._text_left:
                raise BoundExceeded("result size")
            if not self._receive():
                return None
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        self._text_left -= len(line)
        if self._text_left < 0:
            raise BoundExceeded("result size")
        return line

    def _payload(self, size: int) -> Iterator[bytes]:
        """The next ``size`` bytes."""
        self._payload_left -= size
        if size < 0 or self._payload_left < 0:
            raise BoundExceeded("unpacked size")
        while size:
            if not self._pending and not self._receive():
                raise Ended
            piece = bytes(self._pending[:size])
            del self._pending[: len(piece)]
            size -= len(piece)
            yield piece

    def _receive(self) -> bool:
        """Wait for more of either stream; False once both have ended."""
        while self._selector.get_map():
            started = time.monotonic()
            ready = self._selector.select(max(0.0, self._page_seconds_left + self._seconds_left))
            self._take(time.monotonic() - started)
            if not ready and self._seconds_left <= 0:
                raise BoundExceeded("time")
            received = False
            for key, _ in ready:
                data = os.read(key.fd, _READ_BYTES)
                if not data:
                    self._selector.unregister(key.fd)
                elif key.fd == self._answers:
                    self._pending += data
                    received = True
                else:
                    self.complaints = (self.complaints + data)[-_COMPLAINT_BYTES:]
            if received:
                return True
        return False

    def _take(self, seconds: float) -> None:
        """From the time of the page that is being recognised, then from that of the document."""
        of_page = min(seconds, self._page_seconds_left)
        self._page_seconds_left -= of_page
        self._seconds_left -= seconds - of_page


def _own_verdict(message: dict[str, Any]) -> Exception:
    try:
        kind, code, detail = message["error"]
        return _ERRORS[kind](str(code), str(detail))
    except (KeyError, TypeError, ValueError) as error:
        return Malformed(f"it answered with a malformed message ({error})")


def _fields(message: dict[str, Any], key: str, *types: Any) -> list[Any]:
    values = message[key]
    if not isinstance(values, list) or len(values) != len(types):
        raise Malformed(f"it answered with a malformed message ({key} of a wrong length)")
    if not all(type(value) is expected for value, expected in zip(values, types, strict=True)):
        raise Malformed(f"it answered with a malformed message ({key} of a wrong type)")
    return values


def _as_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("it answered with a malformed result (no object)")
    return value
