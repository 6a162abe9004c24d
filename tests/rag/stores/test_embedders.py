from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from rag.errors import Conflict
from rag.records import DocumentState
from rag.stores import chunk_store, consistency, embedders, refinement, space_building
from rag.stores.embedders import Model, Trouble
from rag.stores.tables import embedding_state, index_changes, spaces, vectors
from tests.rag.stores.library import DIMENSION, SPACE, Library, unit_vectors

OLD = Model(SPACE, DIMENSION, "old", "aa" * 32)
NEW = Model("new-space", 4, "new", "bb" * 32, Path("/models/new"))
THIRD = Model("third-space", 4, "third", "cc" * 32, Path("/models/third"))
FIGURES = {"questions": 3}


def _served_from_old(library: Library) -> None:
    with library.database.write() as tx:
        embedders.serve_from(tx, OLD)


def _fill(library: Library, limit: int = 100) -> int:
    """What a migrator does with one window."""
    with library.database.write() as tx:
        target = embedders.standing(tx).target
        assert target is not None
        window = space_building.next_missing(tx, target.space_id, 0, limit)
        ids = [chunk_id for chunk_id, _, _ in window]
        return space_building.fill(tx, target.space_id, ids, unit_vectors(len(ids), 9, 4)) if ids else 0


def _switch(library: Library) -> bool:
    with library.database.write() as tx:
        target = embedders.standing(tx).target
        assert target is not None
        return embedders.switch(tx, target.space_id)


def _checked(library: Library, trouble: Trouble | None = None) -> None:
    with library.database.write() as tx:
        target = embedders.standing(tx).target
        assert target is not None
        embedders.note_figures(tx, target.space_id, FIGURES, trouble)


def _go_over(library: Library, model: Model = NEW) -> None:
    with library.database.write() as tx:
        embedders.begin(tx, model)
    _fill(library)
    _checked(library)
    assert _switch(library)


def _count(library: Library, space_id: int) -> int:
    with library.database.read() as tx:
        return tx.scalar(select(func.count()).where(vectors.c.space_id == space_id)) or 0


def _findings(library: Library) -> list[str]:
    report = consistency.check(library.database, library.blobs, library.database.path.with_name("none"))
    return [finding.code for finding in report.findings]


def test_a_new_library_says_nothing_and_then_what_it_is_told(library: Library) -> None:
    with library.database.read() as tx:
        assert embedders.standing(tx).serving is None
        embedders.require_serving(tx, library.space_id)
    _served_from_old(library)
    with library.database.write() as tx:
        assert embedders.serve_from(tx, NEW).model == NEW, "an empty library is anybody's"
        assert embedders.serve_from(tx, OLD).model == OLD
    library.add(["one"])
    with library.database.write() as tx:
        assert embedders.serve_from(tx, NEW).model == OLD
        assert embedders.standing(tx).serving == embedders.Known(library.space_id, OLD)


def test_what_is_embedded_by_another_model_is_not_let_in(library: Library) -> None:
    _served_from_old(library)
    library.add(["one"])
    with library.database.write() as tx:
        foreign = chunk_store.open_space(tx, NEW.key, NEW.dimension)
        student = chunk_store.open_space(tx, "student", 3)
        embedders.link_student(tx, student, library.space_id)
        embedders.require_serving(tx, library.space_id)
        embedders.require_serving(tx, student)
        with pytest.raises(Conflict) as caught:
            embedders.require_serving(tx, foreign)
    assert caught.value.code == "embedding_model_changed"


def test_it_goes_over_when_every_passage_is_there_and_not_before(library: Library) -> None:
    _served_from_old(library)
    library.add(["one", "two", "three"])
    gone = library.add(["four", "five"])
    with library.database.write() as tx:
        embedders.begin(tx, NEW)
    assert _fill(library, 2) == 2
    _checked(library)
    assert not _switch(library), "three are missing"
    library.remove(gone)
    late = library.add(["six"])
    assert _fill(library) == 2
    with library.database.read() as tx:
        target = embedders.standing(tx).target
        assert target is not None
        assert embedders.counts(tx, target.space_id) == (4, 4)
    assert _findings(library) == [], "two models, a vector each"
    assert _switch(library)
    with library.database.read() as tx:
        now = embedders.standing(tx)
    assert (now.serving, now.target, now.previous) == (target, None, embedders.Known(library.space_id, OLD))
    assert library.document(late.public_id).newest.state is DocumentState.REFINED
    assert _findings(library) == []
    assert _count(library, library.space_id) == 4, "kept for going back"


def test_a_check_that_speaks_against_it_holds_it_until_it_is_forced(library: Library) -> None:
    _served_from_old(library)
    library.add(["one"])
    with library.database.write() as tx:
        embedders.begin(tx, NEW)
    _fill(library)
    assert not _switch(library), "not checked yet"
    _checked(library, Trouble("embedder_worse", "It is worse."))
    assert not _switch(library)
    with library.database.write() as tx:
        embedders.begin(tx, NEW, forced=True)
        assert embedders.standing(tx).figures == FIGURES, "there is no need to check again"
    assert _switch(library)


