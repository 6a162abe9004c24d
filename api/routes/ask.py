"""Ask: an answer whose every sentence cites a checked span, whole or as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api import answer_schemas, problems, representations, schemas, sse, strict_json
from api.answering import CLIENT_GONE, Answering, gone, unless, whole
from api.assembly import Service
from api.dependencies import CallerDep, ServiceDep
from api.dependencies import problems as problem_responses
from api.rights import Right, needs
from api.scoping import check_length, scope_of
from rag.errors import FootnoteError
from rag.generation.asking import (
    AnswerEvent,
    AskMode,
    AskRequest,
    DoneEvent,
    RetrievalEvent,
    SentenceEvent,
    TokenEvent,
)
from rag.generation.survey import MOST_CITATIONS
from rag.stores.access import Access

router = APIRouter(prefix="/v1/ask", tags=["ask"], route_class=strict_json.StrictRoute)

_log = structlog.get_logger(__name__)

_STREAM = (
    "With `stream: true`, server-sent events instead: `retrieval` (coverage and passages), `token` (draft "
    "text, not yet checked), `sentence` (delivered, with verdict and citations), `done` (the whole answer), "
    "`error` (a problem document), `heartbeat`."
)


@router.post(
    "",
    response_model=answer_schemas.Answer,
    responses={
        200: {
            "model": answer_schemas.Answer,
            "content": {"text/event-stream": {}},
            "description": f"The answer. {_STREAM}",
        },
        **problem_responses(400, 404, 413, 429, 503),
    },
    openapi_extra=needs(Right.READ),
)
async def ask(
    request: Request, service: ServiceDep, caller: CallerDep, asked: schemas.AskRequest
) -> Response:
    """Answer a question from the documents, or say that they do not hold the answer."""
    check_length(asked.question, service.settings.max_question_chars)
    events = Answering(service, _question(service, caller.access, asked), request)
    leaving = asyncio.create_task(gone(request))
    streaming = False
    try:
        first = await unless(leaving, events)
        if first is None:
            return Response(status_code=CLIENT_GONE)
        if asked.stream:
            streaming = True  # from here on the response watches the connection and closes the events
            return sse.response(_stream(events, first, problems.request_id_of(request)))
        return await _whole(leaving, events)
    finally:
        leaving.cancel()
        if not streaming:
            await events.aclose()


def _question(service: Service, access: Access, asked: schemas.AskRequest) -> AskRequest:
    return AskRequest(
        question=asked.question,
        scope=scope_of(asked, access),
        mode=AskMode(asked.mode),
        max_citations=asked.max_citations or service.settings.max_citations,
        survey_citations=asked.max_citations or MOST_CITATIONS,
        conversation=asked.conversation,
    )


async def _whole(leaving: asyncio.Task[None], events: Answering) -> Response:
    answer = await whole(leaving, events)
    if answer is None:
        return Response(status_code=CLIENT_GONE)
    return JSONResponse(representations.answer(answer).model_dump(mode="json"))


async def _stream(events: Answering, first: AnswerEvent, request_id: str) -> AsyncIterator[bytes]:
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
                answer_schemas.RetrievalFound(
                    coverage=representations.coverage(event.coverage),
                    hits=[representations.hit(passage) for passage in event.passages],
                ),
            )
        case TokenEvent():
            return sse.event("token", {"text": event.text})
        case SentenceEvent():
            return sse.event(
                "sentence",
                answer_schemas.SentenceDelivered(
                    sentence=representations.sentence(event.sentence),
                    citations=[representations.citation(one) for one in event.citations],
                ),
            )
        case DoneEvent():
            return sse.event("done", representations.answer(event.answer))
