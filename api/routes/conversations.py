"""Conversations: names under which questions may follow up each other."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.dependencies import ServiceDep
from api.dependencies import problems as problem_responses
from api.schemas import CONVERSATION_PATTERN, MAX_CONVERSATION
from rag.stores import conversations

router = APIRouter(prefix="/v1/conversations", tags=["ask"])

Name = Annotated[str, Path(min_length=1, max_length=MAX_CONVERSATION, pattern=CONVERSATION_PATTERN)]


@router.delete("/{conversation}", status_code=204, responses=problem_responses(404))
def delete_conversation(service: ServiceDep, conversation: Name) -> Response:
    """Forget what was asked and answered under this name; the next question begins anew.

    Receipts of its answers stay until they are deleted themselves.
    """
    service.receipts.settle()
    with service.database.write() as tx:
        conversations.delete(tx, conversation)
    return Response(status_code=204)
