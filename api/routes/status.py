"""The service as its settings page shows it."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter

from api import status
from api.answer_schemas import Model
from api.assembly import Service
from api.dependencies import CallerDep, ServiceDep, problems
from api.rights import Need, Right, needs
from rag.records import ModelIdentity

router = APIRouter(prefix="/v1/status", tags=["system"])

_FIGURES = Need(Right.READ, operator=True)
"""What ``/metrics`` needs: sums over all tenants are nobody else's."""


@router.get("", response_model=status.Status, responses=problems(), openapi_extra=needs(Right.READ))
def show_status(service: ServiceDep, caller: CallerDep) -> status.Status:
    """Who asks, which models work, how fast they are and how much there is."""
    models = service.models()
    embedder = models.get("embedder")
    figures = status.Figures(service.metrics.families()) if caller.may(_FIGURES) else None
    return status.Status(
        software=version("footnote"),
        caller=status.CallerStatus(
            key=caller.key, right=caller.right, restricted=caller.access.collections is not None
        ),
        generator=_generator(service, models.get("generator")),
        embedder=None if embedder is None else Model(name=embedder.name, sha256=embedder.sha256),
        max_upload_bytes=service.settings.max_upload_bytes,
        answers_kept_days=service.settings.answers_kept_days,
        speeds=None if figures is None else status.speeds(figures),
        sizes=None if figures is None else status.sizes(figures),
    )


def _generator(service: Service, model: ModelIdentity | None) -> status.LanguageModel | None:
    if model is None:
        return None
    return status.LanguageModel(
        name=model.name,
        sha256=model.sha256,
        context_tokens=service.settings.context_tokens,
        drafting=service.drafting.current,
    )
