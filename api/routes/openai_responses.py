"""OpenAI's responses: the same answers as ``POST /v1/ask``, in their form. A response is a receipt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi import Response as HttpResponse
from starlette.concurrency import run_in_threadpool

from api.assembly import Service
from api.dependencies import CallerDep, ServiceDep, problems
from api.openai import asking, counting, messages, naming, responses
from api.openai.errors import OpenAIRoute
from api.openai.response_schemas import Response, ResponseDeleted, ResponseRequest
from api.openai.response_schemas import ResponseId as Id
from api.rights import Right, needs
from api.routes.openai_answering import respond
from api.scoping import check_length
from rag.errors import NotFound
from rag.generation import receipts
from rag.generation.survey import MOST_CITATIONS
from rag.retrieval.follow_up import Exchange
from rag.stores import answers
from rag.stores.access import Access
from rag.stores.receipt import Receipt

router = APIRouter(prefix="/v1/responses", tags=["openai"], route_class=OpenAIRoute)

ResponseId = Annotated[Id, Path(description="A response's id, `resp_…`.")]


@router.post(
    "",
    response_model=Response,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "The response; with `stream: true` its events, from `response.created` on.",
        },
        **problems(400, 404, 410, 413, 429, 503),
    },
    openapi_extra=needs(Right.READ),
)
async def create_response(
    request: Request, service: ServiceDep, caller: CallerDep, wanted: ResponseRequest
) -> HttpResponse:
    """Answer the input from the documents. `file_search` says which; without it all are looked at."""
    wishes = responses.wishes(wanted)
    asked = messages.asked(responses.spoken(wanted), "input")
    check_length(asked.question, service.settings.max_question_chars)
    question = asking.question(asked, wishes, caller.access, service.settings.max_citations, MOST_CITATIONS)
    if wanted.previous_response_id is not None:
        previous = naming.answer_id(wanted.previous_response_id)
        before = await run_in_threadpool(_before, service, caller.access, previous)
        question = replace(
            question,
            history=(*(_exchange(one) for one in before), *question.history)[-messages.REMEMBERED :],
            conversation=question.conversation or _conversation(before),
        )
    delivery = wishes.delivery(counting.counter(lambda: service.embedder.folder))
    writer = responses.ResponseWriter(
        wanted, asked, question, delivery, str(request.base_url), int(time.time())
    )
    return await respond(request, service, question, writer, stream=bool(wanted.stream))


@router.get(
    "/{response_id}", response_model=Response, responses=problems(404, 410), openapi_extra=needs(Right.READ)
)
def get_response(
    request: Request, service: ServiceDep, caller: CallerDep, response_id: ResponseId
) -> Response:
    """A response that was given, its quotations read back."""
    service.receipts.settle()
    with service.database.read() as tx:
        shown = receipts.show(tx, answers.get(tx, caller.access, naming.answer_id(response_id)))
    return responses.of_receipt(shown.answer, shown.receipt.created_at, str(request.base_url))


@router.delete(
    "/{response_id}",
    response_model=ResponseDeleted,
    responses=problems(404, 410),
    openapi_extra=needs(Right.WRITE),
)
def delete_response(service: ServiceDep, caller: CallerDep, response_id: ResponseId) -> ResponseDeleted:
    """Delete the receipt of a response for good."""
    service.receipts.settle()
    with service.database.write() as tx:
        answers.remove(tx, caller.access, naming.answer_id(response_id))
    return ResponseDeleted(id=response_id)


def _before(service: Service, access: Access, answer_id: str) -> Sequence[Receipt]:
    """A receipt and those it continues, oldest first.

    What continues a response is kept in a conversation that is called after the first one, so that a
    response nobody continues makes none.
    """
    service.receipts.settle()
    with service.database.read() as tx:
        last = answers.get(tx, access, answer_id)
        if last.conversation is None:
            return [last]
        kept, _ = answers.page_of(tx, access, limit=200, conversation=last.conversation)
        earlier = [one for one in kept if one.created_at < last.created_at][: messages.REMEMBERED - 1]
        if len(earlier) < messages.REMEMBERED - 1 and last.conversation.startswith("resp_"):
            first = naming.answer_id(last.conversation)
            with suppress(NotFound):  # deleted, or not an answer's name after all
                earlier.append(answers.get(tx, access, first))
    return [*reversed(earlier), last]


def _exchange(receipt: Receipt) -> Exchange:
    return Exchange(receipt.understood, receipt.answer)


def _conversation(before: Sequence[Receipt]) -> str:
    last = before[-1]
    return last.conversation or naming.response_id(last.id)
