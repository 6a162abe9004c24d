"""Which embedder a library is served from, which one is to take its place, and which one it had before.

Questions and documents meet in one embedding space at a time: the one that ``serving`` names. Another
embedder gets a space of its own beside it (``space_building`` fills it), and takes over by the change of one
row, once every searched chunk has a vector there. The former one's vectors stay until somebody says that
they may go, so that going back is the same step in the other direction.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from rag.errors import Conflict
from rag.records import DocumentState
from rag.stores import chunk_store
from rag.stores.database import Tx
from rag.stores.tables import chunks, embedders, embedding_state, index_changes, spaces, vectors, versions

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Model:
    """An embedder as the library remembers it. ``key`` names its space, ``folder`` is None for the packaged
    one, ``sha256`` is of its weights."""

    key: str
    dimension: int
    name: str
    sha256: str
    folder: Path | None = None

    def __str__(self) -> str:
        return f"{self.name} (sha256 {self.sha256[:_SHOWN]})"


@dataclass(frozen=True, slots=True)
class Known:
    """A remembered model and the id of its space."""

    space_id: int
    model: Model


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a migration from going on, until somebody decides."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How the library stands. ``figures`` are of the target's check, None before it; ``started_at`` is when
    the migration began, ``switched_at`` when ``serving`` took over."""

    serving: Known | None
    target: Known | None
    previous: Known | None
    forced: bool
    figures: Mapping[str, Any] | None
    trouble: Trouble | None
    started_at: float | None
    switched_at: float | None


def standing(tx: Tx) -> Standing:
    row = tx.execute(select(embedding_state)).one()
    trouble = Trouble(row.trouble_code, row.trouble_detail) if row.trouble_code else None
    return Standing(
        serving=_known(tx, row.serving_id),
        target=_known(tx, row.target_id),
        previous=_known(tx, row.previous_id),
        forced=bool(row.forced),
        figures=row.figures,
        trouble=trouble,
        started_at=row.started_at,
        switched_at=row.switched_at,
    )


def remember(tx: Tx, model: Model) -> Known:
    """Enter a model, or where it lies now."""
    space_id = chunk_store.open_space(tx, model.key, model.dimension)
    facts = {
        "name": model.name,
        "sha256": model.sha256,
        "folder": None if model.folder is None else str(model.folder),
    }
    if _known(tx, space_id) is None:
        tx.execute(insert(embedders).values(space_id=space_id, added_at=time.time(), **facts))
    else:
        tx.execute(update(embedders).where(embedders.c.space_id == space_id).values(**facts))
    return Known(space_id, model)


def is_empty(tx: Tx) -> bool:
    """Whether no model is needed yet: there are no searched passages, and no migration goes on."""
    row = tx.execute(select(embedding_state)).one()
    return row.target_id is None and tx.scalar(select(chunks.c.id).limit(1)) is None


def serve_from(tx: Tx, model: Model) -> Known:
    """Have the library be served from ``model``, if it is empty or has not said from which it is. Returns the
    one that it is served from."""
    now = standing(tx)
    if now.serving is not None and (now.serving.model.key == model.key or not is_empty(tx)):
        return now.serving
    known = remember(tx, model)
    tx.execute(update(embedding_state).values(serving_id=known.space_id, previous_id=None))
    return known


def link_student(tx: Tx, student_space: int, teacher_space: int) -> None:
    """Say that a space approximates another: of the two together a chunk has one vector."""
    tx.execute(update(spaces).where(spaces.c.id == student_space).values(teacher_id=teacher_space))


def filled(tx: Tx) -> Mapping[str, int]:
    """How many vectors each space has, by its key; spaces without any have 0."""
    rows = tx.execute(
        select(spaces.c.key, func.count(vectors.c.id))
        .outerjoin(vectors, vectors.c.space_id == spaces.c.id)
        .group_by(spaces.c.id)
    )
    return {row[0]: row[1] for row in rows}


def require_serving(tx: Tx, space_id: int) -> None:
    """Raises ``Conflict`` (``embedding_model_changed``) where what is embedded into a space would not be
    searched, or would be mixed with what is: another model serves the library."""
    serving = tx.scalar(select(embedding_state.c.serving_id))
    if serving is not None and space_id not in family(tx, serving):
        raise Conflict(
            "embedding_model_changed",
            "This library is served from another embedding model; use that one, or run "
            "`footnote embedder migrate`.",
        )


def family(tx: Tx, space_id: int) -> set[int]:
    """A space and those that approximate it."""
    return {space_id, *tx.scalars(select(spaces.c.id).where(spaces.c.teacher_id == space_id))}


def begin(tx: Tx, model: Model, *, forced: bool = False) -> None:
    """Have the space of ``model`` built and the library go over to it. Asked for again, ``forced`` and where
    the model lies are taken anew, and what kept it from going on is tried again.

    Raises ``Conflict``: ``embedder_serves_already``, or ``embedder_migration_running`` to a third model.
    """
    now = standing(tx)
    if now.serving is not None and now.serving.model.key == model.key:
        raise Conflict(
            "embedder_serves_already",
            f"The library is served from {now.serving.model} already. To change that, start the service with "
            "FOOTNOTE_EMBEDDER set to the folder of another model.",
        )
    if now.target is not None and now.target.model.key != model.key:
        raise Conflict(
            "embedder_migration_running",
            f"The library is going over to {now.target.model}; run `footnote embedder back` to give that up.",
        )
    values: dict[str, Any] = {"forced": int(forced), "trouble_code": None, "trouble_detail": None}
    if now.target is None:
        values |= {"started_at": time.time(), "figures": None}
    elif now.trouble is not None and not forced:
        values |= {"figures": None}
    tx.execute(update(embedding_state).values(target_id=remember(tx, model).space_id, **values))