def test_asked_for_again_without_force_it_is_checked_again(library: Library) -> None:
    _served_from_old(library)
    library.add(["one"])
    with library.database.write() as tx:
        embedders.begin(tx, NEW)
    _fill(library)
    _checked(library, Trouble("embedder_worse", "It is worse."))
    with library.database.write() as tx:
        embedders.begin(tx, NEW)
        now = embedders.standing(tx)
    assert (now.trouble, now.figures) == (None, None)


def test_vectors_of_the_former_student_go_with_the_change(library: Library) -> None:
    _served_from_old(library)
    with library.database.write() as tx:
        embedders.link_student(tx, library.space_id, embedders.remember(tx, THIRD).space_id)
        tx.execute(delete(embedding_state))
        tx.execute(embedding_state.insert().values(id=1, forced=0, serving_id=2))
    waiting = library.add(["one", "two"])  # by the student; the refiner never came
    _go_over(library)
    assert _count(library, library.space_id) == 0
    version = library.document(waiting.public_id).newest
    assert (version.state, version.refined_chunks) == (DocumentState.REFINED, 2)
    assert _findings(library) == []
    with library.database.read() as tx:
        assert refinement.next_unrefined(tx, 10) is None


def test_back_again_only_what_came_since_is_missing(library: Library) -> None:
    _served_from_old(library)
    library.add(["one", "two"])
    _go_over(library)
    with library.database.write() as tx:
        embedders.go_back(tx)
        target = embedders.standing(tx).target
        assert target is not None
        assert target.model == OLD
        assert embedders.standing(tx).forced
        assert space_building.next_missing(tx, target.space_id, 0, 10) == []
        with pytest.raises(Conflict) as caught:
            embedders.finish(tx)
        assert caught.value.code == "embedder_migration_running"
    _checked(library)
    assert _switch(library)
    with library.database.read() as tx:
        now = embedders.standing(tx)
    assert now.serving is not None
    assert now.previous is not None
    assert (now.serving.model, now.previous.model) == (OLD, NEW)


def test_given_up_its_vectors_go_bit_by_bit_and_nothing_is_left(library: Library) -> None:
    _served_from_old(library)
    library.add(["one", "two", "three"])
    with library.database.write() as tx:
        embedders.begin(tx, NEW)
        with pytest.raises(Conflict) as caught:
            embedders.begin(tx, THIRD)
        assert caught.value.code == "embedder_migration_running"
    _fill(library)
    with library.database.write() as tx:
        embedders.go_back(tx)
    rounds = []
    while True:
        with library.database.write() as tx:
            busy, gone = space_building.drop_some(tx, 2)
        if not busy:
            break
        rounds.append(gone)
    assert rounds == [[], [NEW.key]]
    with library.database.read() as tx:
        assert tx.scalars(select(spaces.c.key)).all() == [SPACE]
        assert set(tx.scalars(select(index_changes.c.space_id))) == {library.space_id}
    assert _count(library, library.space_id) == 3
    assert _findings(library) == []


def test_finished_the_former_vectors_go_and_a_third_model_can_come(library: Library) -> None:
    _served_from_old(library)
    library.add(["one", "two"])
    with library.database.write() as tx:
        for refused in (embedders.finish, embedders.go_back):
            with pytest.raises(Conflict) as caught:
                refused(tx)
            assert caught.value.code == "no_embedder_before"
    _go_over(library)
    with library.database.write() as tx:
        assert embedders.unused(tx) == [], "it is kept"
        embedders.finish(tx)
        assert space_building.drop_some(tx, 100) == (True, [SPACE])
        assert space_building.drop_some(tx, 100) == (False, [])
    assert _count(library, library.space_id) == 0
    _go_over(library, THIRD)
    assert _findings(library) == []


def test_vectors_of_who_is_no_embedder_of_the_library_are_left_alone(library: Library) -> None:
    _served_from_old(library)
    library.add(["one"])
    with library.database.write() as tx:
        chunk_store.insert_vectors(
            tx, chunk_store.open_space(tx, "somebody's", 4), range(1, 2), unit_vectors(1, 1, 4)
        )
        assert space_building.drop_some(tx, 100) == (False, [])


def test_what_has_no_vector_in_the_space_that_is_searched_is_found_by_fsck(library: Library) -> None:
    library.add(["one"])
    assert _findings(library) == []
    with library.database.write() as tx:
        embedders.begin(tx, NEW)
        tx.execute(embedding_state.update().values(serving_id=embedding_state.c.target_id, target_id=None))
    assert _findings(library) == ["vectors_missing"]


def test_a_late_batch_of_a_model_that_was_given_up_is_dropped(library: Library) -> None:
    _served_from_old(library)
    library.add(["one"])
    with library.database.write() as tx:
        embedders.begin(tx, NEW)
        target = embedders.standing(tx).target
        assert target is not None
        embedders.go_back(tx)
        assert space_building.fill(tx, target.space_id, [1], unit_vectors(1, 1, 4)) == 0
        assert tx.scalar(select(func.count()).select_from(vectors)) == 1
