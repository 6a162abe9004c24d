"""The language model as the rest of Footnote sees it: a process that is watched, restarted and queued for."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from rag.errors import BadRequest, FootnoteError, TooLarge, Unavailable
from rag.models.chat_formats import FORMATS, ChatFormat
from rag.models.child import ChildProcess
from rag.models.generation import (
    FinishedEvent,
    GenerationRequest,
    GeneratorSettings,
    GeneratorState,
    GeneratorStatus,
    PromptPart,
)
from rag.models.hashing import sha256_of
from rag.models.pending import CancellationTimes, Generation, PendingGenerations
from rag.models.tally import Tally
from rag.models.wire import WireMessage, event_from_wire, parts_to_wire, request_to_wire
from rag.records import ModelIdentity

_log = logging.getLogger(__name__)

_ERRORS: dict[str, type[FootnoteError]] = {
    "TooLarge": TooLarge,
    "BadRequest": BadRequest,
    "Unavailable": Unavailable,
}
_CRASHES = frozenset({signal.SIGILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT})
_FAILED_STARTS = 3
_LONGEST_PAUSE_S = 10.0
_HEALTHY_AFTER_S = 30.0
_WARMING = 0
"""The number of the message that warms the prefix; requests count from 1."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits in seconds and the length of the queue.

    Attributes:
        start: for loading the model and for a caller to wait until it is loaded.
        stall: without any sign of life while something is to be done, after which the process is replaced.
        total: for one request, from its first sign of life; the process is replaced after it.
        abandon: for one that was cancelled while it was worked on; the process is replaced after it.
        waiting: how many requests may wait behind those that run.
    """

    start: float = 120.0
    stall: float = 60.0
    total: float = 600.0
    abandon: float = 20.0
    waiting: int = 8


class Generator:
    """Starts, watches and restarts the model's process and passes requests to it. Thread safe.

    Args:
        path: a GGUF file.
        settings: how the model is run.
        patience: time limits and queue length.
    """

    def __init__(
        self,
        path: Path,
        settings: GeneratorSettings | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._path = path
        self._settings = settings or GeneratorSettings()
        self._patience = patience or Patience()
        self._changed = threading.Condition()
        self._status = GeneratorStatus(GeneratorState.STARTING)
        self._failure: FootnoteError | None = None
        self._child: ChildProcess | None = None
        together = self._settings.parallel
        self._pending = PendingGenerations(together + self._patience.waiting, together)
        self.tally = Tally()
        self._prefix: tuple[PromptPart, ...] = ()
        self._format: ChatFormat | None = None
        self._context = 0
        self._hash: Future[str] = Future()
        self._supervisor = threading.Thread(target=self._supervise, name="generator", daemon=True)

    def start(self) -> Self:
        """Begin loading; returns at once. Call once."""
        threading.Thread(target=self._compute_hash, name="generator-hash", daemon=True).start()
        self._supervisor.start()
        return self

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until the model is loaded and has computed something.

        Raises:
            Unavailable: ``generator_starting`` after ``timeout`` seconds (default: ``Patience.start``),
                or why it has failed.
        """
        with self._changed:
            self._await_ready(self._patience.start if timeout is None else timeout)

    def generate(self, request: GenerationRequest) -> Generation:
        """Queue a request; iterate over the result for its events.

        Raises:
            Busy: ``generator_busy`` when too many wait already.
            Unavailable: when the model is not to be had.
        """
        with self._changed:
            child = self._await_ready(self._patience.start)
            number, generation = self._pending.add(
                lambda number: child.send({"type": "cancel", "id": number})
            )
        # Sent outside the lock: should the child die now, the supervisor ends this generation too.
        child.send({"type": "generate", "id": number, "request": request_to_wire(request)})
        return generation

    def warm(self, prefix: Sequence[PromptPart]) -> None:
        """Have the common beginning of all prompts computed once, now and after every restart."""
        with self._changed:
            self._prefix = tuple(prefix)
            if self._status.state is GeneratorState.READY and self._child:
                self._send_prefix(self._child)

    @property
    def status(self) -> GeneratorStatus:
        with self._changed:
            return self._status

    @property
    def pid(self) -> int | None:
        """Of the model's process, for metrics; None while there is none."""
        with self._changed:
            alive = self._status.state in (GeneratorState.STARTING, GeneratorState.READY)
            return self._child.pid if self._child and alive else None

    @property
    def cancellations(self) -> CancellationTimes:
        """How long the model took to be free again after a request was given up."""
        return self._pending.cancellations

    @property
    def load(self) -> int:
        """How many requests run or wait."""
        return len(self._pending)

    @property
    def chat_format(self) -> ChatFormat:
        """The layout the model wants; waits for it to be loaded."""
        with self._changed:
            self._await_ready(self._patience.start)
            assert self._format is not None
            return self._format

    @property
    def context(self) -> int:
        """Most tokens of prompt and answer together; waits for the model to be loaded."""
        with self._changed:
            self._await_ready(self._patience.start)
            return self._context

    @property
    def name(self) -> str:
        return self._path.stem

    @property
    def identity(self) -> ModelIdentity:
        """Name and hash of the model file. Waits for the hash: about 0.1 s per 100 MB after the start."""
        return ModelIdentity(self.name, self._hash.result())

    def close(self) -> None:
        """End the process; whatever runs gets ``shutting_down``."""
        with self._changed:
            self._set(GeneratorState.CLOSED)
            self._failure = Unavailable("shutting_down", "The service is shutting down; ask again later.")
            child = self._child
        if child:
            child.close()
        if self._supervisor.is_alive():
            self._supervisor.join(timeout=10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _await_ready(self, timeout: float) -> ChildProcess:
        self._changed.wait_for(
            lambda: self._failure is not None or self._status.state is GeneratorState.READY, timeout
        )
        if self._failure is not None:
            raise _again(self._failure)
        if self._status.state is not GeneratorState.READY or self._child is None:
            raise Unavailable(
                "generator_starting", "The language model is being loaded; ask again in a moment."
            )
        return self._child

    def _compute_hash(self) -> None:
        try:
            self._hash.set_result(sha256_of(self._path))
        except OSError as error:
            self._hash.set_exception(
                Unavailable(
                    "model_unusable", f"The model file cannot be read ({error.strerror}); restore it."
                )
            )

    # The supervisor thread. It starts every child, because the kernel ends a child that asked for
    # PR_SET_PDEATHSIG together with the *thread* that started it.

    def _supervise(self) -> None:
        try:
            self._keep_running()
        except Exception:
            _log.exception("the supervisor of the language model failed")
            self._fail(
                Unavailable("generator_failed", "The language model cannot be started; restart the service.")
            )
        self._end_all()

    def _keep_running(self) -> None:
        settings = asdict(self._settings)
        failed_starts = pauses = 0
        while not self._is_closed():
            began = time.monotonic()
            was_ready = self._run_child(settings)
            if self._is_closed() or self._failure is not None:
                break
            crashed = self._child is not None and self._child.ended_by in _CRASHES
            if not was_ready and crashed and settings["cpu_kernels"]:
                settings["cpu_kernels"] = False
                self._restarting("the model crashed with this CPU's own kernels; it runs without them now")
                continue
            failed_starts = 0 if was_ready else failed_starts + 1
            if failed_starts == _FAILED_STARTS:
                self._fail(
                    Unavailable(
                        "model_unusable",
                        "The language model's process ends whenever it is started; set another model file.",
                    )
                )
                break
            pauses = 0 if time.monotonic() - began > _HEALTHY_AFTER_S else pauses + 1
            self._restarting("the language model's process ended")
            with self._changed:
                pause = min(_LONGEST_PAUSE_S, 0.05 * 2**pauses)
                self._changed.wait_for(lambda: self._status.state is GeneratorState.CLOSED, pause)

    def _run_child(self, settings: dict[str, object]) -> bool:
        """One life of the process; returns whether it became ready."""
        child = ChildProcess("rag.models.generator_process")
        with self._changed:
            self._child = child
            if self._status.state is GeneratorState.CLOSED:
                child.close()
        child.send({"type": "load", "path": str(self._path), "settings": settings})
        was_ready = False
        for message in child.messages(self._overdue):
            was_ready = was_ready or message["type"] == "ready"
            self._receive(child, message)
        with self._changed:  # before anything is ended, so that no request can slip in after it
            if self._status.state is GeneratorState.READY:
                self._set(GeneratorState.RESTARTING, "the language model's process ended")
        child.wait()
        self._end_all()
        return was_ready

    def _overdue(self, silence_s: float) -> bool:
        if self.status.state is not GeneratorState.READY:
            return silence_s > self._patience.start
        if self._pending.overdue(self._patience.total, self._patience.abandon):
            return True
        return min(silence_s, self._pending.oldest_s()) > self._patience.stall

    def _receive(self, child: ChildProcess, message: WireMessage) -> None:
        match message["type"]:
            case "ready":
                with self._changed:
                    if self._status.state is not GeneratorState.CLOSED:
                        self._format = FORMATS[message["chat_format"]]
                        self._context = message["context"]
                        self._set(GeneratorState.READY)
                        self._send_prefix(child)
            case "failed":
                self._fail(_error_from(message))
            case "error" if message["id"] == _WARMING:
                _log.warning("the prefix could not be warmed: %s", message["detail"])
            case "error":
                self.tally.failed()
                self._pending.put(message["id"], _error_from(message))
            case "refused":
                self.tally.refused(message["counts"])
            case _:
                event = event_from_wire(message)
                if isinstance(event, FinishedEvent):
                    self.tally.finished(event)
                self._pending.put(message["id"], event)

    def _end_all(self) -> None:
        with self._changed:
            reason = self._failure or Unavailable(
                "generator_died", "The language model's process ended; ask again."
            )
        self._pending.end_all(lambda: _again(reason))

    def _restarting(self, reason: str) -> None:
        self.tally.restarted()
        _log.warning("%s", reason)
        with self._changed:
            if self._status.state is not GeneratorState.CLOSED:
                self._set(GeneratorState.RESTARTING, reason)

    def _fail(self, error: FootnoteError) -> None:
        _log.error("%s", error)
        with self._changed:
            if self._status.state is not GeneratorState.CLOSED:
                self._failure = error
                self._set(GeneratorState.FAILED, error.detail)

    def _send_prefix(self, child: ChildProcess) -> None:
        if self._prefix:
            child.send({"type": "warm", "id": _WARMING, "prompt": parts_to_wire(self._prefix)})

    def _set(self, state: GeneratorState, reason: str = "") -> None:
        self._status = GeneratorStatus(state, reason)
        self._changed.notify_all()

    def _is_closed(self) -> bool:
        return self.status.state is GeneratorState.CLOSED


def _error_from(message: WireMessage) -> FootnoteError:
    return _ERRORS[message["kind"]](message["code"], message["detail"])


def _again(error: FootnoteError) -> FootnoteError:
    """The same error as a new object: one raised in several threads would mix up their tracebacks."""
    return type(error)(error.code, error.detail)
