"""The state of a library is another after anything a search could notice; answers are found by digests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import text

from rag.records import CachedPart
from rag.stores import answers, collections, document_catalog, moving, refinement, reuse, tenants
from rag.stores.access import LOCAL, Access, Owner, of_tenant
from rag.stores.document_catalog import Document
from rag.stores.receipt import Draft, Reuse
from tests.rag.stores.library import DIMENSION, Library, unit_vectors
from tests.rag.stores.receipts import receipt, span


def state(library: Library, access: Access = LOCAL) -> str:
    with library.database.read() as tx:
        return reuse.library_state(tx, access)


def publish_another(library: Library, _: Document) -> None:
    library.add(["two"], "two.txt")


def replace_it(library: Library, document: Document) -> None:
    library.accept(b"newer", "one.txt", replacing=document)
    library.publish(library.claim(), ["newer"])


def send_a_newer_version(library: Library, document: Document) -> None:
    library.accept(b"newer", "renamed.txt", replacing=document)


def delete_it(library: Library, document: Document) -> None:
    library.remove(document)


def describe_it(library: Library, document: Document) -> None:
    with library.database.write() as tx:
        document_catalog.set_metadata(tx, document, {"year": 2024})


def move_it(library: Library, document: Document) -> None:
    with library.database.write() as tx:
        moving.move(tx, document, collections.get(tx, LOCAL, "other"))


def refine_it(library: Library, _: Document) -> None:
    with library.database.write() as tx:
        batch = refinement.next_unrefined(tx, 9)
        assert batch is not None
        vectors = unit_vectors(len(batch.texts), 5)
        teacher = tx.execute(
            text("INSERT INTO spaces(key, dimension, created_at) VALUES ('t', :d, 0)"), {"d": DIMENSION}
        ).lastrowid
        refinement.refine(tx, batch, vectors, student_space=library.space_id, teacher_space=teacher)


def make_a_collection(library: Library, _: Document) -> None:
    with library.database.write() as tx:
        collections.create(tx, LOCAL, "third")


def remove_a_collection(library: Library, _: Document) -> None:
    with library.database.write() as tx:
        collections.remove(tx, collections.get(tx, LOCAL, "other"))


@pytest.mark.parametrize(
    "change",
    [
        publish_another,
        replace_it,
        send_a_newer_version,
        delete_it,
        describe_it,
        move_it,
        refine_it,
        make_a_collection,
        remove_a_collection,
    ],
)
def test_any_change_makes_another_state(
    library: Library, change: Callable[[Library, Document], None]
) -> None:
    with library.database.write() as tx:
        collections.create(tx, LOCAL, "other")
    document = library.add(["one"], "one.txt")
    before = state(library)
    assert state(library) == before
    change(library, document)
    assert state(library) != before


def test_a_state_never_comes_back(library: Library) -> None:
    seen = {state(library)}
    for _ in range(3):
        document = library.add(["one"], "one.txt")
        seen.add(state(library))
        library.remove(document)
        seen.add(state(library))
    for _ in range(2):
        with library.database.write() as tx:
            collections.create(tx, LOCAL, "other")
        seen.add(state(library))
        with library.database.write() as tx:
            collections.remove(tx, collections.get(tx, LOCAL, "other"))
    assert len(seen) == 9


def test_a_change_is_undone_with_what_it_counts(library: Library) -> None:
    document = library.add(["one"], "one.txt")
    before = state(library)
    with suppress(KeyError), library.database.write() as tx:
        document_catalog.remove(tx, document)
        raise KeyError
    assert state(library) == before


def test_what_one_may_not_read_changes_nothing_for_them(library: Library) -> None:
    with library.database.write() as tx:
        narrow = Access(LOCAL.owner, frozenset({collections.create(tx, LOCAL, "other").id}))
        acme = of_tenant(tenants.create(tx, "acme").id)
    of_narrow, of_acme, of_all = state(library, narrow), state(library, acme), state(library)
    library.add(["one"], "one.txt")
    assert state(library, narrow) == of_narrow
    assert state(library, acme) == of_acme
    assert state(library) != of_all
    library.add(["two"], "two.txt", collection="other")
    assert state(library, narrow) != of_narrow


def test_an_answer_is_found_by_its_owner_alone(library: Library) -> None:
    with library.database.write() as tx:
        acme = of_tenant(tenants.create(tx, "acme").id).owner
        kept = replace(receipt("ans_a"), reuse=Reuse("k", "l", "d", Draft("zinc", (0, 1, 2))))
        answers.keep(tx, kept)
        answers.keep(tx, replace(kept, id="ans_b", reuse=Reuse("k", "m")))
    with library.database.read() as tx:
        assert answers.get(tx, LOCAL, "ans_a") == kept
        assert reuse.newest_answer(tx, LOCAL.owner, "k") == reuse.Earlier("ans_b", "m")
        draft = reuse.newest_draft(tx, LOCAL.owner, "d")
        assert draft is not None
        assert (draft.draft, draft.cached.answer) == (Draft("zinc", (0, 1, 2)), "ans_a")
        assert draft.cached.part is CachedPart.DRAFT
        for stranger in (acme, Owner(LOCAL.tenant, 7)):
            assert reuse.newest_answer(tx, stranger, "k") is None
            assert reuse.newest_draft(tx, stranger, "d") is None


@pytest.mark.parametrize("column", ["reuse_key", "draft_key"])
def test_looking_up_reads_an_index(library: Library, column: str) -> None:
    with library.database.read() as tx:
        query = f"EXPLAIN QUERY PLAN SELECT public_id FROM answers WHERE {column} = 'k' AND tenant_id = 1"
        (plan,) = tx.execute(text(query)).all()
    assert f"ix_answers_{column}" in plan.detail


def test_a_deleted_document_takes_the_ways_to_find_its_answers_with_it(library: Library) -> None:
    document = library.add(["The tower is high."], "one.txt")
    with library.database.write() as tx:
        kept = receipt("ans_a", spans=[span(document.public_id, 1)], conversation="c")
        answers.keep(tx, replace(kept, reuse=Reuse("k", "l", "d", Draft("The tower is high."))))
        answers.keep(tx, replace(receipt("ans_b", conversation="c"), reuse=Reuse("k2", "l")))
    library.remove(document)
    with library.database.read() as tx:
        assert (
            tx.scalars(text("SELECT coalesce(reuse_key, draft_key, draft) FROM answers")).all() == [None] * 2
        )


def test_an_answer_that_comes_after_the_deletion_cannot_be_found(library: Library) -> None:
    document = library.add(["The tower is high."], "one.txt")
    library.remove(document)
    with library.database.write() as tx:
        late = replace(receipt("ans_a", spans=[span(document.public_id, 1)]), reuse=Reuse("k", "l"))
        answers.keep(tx, late)
        assert reuse.newest_answer(tx, LOCAL.owner, "k") is None
