"""Whether the service lives and works, its figures and its documentation."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from api import problems, reference_page, schemas
from api.dependencies import ServiceDep
from api.dependencies import problems as problem_responses
from api.metrics import CONTENT_TYPE
from api.rights import Right, needs

router = APIRouter(tags=["system"])


@router.get("/livez", response_model=dict[str, bool], openapi_extra=needs(Right.PUBLIC))
async def livez() -> dict[str, bool]:
    """The process answers. Says nothing about models or disk."""
    return {"live": True}


@router.get(
    "/readyz",
    response_model=schemas.Readiness,
    responses=problem_responses(503),
    openapi_extra=needs(Right.PUBLIC),
)
async def readyz(request: Request, service: ServiceDep) -> Response:
    """Ready after a real embedding and a real generated token; until then 503 with the phase of each part."""
    parts = {name: asdict(status) for name, status in service.parts().items()}
    if service.life.ending:
        return problems.response(
            503,
            "shutting_down",
            "The service is shutting down and takes nothing new; start it again.",
            problems.request_id_of(request),
            ready=False,
            parts=parts,
        )
    if all(part["state"] == "ready" for part in parts.values()):
        return JSONResponse({"ready": True, "parts": parts})
    waiting = ", ".join(
        f"{name}: {part['phase']}" for name, part in parts.items() if part["state"] != "ready"
    )
    return problems.response(
        503,
        "not_ready",
        f"Not everything is ready ({waiting}); try again in a moment.",
        problems.request_id_of(request),
        ready=False,
        parts=parts,
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Figures"}},
    openapi_extra=needs(Right.READ, operator=True),
)
def metrics(service: ServiceDep) -> Response:
    """Counters and histograms for Prometheus."""
    return Response(service.metrics.render(), media_type=CONTENT_TYPE)


@router.get("/openapi.json", include_in_schema=False, openapi_extra=needs(Right.PUBLIC))
def openapi_document(request: Request) -> Response:
    """Everything that can be asked, for programs; made once, since anybody may ask for it."""
    return Response(request.app.state.openapi_document(), media_type="application/json")


@router.get("/docs", include_in_schema=False, openapi_extra=needs(Right.PUBLIC))
def docs(request: Request) -> HTMLResponse:
    """The reference, made from the OpenAPI document, once: no script, nothing from elsewhere."""
    page = request.app.state.reference_page()
    return HTMLResponse(page, headers={"Content-Security-Policy": reference_page.POLICY})