def go_back(tx: Tx) -> None:
    """Give up a migration that is going on; or else go over to the model that served before, as soon as what
    came since has its vectors there, whatever the figures say.

    Raises ``Conflict`` (``no_embedder_before``).
    """
    now = standing(tx)
    if now.target is not None:
        tx.execute(
            update(embedding_state).values(
                target_id=None, figures=None, forced=0, trouble_code=None, trouble_detail=None
            )
        )
        return
    if now.previous is None:
        raise Conflict("no_embedder_before", "There is no earlier embedder to go back to, nothing was done.")
    begin(tx, now.previous.model, forced=True)


def finish(tx: Tx) -> None:
    """Let the vectors of the model that served before go; ``space_building.drop_some`` deletes them.

    Raises ``Conflict``: ``no_embedder_before``, ``embedder_migration_running``.
    """
    now = standing(tx)
    if now.target is not None:
        raise Conflict(
            "embedder_migration_running",
            "A migration is going on; wait for it, or run `footnote embedder back` to give it up.",
        )
    if now.previous is None:
        raise Conflict("no_embedder_before", "There is no earlier embedder, nothing was done.")
    tx.execute(update(embedding_state).values(previous_id=None))


def note_figures(tx: Tx, target: int, figures: Mapping[str, Any], trouble: Trouble | None) -> None:
    """Keep what the check of the target found, and what speaks against it."""
    _note(tx, target, {"figures": dict(figures)}, trouble)


def note_trouble(tx: Tx, target: int, trouble: Trouble) -> None:
    _note(tx, target, {}, trouble)


def _note(tx: Tx, target: int, values: Mapping[str, Any], trouble: Trouble | None) -> None:
    told = {} if trouble is None else {"trouble_code": trouble.code, "trouble_detail": trouble.detail}
    tx.execute(update(embedding_state).where(embedding_state.c.target_id == target).values(**values, **told))


def counts(tx: Tx, space_id: int) -> tuple[int, int]:
    """How many searched chunks have a vector in a space, and how many there are."""
    done = tx.scalar(select(func.count()).select_from(vectors).where(vectors.c.space_id == space_id)) or 0
    return done, tx.scalar(select(func.count()).select_from(chunks)) or 0


def switch(tx: Tx, target: int) -> bool:
    """Serve from the target from this transaction on. False, and nothing is changed, unless it still is the
    target, every searched chunk has a vector there, and its check found nothing against it.

    What still had a student's vector of the former model needs no better one of it any more.
    """
    row = tx.execute(select(embedding_state)).one()
    done, total = counts(tx, target)
    if row.target_id != target or row.trouble_code is not None or row.figures is None or done != total:
        return False
    _forget_students(tx, row.serving_id)
    tx.execute(
        update(embedding_state).values(
            serving_id=target,
            previous_id=row.serving_id,
            target_id=None,
            forced=0,
            switched_at=time.time(),
        )
    )
    return True


def _forget_students(tx: Tx, serving: int | None) -> None:
    waiting = (versions.c.state == DocumentState.READY) & versions.c.first_chunk.is_not(None)
    ranges = tx.execute(select(versions.c.first_chunk, versions.c.last_chunk).where(waiting)).all()
    students = select(spaces.c.id).where(spaces.c.teacher_id == serving)
    for student in tx.scalars(students).all() if serving is not None else []:
        for first, last in ranges:
            chunk_store.remove_vectors(tx, student, range(first, last + 1))
    tx.execute(
        update(versions)
        .where(waiting)
        .values(
            state=DocumentState.REFINED,
            refined_at=time.time(),
            refined_chunks=versions.c.last_chunk - versions.c.first_chunk + 1,
        )
    )


def unused(tx: Tx) -> list[int]:
    """The spaces of models that the library neither is, was nor is to be served from, students first."""
    row = tx.execute(select(embedding_state)).one()
    used = [one for one in (row.serving_id, row.target_id, row.previous_id) if one is not None]
    if row.serving_id is None:
        return []
    gone = tx.scalars(select(embedders.c.space_id).where(embedders.c.space_id.not_in(used))).all()
    students = tx.scalars(select(spaces.c.id).where(spaces.c.teacher_id.in_(gone))).all()
    return [*students, *gone]


def forget_space(tx: Tx, space_id: int) -> str:
    """Delete what is known of a space whose vectors are gone; returns its key."""
    key = tx.scalar(select(spaces.c.key).where(spaces.c.id == space_id))
    tx.execute(delete(index_changes).where(index_changes.c.space_id == space_id))
    tx.execute(delete(embedders).where(embedders.c.space_id == space_id))
    tx.execute(delete(spaces).where(spaces.c.id == space_id))
    return str(key)


def served(tx: Tx) -> set[int] | None:
    """The ids of the spaces that are searched; None while no model has served the library."""
    serving = tx.scalar(select(embedding_state.c.serving_id))
    return None if serving is None else family(tx, serving)


def _known(tx: Tx, space_id: int | None) -> Known | None:
    if space_id is None:
        return None
    row: Row[Any] | None = tx.execute(
        select(embedders, spaces.c.key, spaces.c.dimension)
        .join(spaces, spaces.c.id == embedders.c.space_id)
        .where(embedders.c.space_id == space_id)
    ).first()
    if row is None:
        return None
    folder = None if row.folder is None else Path(row.folder)
    return Known(row.space_id, Model(row.key, row.dimension, row.name, row.sha256, folder))
