"""OpenAI's chat completions: the same answers as ``POST /v1/ask``, in their form."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response

from api.dependencies import CallerDep, ServiceDep, problems
from api.openai import asking, chat, counting, messages
from api.openai.chat_schemas import ChatCompletion, ChatRequest
from api.openai.errors import OpenAIRoute
from api.rights import Right, needs
from api.routes.openai_answering import respond
from api.scoping import check_length
from rag.generation.survey import MOST_CITATIONS

router = APIRouter(prefix="/v1/chat/completions", tags=["openai"], route_class=OpenAIRoute)


@router.post(
    "",
    response_model=ChatCompletion,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "The completion; with `stream: true` chunks, the last of them `[DONE]`.",
        },
        **problems(400, 404, 413, 429, 503),
    },
    openapi_extra=needs(Right.READ),
)
async def create_chat_completion(
    request: Request, service: ServiceDep, caller: CallerDep, wanted: ChatRequest
) -> Response:
    """Answer the last message from the documents. Content is streamed sentence by sentence, once checked."""
    wishes = chat.wishes(wanted)
    asked = messages.asked(wanted.messages)
    check_length(asked.question, service.settings.max_question_chars)
    question = asking.question(asked, wishes, caller.access, service.settings.max_citations, MOST_CITATIONS)
    delivery = wishes.delivery(counting.counter(lambda: service.embedder.folder))
    writer = chat.ChatWriter(wanted, asked, question, delivery, str(request.base_url), int(time.time()))
    return await respond(request, service, question, writer, stream=wanted.stream)
