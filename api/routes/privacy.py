"""Privacy: what may be connected to, and what was refused."""

from __future__ import annotations

from fastapi import APIRouter

from api import privacy
from api.dependencies import ServiceDep, problems
from api.rights import Right, needs
from ingest.sandbox import probe
from rag.observability import process
from rag.privacy import is_tracing_enabled

router = APIRouter(prefix="/v1/privacy", tags=["system"])


@router.get("", response_model=privacy.Privacy, responses=problems(), openapi_extra=needs(Right.READ))
def show_privacy(service: ServiceDep) -> privacy.Privacy:
    """What the service may connect to and why, and what each of its processes was refused since the start."""
    guard = process.guard()
    return privacy.report(
        allowed=None if guard is None else guard.allowed,
        refused=service.refused_connections(),
        langchain_tracing=is_tracing_enabled(),
        parser_without_network=_parser_without_network(),
        generator_process=service.settings.generator_url is None,
    )


def _parser_without_network() -> bool:
    """Either a network of its own without a way out, or no system call that could make a socket."""
    measures = probe.describe()
    return measures["own_network"] or measures["calls_filtered"]
