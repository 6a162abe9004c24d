"""The JSON of which embedder serves the library, and of a migration to another one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.assembly import Service
from api.embedder_watch import Pace
from api.schemas import Notice, Request
from rag.models.embeddings import PACKAGED_SHA256
from rag.stores import embedders
from rag.stores.embedders import Known, Model, Standing

State = Literal["building", "checking", "going_over", "stopped"]


class Start(Request):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"force": False}]})

    force: Annotated[
        bool, Field(description="Go over even if the new model finds clearly less on the library's own text.")
    ] = False


class EmbedderModel(BaseModel):
    name: str
    sha256: Annotated[str, Field(description="Of its weights.")]
    dimension: int
    packaged: Annotated[bool, Field(description="It came with Footnote's own dependencies.")]


class Migration(BaseModel):
    """`done` of `total` passages have a vector of the new model. `figures` are of the check before it
    serves."""

    to: EmbedderModel
    state: State
    done: int
    total: int
    rate: Annotated[float | None, Field(description="Passages a second.")]
    eta_seconds: float | None
    started_at: datetime | None
    figures: dict[str, Any] | None
    trouble: Annotated[Notice | None, Field(description="Why it is stopped, and what can be done.")]


class EmbedderStatus(BaseModel):
    serving: EmbedderModel | None
    refused: Annotated[
        EmbedderModel | None,
        Field(description="What the settings name, where the library is served from another model."),
    ]
    previous: Annotated[
        EmbedderModel | None, Field(description="Served before; its vectors are kept until `finish`.")
    ]
    migration: Migration | None
    figures: Annotated[
        dict[str, Any] | None, Field(description="What the last check found, of the model that serves now.")
    ]
    notes: list[str]


_NOT_FITTED = (
    "The thresholds for refusing to answer, and the weights of the search, were fitted with the packaged "
    "embedder. With this one they hold roughly at best: run `footnote eval` and set FOOTNOTE_ABSTENTION."
)


def status(service: Service) -> EmbedderStatus:
    with service.database.read() as tx:
        standing = embedders.standing(tx)
        counted = None if standing.target is None else embedders.counts(tx, standing.target.space_id)
    serving, refused = standing.serving, service.refused_embedder
    notes = []
    if serving is not None and serving.model.sha256 != PACKAGED_SHA256:
        notes.append(_NOT_FITTED)
    if refused is not None and standing.target is None:
        notes.append("Run `footnote embedder migrate` to go over to the model that FOOTNOTE_EMBEDDER names.")
    return EmbedderStatus(
        serving=_shown(serving),
        refused=None if refused is None else _model(refused),
        previous=_shown(standing.previous),
        migration=_migration(standing, counted, service.embedder_watch.pace()) if counted else None,
        figures=dict(standing.figures) if standing.figures and standing.target is None else None,
        notes=notes,
    )


def _migration(standing: Standing, counted: tuple[int, int], pace: Pace) -> Migration:
    assert standing.target is not None
    done, total = counted
    now = Pace(done, total, pace.rate)
    trouble = standing.trouble
    return Migration(
        to=_model(standing.target.model),
        state=_state(standing, done, total),
        done=done,
        total=total,
        rate=None if now.rate is None else round(now.rate, 1),
        eta_seconds=None if now.eta_seconds is None else round(now.eta_seconds, 1),
        started_at=None if standing.started_at is None else datetime.fromtimestamp(standing.started_at, UTC),
        figures=None if standing.figures is None else dict(standing.figures),
        trouble=None if trouble is None else Notice(code=trouble.code, detail=trouble.detail),
    )


def _state(standing: Standing, done: int, total: int) -> State:
    if standing.trouble is not None:
        return "stopped"
    if done < total:
        return "building"
    return "checking" if standing.figures is None else "going_over"


def _shown(known: Known | None) -> EmbedderModel | None:
    return None if known is None else _model(known.model)


def _model(model: Model) -> EmbedderModel:
    return EmbedderModel(
        name=model.name, sha256=model.sha256, dimension=model.dimension, packaged=model.folder is None
    )
