"""Search: the passages themselves, with how they were ranked."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from api import answer_schemas, representations, schemas, strict_json
from api.admission import key_of
from api.answering import CLIENT_GONE
from api.assembly import Service
from api.dependencies import CallerDep, ServiceDep, problems
from api.rights import Right, needs
from api.scoping import check_length, scope_of
from rag.retrieval.hybrid import SearchMode
from rag.stores.access import Access

router = APIRouter(prefix="/v1/search", tags=["search"], route_class=strict_json.StrictRoute)


@router.post(
    "",
    response_model=answer_schemas.SearchAnswer,
    responses=problems(400, 404, 413, 429, 503),
    openapi_extra=needs(Right.READ),
)
async def search(
    http: Request, service: ServiceDep, caller: CallerDep, request: schemas.SearchRequest
) -> Any:
    """The best passages for a query, best first. `text` is verbatim from the document."""
    check_length(request.query, service.settings.max_question_chars)
    searches = service.load.searches
    with await searches.enter(key_of(http.scope)):
        if await http.is_disconnected():  # it left while it waited
            return Response(status_code=CLIENT_GONE)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(searches.executor, _search, service, caller.access, request)


def _search(service: Service, access: Access, request: schemas.SearchRequest) -> answer_schemas.SearchAnswer:
    scope = scope_of(request, access)
    result = service.retriever.search(request.query, scope, request.k, SearchMode(request.mode))
    service.metrics.observe_stages(result.timings)
    return answer_schemas.SearchAnswer(
        hits=[representations.hit(passage) for passage in result.passages],
        coverage=representations.coverage(result.coverage),
        timings=representations.timings(result.timings),
    )
