"""Search: the passages themselves, with how they were ranked."""

from __future__ import annotations

from fastapi import APIRouter

from api import representations, schemas, strict_json
from api.dependencies import ServiceDep, problems
from api.scoping import check_length, scope_of
from rag.retrieval.hybrid import SearchMode

router = APIRouter(prefix="/v1/search", tags=["search"], route_class=strict_json.StrictRoute)


@router.post("", response_model=schemas.SearchAnswer, responses=problems(400, 404, 413, 503))
def search(service: ServiceDep, request: schemas.SearchRequest) -> schemas.SearchAnswer:
    """The best passages for a query, best first. `text` is verbatim from the document."""
    check_length(request.query, service.settings.max_question_chars)
    result = service.retriever.search(request.query, scope_of(request), request.k, SearchMode(request.mode))
    service.metrics.observe_stages(result.timings)
    return schemas.SearchAnswer(
        hits=[representations.hit(passage) for passage in result.passages],
        coverage=representations.coverage(result.coverage),
        timings=representations.timings(result.timings),
    )
