"""Where tenants came to a library that had none, and what they share without seeing each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from rag.errors import NotFound
from rag.stores import (
    acceptance,
    answers,
    collections,
    document_catalog,
    job_queue,
    keyword_index,
    receipt_rows,
    schema,
    scopes,
    tenants,
)
from rag.stores.access import LOCAL, Access, Owner, of_tenant
from rag.stores.database import Database
from tests.rag.stores.library import Library
from tests.rag.stores.receipts import receipt
from tests.rag.stores.test_migrations import FIRST_RELEASE


def test_what_was_there_belongs_to_the_default_tenant(tmp_path: Path) -> None:
    database = Database(tmp_path / "footnote.db")
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with database.migrating() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in FIRST_RELEASE:
            connection.exec_driver_sql(statement)
        # One that was deleted before: its number must not be given out again.
        connection.exec_driver_sql("INSERT INTO collections VALUES (7, 'col_x', 'gone', 0)")
        connection.exec_driver_sql("DELETE FROM collections WHERE id = 7")
        connection.exec_driver_sql(
            "INSERT INTO idempotency_keys VALUES ('again', 'hash', 2, 1, 0)"  # document and job
        )
        connection.commit()
    schema.upgrade(database)
    with database.write() as tx:
        assert tx.execute(text("PRAGMA foreign_key_check")).all() == []
        assert {one.name for one in document_catalog.page_of(tx, LOCAL, limit=9)[0]} == {"a.txt", "b.txt"}
        assert tx.execute(text("SELECT tenant_id, key FROM idempotency_keys")).all() == [(1, "again")]
        assert collections.create(tx, LOCAL, "new").id == 8
        acme = of_tenant(tenants.create(tx, "acme").id)
        assert document_catalog.page_of(tx, acme, limit=9)[0] == []
        with pytest.raises(NotFound):
            document_catalog.get(tx, acme, "doc_a")
    database.close()


def test_a_journal_written_before_tenants_is_read(database: Database) -> None:
    old = receipt_rows.to_json(receipt())
    for name in ("tenant_id", "key_id"):
        del old["answer"][name]
    assert receipt_rows.from_json(json.loads(json.dumps(old))).owner == LOCAL.owner


def test_a_row_without_a_tenant_is_nobodys(database: Database) -> None:
    with database.write() as tx:
        answers.keep(tx, receipt())
        tx.execute(text("UPDATE answers SET tenant_id = NULL"))
        with pytest.raises(NotFound):
            answers.get(tx, LOCAL, "ans_a")


@pytest.fixture
def shared(library: Library) -> tuple[Library, Access]:
    """The default tenant has a document about ducks and acme one about geese."""
    library.add(["The duck swims."], "duck.txt")
    with library.database.write() as tx:
        acme = of_tenant(tenants.create(tx, "acme").id)
        blob = library.blobs.put([b"geese"], 100)
        acceptance.accept(tx, blob, "goose.txt", collections.get(tx, acme, "default"), {})
    library.publish(library.claim(), ["The goose swims and swims.", "The goose sings."])
    return library, acme


def test_words_are_known_from_what_may_be_read(shared: tuple[Library, Access]) -> None:
    library, acme = shared
    words = ["duck", "goos", "swim", "sing"]
    with library.database.read() as tx:
        seen = [
            keyword_index.document_frequencies(tx, words, scopes.readable(tx, one)) for one in (LOCAL, acme)
        ]
    assert seen == [{"duck": 1, "swim": 1}, {"goos": 2, "swim": 1, "sing": 1}]


def test_a_tenant_that_is_alone_is_not_filtered(library: Library) -> None:
    library.add(["The duck swims."], "duck.txt")
    with library.database.write() as tx:
        assert scopes.readable(tx, LOCAL) is scopes.EVERYWHERE
        only = Access(Owner(1, 5), frozenset({99}))
        assert scopes.readable(tx, only).ranges == []
        tenants.create(tx, "acme")
        assert scopes.readable(tx, LOCAL).ranges == [(1, 1)]


def test_uploaders_of_two_tenants_are_two_whatever_they_are_called(library: Library) -> None:
    with library.database.write() as tx:
        acme = of_tenant(tenants.create(tx, "acme").id)
        for access in (LOCAL, LOCAL, acme):
            blob = library.blobs.put([b"A note."], 1000)
            place = collections.get(tx, access, "default")
            acceptance.create(tx, blob, "a.txt", place, {}, uploader="kim")
        lanes = tx.scalars(text("SELECT lane FROM jobs ORDER BY id")).all()
        assert lanes == ["1/kim/small", "1/kim/small", f"{acme.tenant}/kim/small"]
        turns = tx.scalars(text("SELECT turn FROM jobs ORDER BY id")).all()
        assert turns[0] == turns[2] < turns[1]
        waiting = job_queue.page_of(tx, acme, limit=9)[0]
        assert [job_queue.position(tx, acme, job) for job in waiting] == [0]
        assert job_queue.overview(tx, acme).jobs == {"queued": 1}
