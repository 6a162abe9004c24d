"""Ask: an answer whose every sentence cites a checked span, whole or as it is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api import problems, representations, schemas, sse, strict_json
from api.assembly import Service
from api.background import Pumped
from api.dependencies import ServiceDep
from api.dependencies import problems as problem_responses
from api.scoping import check_length, scope_of
from rag.errors import FootnoteError
from rag.generation.answering import (
    AnswerEvent,
    AskMode,
    AskRequest,
    DoneEvent,
    RetrievalEvent,
    SentenceEvent,
    TokenEvent,
)

router = APIRouter(prefix="/v1/ask", tags=["ask"], route_class=strict_json.StrictRoute)

_log = structlog.get_logger(__name__)

_DISCONNECT_POLL = 0.1
_CLIENT_GONE = 499  # as nginx logs it; nobody is left to read it

_STREAM = (
    "With `stream: true`, server-sent events instead: `retrieval` (coverage and passages), `token` (draft "
    "text, not yet checked), `sentence` (delivered, with verdict and citations), `done` (the whole answer), "
    "`error` (a problem document), `heartbeat`."
)


@router.post(
    "",
    response_model=schemas.Answer,
    responses={
        200: {
            "model": schemas.Answer,
            "content": {"text/event-stream": {}},
            "description": f"The answer. {_STREAM}",
        },
        **problem_responses(400, 404, 413, 429, 503),
    },
)
async def ask(request: Request, service: ServiceDep, asked: schemas.AskRequest) -> Response:
    """Answer a question from the documents, or say that they do not hold the answer."""
    check_length(asked.question, service.settings.max_question_chars)
    events = _Answering(service, asked)
    gone = asyncio.create_task(_gone(request))
    streaming = False
    try:
        first = await _unless(gone, events)
        if first is None:
            return Response(status_code=_CLIENT_GONE)
        if asked.stream:
            streaming = True  # from here on the response watches the connection and closes the events
            return sse.response(_stream(events, first, problems.request_id_of(request)))
        return await _whole(gone, events)
    finally:
        gone.cancel()
        if not streaming:
            await events.aclose()


class _Answering:
    """The events of one answer with the place it takes among the questions being worked on."""

    def __init__(self, service: Service, asked: schemas.AskRequest) -> None:
        question = AskRequest(
            question=asked.question,
            scope=scope_of(asked),
            mode=AskMode(asked.mode),
            max_citations=asked.max_citations or service.settings.max_citations,
            conversation=asked.conversation,
        )
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


async def _gone(request: Request) -> None:
    """Ends when the client has gone. A task of its own: events may come faster than anyone would look."""
    while not await request.is_disconnected():
        await asyncio.sleep(_DISCONNECT_POLL)


async def _unless(gone: asyncio.Task[None], events: _Answering) -> AnswerEvent | None:
    """The next event, or None when the client has gone."""
    coming = asyncio.create_task(_next(events))
    try:
        await asyncio.wait({coming, gone}, return_when=asyncio.FIRST_COMPLETED)
        return None if gone.done() else coming.result()
    finally:
        coming.cancel()


async def _next(events: _Answering) -> AnswerEvent:
    return await anext(events)


async def _whole(gone: asyncio.Task[None], events: _Answering) -> Response:
    while event := await _unless(gone, events):
        if isinstance(event, DoneEvent):
            return JSONResponse(representations.answer(event.answer).model_dump(mode="json"))
    return Response(status_code=_CLIENT_GONE)


async def _stream(events: _Answering, first: AnswerEvent, request_id: str) -> AsyncIterator[bytes]:
    try:
        yield _encode(first)
        async for event in events:
            yield _encode(event)
    except FootnoteError as error:
        status = problems.status_of(error)
        yield sse.event("error", problems.document(status, error.code, error.detail, request_id))
    except Exception:
        _log.exception("internal_error", request_id=request_id)
        yield sse.event("error", problems.unexpected_document(request_id))
    finally:
        await events.aclose()


def _encode(event: AnswerEvent) -> bytes:
    match event:
        case RetrievalEvent():
            return sse.event(
                "retrieval",
                schemas.RetrievalFound(
                    coverage=representations.coverage(event.coverage),
                    hits=[representations.hit(passage) for passage in event.passages],
                ),
            )
        case TokenEvent():
            return sse.event("token", {"text": event.text})
        case SentenceEvent():
            return sse.event(
                "sentence",
                schemas.SentenceDelivered(
                    sentence=representations.sentence(event.sentence),
                    citations=[representations.citation(one) for one in event.citations],
                ),
            )
        case DoneEvent():
            return sse.event("done", representations.answer(event.answer))
