"""What may be named as a model: Footnote's ways to answer, its collections, its embedder."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.dependencies import CallerDep, ServiceDep, problems
from api.openai import naming
from api.openai.errors import OpenAIRoute
from api.openai.library_schemas import ModelList, OpenAIModel
from api.openai.schemas import ModelName
from api.rights import Right, needs
from rag.errors import NotFound
from rag.stores import collections

router = APIRouter(prefix="/v1/models", tags=["openai"], route_class=OpenAIRoute)


@router.get("", response_model=ModelList, openapi_extra=needs(Right.READ))
def list_models(service: ServiceDep, caller: CallerDep) -> ModelList:
    """Footnote over everything, in its modes and over each collection; and the embedder."""
    with service.database.read() as tx:
        places = collections.all_of(tx, caller.access)
    return ModelList(
        data=[
            *(_model(name) for name in (*naming.MODES, naming.EMBEDDING)),
            *(_model(f"footnote:{place.name}", place.created_at) for place in places),
        ]
    )


@router.get("/{model}", response_model=OpenAIModel, responses=problems(404), openapi_extra=needs(Right.READ))
def get_model(
    service: ServiceDep, caller: CallerDep, model: Annotated[ModelName, Path(description="Its id.")]
) -> OpenAIModel:
    if model == naming.EMBEDDING:
        return _model(model)
    choice = naming.chosen(model)
    if choice.collection is None:
        return _model(model)
    with service.database.read() as tx:
        try:
            place = collections.get(tx, caller.access, choice.collection)
        except NotFound:
            raise naming.unknown(model) from None
    return _model(model, place.created_at)


def _model(name: str, created: float = 0.0) -> OpenAIModel:
    return OpenAIModel(id=name, created=int(created), owned_by=naming.OWNER)
