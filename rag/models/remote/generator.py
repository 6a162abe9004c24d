"""Another server's model as the rest of Footnote sees it: tried, waited for, and done without."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Self

import httpx

from rag.errors import Busy, FootnoteError, TooLarge, Unavailable
from rag.models.chat_formats import MESSAGES, ChatFormat
from rag.models.generation import (
    FinishReason,
    GenerationRequest,
    GeneratorState,
    GeneratorStatus,
    ProgressEvent,
    PromptPart,
    TokenEvent,
)
from rag.models.pending import CancellationTimes, Generation, PendingGenerations
from rag.models.remote import exchange, failures
from rag.models.remote.messages import body, estimated_prompt_tokens
from rag.models.remote.server import ModelServer
from rag.models.remote.stream import Piece
from rag.models.remote.writing import RemoteWriting
from rag.models.tally import Tally
from rag.records import ModelIdentity

_log = logging.getLogger(__name__)

_TRIAL = GenerationRequest((PromptPart("One, two,"),), max_tokens=4)
_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is asked of a server.

    Attributes:
        context: most tokens of prompt and answer together, as estimated here.
        parallel: requests that are expected to be worked on at once; the server has its own line.
        waiting: how many more are sent.
        total_s: the longest one request may take.
        pauses_s: between two tries to reach a server that is away; the last one stays.
    """

    context: int = 4096
    parallel: int = 8
    waiting: int = 8
    total_s: float = 600.0
    pauses_s: tuple[float, ...] = (0.2, 1.0, 2.0, 5.0, 15.0)


