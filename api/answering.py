"""Having a question answered on a thread of its own, for as long as its client is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import Request

from api.assembly import Service
from api.background import Pumped
from rag.generation.answering import AnswerEvent, AskRequest, DoneEvent
from rag.records import Answer

CLIENT_GONE = 499
"""A status as nginx logs it; nobody is left to read it."""

_DISCONNECT_POLL = 0.1


class Answering:
    """The events of one answer with the place it takes among the questions being worked on.

    Raises, from the constructor:
        Unavailable: ``search_starting``.
        Busy: ``too_many_questions``.
    """

    def __init__(self, service: Service, question: AskRequest) -> None:
        answerer = service.answerer
        self._service = service
        service.gate.enter()
        self._began = time.perf_counter()
        self._events: Pumped[AnswerEvent] = Pumped(lambda: answerer.ask(question), service.gate.executor)
        self._leaving: asyncio.Task[None] = asyncio.create_task(self._leave())

    def __aiter__(self) -> AsyncIterator[AnswerEvent]:
        return self

    async def __anext__(self) -> AnswerEvent:
        event = await anext(self._events)
        if isinstance(event, DoneEvent):
            self._service.metrics.observe_stages(event.answer.timings)
        return event

    async def aclose(self) -> None:
        await self._events.aclose()

    async def _leave(self) -> None:
        # The place is free when the thread is done with the model, not when the client has gone.
        await self._events.finished()
        self._service.gate.leave(time.perf_counter() - self._began)


async def gone(request: Request) -> None:
    """Ends when the client has gone. A task of its own: events may come faster than anyone would look."""
    while not await request.is_disconnected():
        await asyncio.sleep(_DISCONNECT_POLL)


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
