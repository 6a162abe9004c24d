"""What can be done with a document that nobody trusts, each time in a child process of its own."""

from __future__ import annotations

import base64
import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from ingest.canonical import check
from ingest.ocr.allowance import DRAWING_SECONDS
from ingest.parsers.limits import ParseLimits
from ingest.sandbox.conversation import NO_RESULT, BoundExceeded, Conversation, Malformed, OnProgress
from ingest.sandbox.launching import (
    Child,
    Exit,
    ForkServer,
    FreshProcess,
    Launcher,
    ServerLost,
    is_forking_supported,
)
from ingest.wire import decode_document
from rag import errors
from rag.records import ParsedDocument

_ADVICE = "Split it or save it again with another program, then send it again."
_ATTEMPTS = 2
# A person waits for the picture of a page, and one that takes longer is made to.
_RENDERING = ParseLimits(cpu_seconds=8, wall_seconds=20.0)

_T = TypeVar("_T")


class Sandbox:
    """Reads documents in children that ``launcher`` starts, one for each document.

    Whatever becomes of a child becomes an error of the document, never an incident of the caller. What the
    machine does to it (no room for a process, a fork server that does not start or is killed) says
    nothing about the document and is ``Unavailable``.
    """

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher

    def parse_file(
        self,
        path: Path,
        name: str,
        limits: ParseLimits | None = None,
        on_progress: OnProgress | None = None,
    ) -> ParsedDocument:
        """Parse the file at ``path``, called ``name`` by its owner.

        ``on_progress(done, total)`` is called with pages as they are read; an exception it raises
        stops the child and passes through, which is how a caller cancels. Blocks for
        ``limits.wall_seconds`` at most, and ``limits.ocr_seconds_per_page`` for each page that is read
        by text recognition.

        Raises:
            DocumentRejected: ``encrypted``, ``corrupt``, ``empty_file``, ``no_text``,
                ``limit_exceeded`` or ``parser_crashed``; all permanent for these bytes.
            Unsupported: ``unsupported_type``.
            Unavailable: ``parser_unavailable``, the document was not even begun, or not its fault.
        """
        task = {"task": "parse", "name": name}
        result = self._perform(path, task, limits, lambda answers: answers.result(on_progress))
        try:
            parsed = decode_document(result)
            check(parsed)
        except (KeyError, TypeError, ValueError) as error:
            raise _crashed(f"it answered with a malformed result ({error})") from error
        return parsed

    def render_page(
        self, path: Path, page: int, scale: float = 2.0, limits: ParseLimits | None = None
    ) -> bytes:
        """Page ``page`` (from 1) of the PDF at ``path`` as PNG, ``scale`` pixels to a point.

        The scale is lowered as far as ``limits.max_pixels`` requires.

        Raises:
            NotFound: ``page_not_found``.
            DocumentRejected, Unsupported, Unavailable: as :meth:`parse_file`; ``page_unreadable`` for a
                damaged page.
        """
        task = {"task": "render", "page": page, "scale": scale}
        result = self._perform(path, task, limits or _RENDERING, Conversation.result)
        try:
            return base64.b64decode(result["png"], validate=True)
        except (KeyError, TypeError, ValueError) as error:
            raise _crashed(f"it answered with a malformed picture ({error})") from error

    def members(
        self, path: Path, name: str, limits: ParseLimits | None = None
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Names and bytes of the documents inside the container at ``path``, in its order.

        The bytes come in pieces and must be read before the next member is asked for; what is left of
        them is skipped. Closing the iterator kills the child.

        Raises as :meth:`parse_file`, also between two members.
        """
        task = {"task": "members", "name": name}
        with self._listening(path, task, limits) as case:
            for member, pieces in case.judged(case.answers.members()):
                yield member, case.judged(pieces)

    def _perform(
        self,
        path: Path,
        task: dict[str, Any],
        limits: ParseLimits | None,
        listen: Callable[[Conversation], _T],
    ) -> _T:
        """What ``listen`` makes of the child's answers; once more if the fork server is lost."""
        for _ in range(_ATTEMPTS):
            with self._listening(path, task, limits) as case:
                try:
                    return listen(case.answers)
                except NO_RESULT as failure:
                    with contextlib.suppress(ServerLost):
                        raise case.verdict(failure) from failure
        raise _unavailable("it was ended from outside, twice")

    @contextlib.contextmanager
    def _listening(self, path: Path, task: dict[str, Any], limits: ParseLimits | None) -> Iterator[_Case]:
        limits = (limits or ParseLimits()).for_size(path.stat().st_size)
        with contextlib.ExitStack() as stack:
            try:
                child = self._launcher.start(path, {**task, "limits": asdict(limits)})
            except OSError as error:
                raise _unavailable(error.strerror or "it did not start") from error
            stack.callback(child.close)
            answers = stack.enter_context(Conversation(child.answers, child.complaints, limits))
            yield _Case(child, answers, limits)


class ParseServer(Sandbox):
    """A sandbox whose children come from a fork server, where the system has what that needs.

    Elsewhere (macOS) each child is a fresh process. A context manager: leaving it ends the server.
    """

    def __init__(self) -> None:
        self._server = ForkServer() if is_forking_supported() else None
        super().__init__(self._server or FreshProcess())

    def __enter__(self) -> ParseServer:
        """Starts the server, which gets ready while the caller goes on."""
        if self._server is not None:
            self._server.warm_up()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The server's process id while one is running."""
        return self._server.pid if self._server is not None else None

    def close(self) -> None:
        """End the server and whatever it reads; the next document starts another."""
        if self._server is not None:
            self._server.stop()


@dataclass(frozen=True, slots=True)
class _Case:
    """A child at work on a document."""

    child: Child
    answers: Conversation
    limits: ParseLimits

    def judged(self, items: Iterator[_T]) -> Iterator[_T]:
        """``items`` of the answers, with what is to be said where they break off."""
        try:
            yield from items
        except NO_RESULT as failure:
            try:
                verdict = self.verdict(failure)
            except ServerLost as lost:
                raise _unavailable("it was ended from outside") from lost
            raise verdict from failure

    def verdict(self, failure: Exception) -> errors.DocumentRejected:
        """What to say of a child that gave no result.

        Raises ``ServerLost`` or ``Unavailable`` if that was not its doing.
        """
        if isinstance(failure, BoundExceeded):
            return _limit_exceeded(failure.which)
        if isinstance(failure, Malformed):
            return _crashed(str(failure))
        drawing = self.answers.pages_recognised * DRAWING_SECONDS
        try:
            end = self.child.end()
        except OSError as error:
            raise _unavailable(error.strerror or "it did not start") from error
        return _obituary(end, self.limits.cpu_seconds + drawing, self.answers.complaints)


def _obituary(end: Exit, seconds: float, complaints: bytes) -> errors.DocumentRejected:
    """What ended a child that was allowed ``seconds`` of processor time."""
    if end.status == -signal.SIGXCPU or (end.status == -signal.SIGKILL and end.cpu_seconds >= seconds):
        return _limit_exceeded("cpu time")
    # The kernel's OOM killer sends SIGKILL. PDFium, when it gets no memory, aborts without a word; a
    # damaged heap or a failed assertion would have said so on stderr. (ru_maxrss does not help: across
    # fork it starts with the peak of the parent.)
    silent_abort = end.status in (-signal.SIGABRT, -signal.SIGTRAP) and not complaints
    signs = (b"bad_alloc", b"MemoryError", b"of memory", b"memory allocation of")
    said_so = any(sign in complaints for sign in signs)
    if end.status == -signal.SIGKILL or silent_abort or said_so:
        return _limit_exceeded("memory")
    return _crashed(f"signal {-end.status}" if end.status < 0 else f"exit status {end.status}")


def _limit_exceeded(which: str) -> errors.DocumentRejected:
    return errors.DocumentRejected(
        "limit_exceeded", f"Reading the document passed the limit on {which}. {_ADVICE}"
    )


def _crashed(how: str) -> errors.DocumentRejected:
    return errors.DocumentRejected(
        "parser_crashed", f"The document broke the program that reads it: {how}. {_ADVICE}"
    )


def _unavailable(how: str) -> errors.Unavailable:
    return errors.Unavailable(
        "parser_unavailable",
        f"The process that reads documents could not work ({how}). Look after the machine's memory and "
        "processes (footnote doctor), then have the job tried again.",
    )
