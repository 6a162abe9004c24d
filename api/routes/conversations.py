"""Conversations: names under which questions may follow up each other."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import StringConstraints

from api import conversation_schemas, representations
from api.dependencies import CallerDep, Cursor, Limit, ServiceDep
from api.dependencies import problems as problem_responses
from api.rights import Right, needs
from api.schemas import CONVERSATION_PATTERN, MAX_CONVERSATION
from rag.stores import conversations

router = APIRouter(prefix="/v1/conversations", tags=["ask"])

Name = Annotated[str, Path(min_length=1, max_length=MAX_CONVERSATION, pattern=CONVERSATION_PATTERN)]


@router.get(
    "",
    response_model=conversation_schemas.ConversationList,
    responses=problem_responses(),
    openapi_extra=needs(Right.READ),
)
def list_conversations(
    service: ServiceDep,
    caller: CallerDep,
    contains: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)] | None,
        Query(description="Only those with this in a question or an answer."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> conversation_schemas.ConversationList:
    """Conversations, the one asked in last first."""
    service.receipts.settle()
    with service.database.read() as tx:
        found, following = conversations.page_of(
            tx,
            caller.access.owner,
            limit=limit,
            after=None if cursor is None else int(cursor),
            containing=contains,
        )
    return conversation_schemas.ConversationList(
        data=[representations.conversation(one) for one in found],
        next_cursor=None if following is None else str(following),
    )


@router.get(
    "/{conversation}",
    response_model=conversation_schemas.TurnList,
    responses=problem_responses(404),
    openapi_extra=needs(Right.READ),
)
def get_conversation(
    service: ServiceDep, caller: CallerDep, conversation: Name
) -> conversation_schemas.TurnList:
    """What was asked and answered under this name, oldest first: the last 50 turns."""
    service.receipts.settle()
    with service.database.read() as tx:
        found = conversations.turns_of(tx, caller.access.owner, conversation)
    return conversation_schemas.TurnList(data=[representations.turn(one) for one in found], next_cursor=None)


@router.delete(
    "/{conversation}", status_code=204, responses=problem_responses(404), openapi_extra=needs(Right.WRITE)
)
def delete_conversation(
    service: ServiceDep,
    caller: CallerDep,
    conversation: Name,
    answers: Annotated[
        bool, Query(description="Delete its answers for good as well; otherwise their receipts stay.")
    ] = False,
) -> Response:
    """Forget what was asked and answered under this name; the next question begins anew."""
    service.receipts.settle()
    forget = conversations.delete_with_answers if answers else conversations.delete
    with service.database.write() as tx:
        forget(tx, caller.access.owner, conversation)
    return Response(status_code=204)