class RemoteGenerator:
    """Sends requests to a server and passes on what comes. Thread safe.

    It is ready once the server has written something, and no longer ready from the first request on that it
    fails; from then on it is tried again until it writes. All talking is done on one event loop of its own.
    """

    def __init__(self, server: ModelServer, limits: Limits | None = None) -> None:
        self._server = server
        self._limits = limits or Limits()
        self._changed = threading.Condition()
        self._status = GeneratorStatus(GeneratorState.STARTING)
        self._failure: FootnoteError | None = None
        self._model = server.model or ""
        self._sent: dict[str, str] = {}
        self._pending = PendingGenerations(
            self._limits.parallel + self._limits.waiting, self._limits.parallel
        )
        self.tally = Tally()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._running: dict[int, asyncio.Task[None]] = {}
        self._http: httpx.AsyncClient
        self._thread = threading.Thread(target=self._talk, name="model-server", daemon=True)

    def start(self) -> Self:
        """Begin to try the server; returns at once. Call once."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        return self

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until the server has written something; None waits until ``close``.

        Raises:
            Unavailable: why it has not so far.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._status.state in (GeneratorState.READY, GeneratorState.CLOSED), timeout
            )
            if self._status.state is not GeneratorState.READY:
                raise self._why()

    def generate(self, request: GenerationRequest) -> Generation:
        """Send a request; iterate over the result for its events.

        Raises:
            TooLarge: ``prompt_too_long``, as estimated.
            Busy: ``generator_busy`` when too many are open already.
            Unavailable: the server is away; nothing is waited for.
        """
        if (size := estimated_prompt_tokens(request.prompt)) >= self._limits.context:
            raise TooLarge(
                "prompt_too_long",
                f"The prompt takes about {size} tokens and FOOTNOTE_CONTEXT_TOKENS allows "
                f"{self._limits.context}; ask with less text.",
            )
        with self._changed:  # ``close`` ends what is open under the same lock
            if self._status.state is not GeneratorState.READY:
                raise self._why()
            number, generation = self._pending.add(self._cancel)
        self._call(self._begin, number, request, size)
        return generation

    def warm(self, prefix: Sequence[PromptPart]) -> None:
        """Servers keep what they have read by themselves."""

    @property
    def status(self) -> GeneratorStatus:
        with self._changed:
            return self._status

    @property
    def pid(self) -> None:
        """The process is somebody else's."""

    @property
    def cancellations(self) -> CancellationTimes:
        return self._pending.cancellations

    @property
    def load(self) -> int:
        return len(self._pending)

    @property
    def chat_format(self) -> ChatFormat:
        return MESSAGES

    @property
    def identity(self) -> ModelIdentity:
        """The model's name and the server's host. There is no hash: nobody here has seen the weights."""
        with self._changed:
            return ModelIdentity(f"{self._model or 'model'} at {self._server.host}", "")

    def close(self) -> None:
        """Break off what runs, which gets ``shutting_down``."""
        with self._changed:
            self._failure = Unavailable("shutting_down", "The service is shutting down; ask again later.")
            self._set(GeneratorState.CLOSED)
            self._pending.end_all(self._why)
        self._call(lambda: self._main and self._main.cancel())
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _why(self) -> FootnoteError:
        """A new error object each time: one raised in several threads would mix up their tracebacks."""
        known = self._failure
        if known is None:
            return Unavailable(
                "generator_starting", "The language model is being tried; ask again in a moment."
            )
        return Unavailable(known.code, known.detail)

    def _call(self, act: Callable[..., object], *arguments: object) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and everything open with it
                self._loop.call_soon_threadsafe(act, *arguments)

    def _set(self, state: GeneratorState, reason: str = "") -> None:
        self._status = GeneratorStatus(state, reason)
        self._changed.notify_all()

    def _cancel(self, number: int) -> None:
        self._call(lambda: number in self._running and self._running[number].cancel())

    # Everything below runs on the thread of the event loop.

    def _talk(self) -> None:
        loop = self._loop
        assert loop is not None
        with asyncio.Runner(loop_factory=lambda: loop) as runner, suppress(asyncio.CancelledError):
            runner.run(self._keep_trying())

    async def _keep_trying(self) -> None:
        self._main = asyncio.current_task()
        if self.status.state is GeneratorState.CLOSED:  # before this task was there to be cancelled
            return
        async with exchange.client(self._server) as self._http:
            while True:
                await self._until_it_writes()
                self._lost.clear()
                with self._changed:
                    if self._status.state is not GeneratorState.CLOSED:
                        self._failure = None
                        self._set(GeneratorState.READY)
                await self._lost.wait()

    async def _until_it_writes(self) -> None:
        tries = 0
        while True:
            try:
                await self._try_out()
            except FootnoteError as error:
                self._away(error)
                pauses = self._limits.pauses_s
                await asyncio.sleep(pauses[min(tries, len(pauses) - 1)])
                tries += 1
            else:
                return

    async def _try_out(self) -> None:
        """Have something written. Raises ``FootnoteError`` when nothing is."""
        self._sent = exchange.headers(self._server)
        try:
            async with asyncio.timeout(self._limits.total_s):
                if self._server.model is None:
                    name = await exchange.first_model(self._http, self._server, self._sent)
                    with self._changed:
                        self._model = name
                async with aclosing(self._pieces(_TRIAL)) as pieces:
                    if not any([piece.text or piece.thought async for piece in pieces]):
                        raise failures.failed("writes nothing")
        except TimeoutError:
            raise failures.slow("takes too long") from None
        except FootnoteError:
            raise
        except Exception as error:
            _log.error("the language model's server was not understood: %s", type(error).__name__)
            raise failures.failed("was not understood") from None

    def _pieces(self, request: GenerationRequest) -> AsyncGenerator[Piece, None]:
        return exchange.complete(self._http, self._server, self._sent, body(request, self._model))

    def _away(self, error: FootnoteError) -> None:
        with self._changed:
            if self._status.state is GeneratorState.CLOSED:
                return
            if self._failure is None or self._failure.code != error.code:
                _log.warning("the language model's server is away: %s", error.code)
            self._failure = error
            self._set(GeneratorState.RESTARTING, error.detail)
        self._lost.set()

    def _begin(self, number: int, request: GenerationRequest, size: int) -> None:
        task = asyncio.get_running_loop().create_task(self._run(number, request, size))
        self._running[number] = task
        task.add_done_callback(lambda _: self._running.pop(number, None))

    async def _run(self, number: int, request: GenerationRequest, size: int) -> None:
        writing = RemoteWriting(request, size)
        try:
            async with asyncio.timeout(self._limits.total_s):
                await self._receive(number, request, writing)
        except asyncio.CancelledError:
            writing.reason = FinishReason.CANCELLED
        except TimeoutError:
            self._fail(number, failures.slow("takes too long"))
            return
        except FootnoteError as error:
            self._fail(number, error)
            return
        except Exception as error:  # its message may be of what a document says
            _log.error("a request to the language model's server failed: %s", type(error).__name__)
            self._fail(number, failures.failed("was not understood"))
            return
        event = writing.finished()
        self.tally.finished(event)
        self._pending.put(number, event)

    async def _receive(self, number: int, request: GenerationRequest, writing: RemoteWriting) -> None:
        async with aclosing(self._pieces(request)) as pieces:
            async for piece in pieces:
                self._pending.put(number, ProgressEvent(0, writing.prompt_tokens))
                if text := writing.take(piece):
                    self._pending.put(number, TokenEvent(text))
                if writing.reason is not None:
                    return
        if rest := writing.finish():
            self._pending.put(number, TokenEvent(rest))

    def _fail(self, number: int, error: FootnoteError) -> None:
        self.tally.failed()
        if not isinstance(error, Busy | TooLarge):
            self._away(error)
        self._pending.put(number, error)
