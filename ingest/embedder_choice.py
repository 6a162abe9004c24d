"""Which embedder serves a library: the one its vectors are of, whatever the settings name.

Questions embedded by one model and documents by another find nothing, and nothing would say so. A library
therefore remembers its model. Where the settings name another one, the library is served from its own as
long as that can be found, and goes over to the other when somebody asks for it (``ingest.migrator``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.errors import Conflict, Unavailable
from rag.models.embedder import Embedder
from rag.models.embeddings import embeddings_at
from rag.stores import embedders
from rag.stores.database import Database, Tx
from rag.stores.embedders import Model

MIGRATE = "run `footnote embedder migrate`"


@dataclass(frozen=True, slots=True)
class Choice:
    """``folder`` is where the serving model lies, None for the packaged one. ``refused`` is the model that
    the settings name, where it is another one."""

    folder: Path | None
    model: Model
    refused: Model | None = None

    @property
    def notice(self) -> str | None:
        """What to tell people where the settings name another model."""
        if self.refused is None:
            return None
        return (
            f"embedding_model_changed: served from {self.model}, as its documents are; FOOTNOTE_EMBEDDER "
            f"names {self.refused}. To go over to that one {MIGRATE}, or set FOOTNOTE_EMBEDDER back"
        )


def choose(database: Database, configured: Path | None) -> Choice:
    """The embedder to serve the library from. A library without passages takes the configured one.

    Raises:
        Conflict: ``embedding_model_changed``, the library's own model is nowhere to be found.
        Unavailable: ``model_missing`` or ``model_unusable``, a new library's model cannot be used.
    """
    with database.read() as tx:
        serving, empty = embedders.standing(tx).serving, embedders.is_empty(tx)
    if serving is None or empty:
        with database.write() as tx:
            serving = embedders.serve_from(tx, _first_model(tx, configured))
    for folder in dict.fromkeys([serving.model.folder, configured, None]):
        if is_at(serving.model, folder):
            return Choice(folder, serving.model, refused_model(configured, serving.model))
    place = serving.model.folder or "with Footnote's own dependencies"
    raise Conflict(
        "embedding_model_changed",
        f"This library is served from the embedding model {serving.model}, which is not {place} any more. "
        f"Put it back there, or {MIGRATE} to go over to the one the service was started with.",
    )


def configured_model(configured: Path | None) -> Model:
    """What the settings name, as the library would remember it. Raises as ``choose`` does."""
    return described(embeddings_at(configured), configured)


def described(embedder: Embedder, folder: Path | None) -> Model:
    return Model(
        key=embedder.space_id,
        dimension=embedder.dimension,
        name=embedder.identity.name,
        sha256=embedder.identity.sha256,
        folder=None if folder is None else folder.absolute(),
    )


def _first_model(tx: Tx, configured: Path | None) -> Model:
    """Of a library that has not said whose it is: the model that most of its vectors are of."""
    known = embedders.filled(tx)
    if not any(known.values()):
        return configured_model(configured)
    found = [model for model in _available(configured) if model.key in known]
    if not found:
        raise Conflict(
            "embedding_model_changed",
            "This library was made with an embedding model that is not here. Set FOOTNOTE_EMBEDDER to its "
            f"folder, or {MIGRATE} to go over to the one the service was started with.",
        )
    return max(found, key=lambda model: known[model.key])


def _available(configured: Path | None) -> Iterator[Model]:
    for folder in dict.fromkeys([configured, None]):
        try:
            yield configured_model(folder)
        except Unavailable:  # it may not be the one that is needed
            continue


def refused_model(configured: Path | None, serving: Model) -> Model | None:
    """The model that the settings name, where it is not the one that serves the library."""
    if configured is None:  # nothing was asked for
        return None
    try:
        named = configured_model(configured)
    except Unavailable:
        return Model("", 0, configured.name, "unknown: it cannot be read", configured)
    return None if named.key == serving.key else named


def is_at(model: Model, folder: Path | None) -> bool:
    """Whether a model lies in a folder; None is where the packaged one is."""
    try:
        return embeddings_at(folder).space_id == model.key
    except Unavailable:
        return False
