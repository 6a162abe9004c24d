"""Answers that were given: shown again, listed, asked once more, deleted."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool

from api import receipt_schemas, representations, schemas, strict_json
from api.answering import CLIENT_GONE, Answering, gone, whole
from api.assembly import Service
from api.dependencies import AnswerId, CallerDep, Cursor, Limit, ServiceDep
from api.dependencies import problems as problem_responses
from api.rights import Right, needs
from rag.errors import Conflict
from rag.generation import receipts
from rag.generation.receipts import Shown
from rag.generation.replay import compare, request_again
from rag.stores import answers
from rag.stores.access import Access
from rag.stores.receipt import Receipt

router = APIRouter(prefix="/v1/answers", tags=["answers"], route_class=strict_json.StrictRoute)


@router.get(
    "",
    response_model=receipt_schemas.AnswerList,
    responses=problem_responses(),
    openapi_extra=needs(Right.READ),
)
def list_answers(
    service: ServiceDep,
    caller: CallerDep,
    conversation: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=64)] | None,
        Query(description="Only those of this conversation."),
    ] = None,
    document: Annotated[
        schemas.Identifier | None,
        Query(description="Only those that cite this document, which may be deleted."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> receipt_schemas.AnswerList:
    """Answers, newest first."""
    service.receipts.settle()
    with service.database.read() as tx:
        found, following = answers.page_of(
            tx,
            caller.access,
            limit=limit,
            after=None if cursor is None else int(cursor),
            conversation=conversation,
            document=document,
        )
        sources = answers.sources(tx, found)
    return receipt_schemas.AnswerList(
        data=[representations.listed_answer(one, sources) for one in found],
        next_cursor=None if following is None else str(following),
    )


@router.get(
    "/{answer_id}",
    response_model=receipt_schemas.Receipt,
    responses=problem_responses(404, 410),
    openapi_extra=needs(Right.READ),
)
def get_answer(service: ServiceDep, caller: CallerDep, answer_id: AnswerId) -> receipt_schemas.Receipt:
    """An answer as it was given, its quotations read back, with what made it and how fresh it is."""
    return representations.receipt(_shown(service, caller.access, answer_id))


@router.post(
    "/{answer_id}/replay",
    response_model=receipt_schemas.Replay,
    responses=problem_responses(404, 409, 410, 429, 503, 507),
    openapi_extra=needs(Right.READ),
)
async def replay_answer(
    request: Request, service: ServiceDep, caller: CallerDep, answer_id: AnswerId
) -> Response:
    """Ask the same question again over what is there today, and tell what has changed."""
    if service.settings.answers_kept_days == 0:
        raise Conflict(
            "answers_not_kept",
            "Answers are not kept here, so there is nothing to compare; set FOOTNOTE_ANSWERS_KEPT_DAYS.",
        )
    original = await run_in_threadpool(_receipt, service, caller.access, answer_id)
    events = Answering(service, request_again(original, caller.access), request)
    leaving = asyncio.create_task(gone(request))
    try:
        given = await whole(leaving, events)
    finally:
        leaving.cancel()
        await events.aclose()
    if given is None:
        return Response(status_code=CLIENT_GONE)
    compared = await run_in_threadpool(_compared, service, caller.access, original.id, given.id)
    return JSONResponse(compared.model_dump(mode="json"))


@router.delete(
    "/{answer_id}", status_code=204, responses=problem_responses(404, 410), openapi_extra=needs(Right.WRITE)
)
def delete_answer(service: ServiceDep, caller: CallerDep, answer_id: AnswerId) -> Response:
    """Delete an answer for good, and with it its turn of a conversation."""
    service.receipts.settle()
    with service.database.write() as tx:
        answers.remove(tx, caller.access, answer_id)
    return Response(status_code=204)


def _receipt(service: Service, access: Access, answer_id: str) -> Receipt:
    service.receipts.settle()
    with service.database.read() as tx:
        return answers.get(tx, access, answer_id)


def _shown(service: Service, access: Access, answer_id: str) -> Shown:
    service.receipts.settle()
    with service.database.read() as tx:
        return receipts.show(tx, answers.get(tx, access, answer_id))


def _compared(service: Service, access: Access, original_id: str, replay_id: str) -> receipt_schemas.Replay:
    """Both as they are now: a document may have been deleted while the question was answered."""
    service.receipts.settle()
    with service.database.read() as tx:
        before, after = (receipts.show(tx, answers.get(tx, access, one)) for one in (original_id, replay_id))
    return representations.replay(before, after, compare(before, after))
