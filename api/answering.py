"""Having a question answered on a thread of its own, for as long as its client is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import structlog
from fastapi import Request
from starlette.datastructures import Headers

from api.admission import Place, key_of, shutting_down
from api.assembly import Service
from api.background import Pumped
from rag.errors import Unavailable
from rag.generation.asking import AnswerEvent, AskRequest, DoneEvent
from rag.models.cancellation import Cancellation, Cancelled
from rag.records import Answer

CLIENT_GONE = 499
"""A status as nginx logs it; nobody is left to read it."""

_log = structlog.get_logger(__name__)


class Answering:
    """The events of one answer, from waiting for a place among the questions that are worked on.

    The first event is awaited together with the place. ``aclose`` ends it wherever it is: in the line, at
    the model (which stops within a slice of the prompt or a token) or anywhere else at the next event.

    Raises:
        Unavailable: ``search_starting``, from the constructor; ``answer_timeout`` and ``shutting_down``
            from ``anext``, as whatever goes wrong with the answer.
        Busy, ServerBusy: from the first ``anext``, when there is no place.
    """

    def __init__(self, service: Service, question: AskRequest, request: Request) -> None:
        self._answerer = service.answerer
        self._service = service
        self.question = replace(question, anew=question.anew or wants_it_anew(request.headers))
        self._key = key_of(request.scope)
        self._cancellation = Cancellation()
        self._interrupted = False
        self._events: Pumped[AnswerEvent] | None = None
        self._deadline = asyncio.get_running_loop().time() + service.settings.ask_seconds

    def __aiter__(self) -> AsyncIterator[AnswerEvent]:
        return self

    async def __anext__(self) -> AnswerEvent:
        try:
            async with asyncio.timeout_at(self._deadline):
                event = await anext(self._events or await self._begin())
        except TimeoutError:
            await self.aclose()
            raise Unavailable(
                "answer_timeout",
                f"The answer took longer than {self._service.settings.ask_seconds:g} seconds; ask for less, "
                "ask with mode=quote, or raise FOOTNOTE_ASK_SECONDS.",
            ) from None
        except Cancelled:
            if self._interrupted:
                raise shutting_down() from None
            raise
        if isinstance(event, DoneEvent):
            self._note(event)
        return event

    def _note(self, done: DoneEvent) -> None:
        """Figures, and the one line that leads from a request's id to the answer's receipt and back."""
        answer = done.answer
        if done.cache is not None:
            self._service.metrics.observe_cache(done.cache.value)
        self._service.metrics.observe_stages(answer.timings)
        self._service.metrics.observe_answer(answer.status.value)
        total = answer.timings.get("total_ms")
        _log.info("answered", answer=answer.id, status=answer.status.value, ms=total, kind=answer.kind.value)

    @property
    def waiting(self) -> bool:
        """Whether it has no place yet."""
        return self._events is None

    async def aclose(self) -> None:
        """Returns at once."""
        self._cancellation.cancel()
        if self._events is not None:
            await self._events.aclose()

    def interrupt(self) -> None:
        """The service has no more time for it; its reader gets ``shutting_down``."""
        self._interrupted = True
        self._cancellation.cancel()

    async def _begin(self) -> Pumped[AnswerEvent]:
        under_way = self._service.load.under_way
        under_way.add(self)
        try:
            place = await self._service.gate.enter(self._key)
        except BaseException:
            under_way.discard(self)
            raise
        answerer, question, cancellation = self._answerer, self.question, self._cancellation
        self._events = Pumped(lambda: answerer.ask(question, cancellation), self._service.gate.executor)
        # The place is free when the thread is done with the model, not when the client has gone.
        self._events.when_finished(lambda: self._end(place))
        return self._events

    def _end(self, place: Place) -> None:
        self._service.load.under_way.discard(self)
        place.leave()


def wants_it_anew(headers: Headers) -> bool:
    """Whether a client says ``Cache-Control: no-cache`` (RFC 9111, section 5.2.1.4)."""
    return any(
        directive.strip().lower() == "no-cache"
        for value in headers.getlist("cache-control")
        for directive in value.split(",")
    )


async def gone(request: Request) -> None:
    """Ends when the client has gone. Its body has been read: all that can still be received is that news."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def unless(leaving: asyncio.Task[None], events: Answering) -> AnswerEvent | None:
    """The next event, or None when the client has gone."""
    coming = asyncio.create_task(_next(events))
    try:
        await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return None if leaving.done() else coming.result()
    finally:
        coming.cancel()


async def whole(leaving: asyncio.Task[None], events: Answering) -> Answer | None:
    """The finished answer, or None when the client has gone."""
    while event := await unless(leaving, events):
        if isinstance(event, DoneEvent):
            return event.answer
    return None


async def _next(events: Answering) -> AnswerEvent:
    return await anext(events)
