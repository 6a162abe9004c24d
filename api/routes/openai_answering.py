"""How both of OpenAI's ways to ask are answered: a place, an answer for as long as its client is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import structlog
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api import problems, sse
from api.answering import CLIENT_GONE, Answering, gone, unless
from api.assembly import Service
from rag.errors import FootnoteError
from rag.generation.asking import AnswerEvent, AskRequest, DoneEvent

_log = structlog.get_logger(__name__)


class Writer(Protocol):
    """Makes an answer's events what a client expects."""

    def opening(self) -> Iterator[bytes]:
        """What a stream begins with."""

    def written(self, event: AnswerEvent) -> Iterator[bytes]:
        """What follows from an event, in a stream."""

    def heard(self, event: AnswerEvent) -> None:
        """Take note of an event before the last, where nothing is streamed."""

    def whole(self, event: DoneEvent) -> BaseModel:
        """The answer in one piece, when the events before were ``heard``."""


async def respond(
    request: Request, service: Service, question: AskRequest, writer: Writer, *, stream: bool
) -> Response:
    """The answer; what is wrong before it has begun is raised, afterwards it is an event."""
    events = Answering(service, question, request)
    leaving = asyncio.create_task(gone(request))
    streaming = False
    try:
        event = await unless(leaving, events)
        if stream and event is not None:
            streaming = True  # from here on the response watches the connection and closes the events
            sent = _stream(events, event, writer, problems.request_id_of(request))
            return sse.response(sent, sse.COMMENT)
        while event is not None and not isinstance(event, DoneEvent):
            writer.heard(event)
            event = await unless(leaving, events)
        if event is None:
            return Response(status_code=CLIENT_GONE)
        return JSONResponse(writer.whole(event).model_dump(mode="json"))
    finally:
        leaving.cancel()
        if not streaming:
            await events.aclose()


async def _stream(
    events: Answering, first: AnswerEvent, writer: Writer, request_id: str
) -> AsyncIterator[bytes]:
    try:
        for sent in (*writer.opening(), *writer.written(first)):
            yield sent
        async for event in events:
            for sent in writer.written(event):
                yield sent
    except FootnoteError as error:
        yield _failure(problems.document(problems.status_of(error), error.code, error.detail, request_id))
    except Exception:
        _log.exception("internal_error", request_id=request_id)
        yield _failure(problems.unexpected_document(request_id))
    finally:
        await events.aclose()


def _failure(problem: dict[str, Any]) -> bytes:
    return sse.event("error", problem)  # put into OpenAI's words by ``OpenAIErrors``
