from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from rag.errors import Conflict
from rag.stores import collections, schema
from rag.stores.database import Database
from rag.stores.tables import metadata


def _is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith("keyword"))


def test_the_migrations_build_what_the_tables_say(database: Database) -> None:
    with database.read() as tx:
        context = MigrationContext.configure(
            tx, opts={"compare_type": True, "include_object": _is_ours, "render_as_batch": True}
        )
        assert compare_metadata(context, metadata) == []


def test_ids_of_deleted_rows_are_never_used_again(database: Database) -> None:
    with database.read() as tx:
        reusing = [
            table.name
            for table in metadata.sorted_tables
            if table.dialect_options["sqlite"]["autoincrement"]
            and "AUTOINCREMENT"
            not in tx.scalar(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": table.name})
        ]
    assert reusing == []


def test_an_up_to_date_database_is_left_alone(database: Database) -> None:
    schema.upgrade(database)
    with database.read() as tx:
        assert [found.name for found in collections.all_of(tx)] == [collections.DEFAULT]


def test_a_database_of_a_newer_release_is_refused(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict) as caught:
        schema.upgrade(database)
    assert caught.value.code == "schema_too_new"


def test_a_migration_that_was_cut_off_leaves_nothing_and_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "footnote.db")
    with database.write() as tx:
        tx.execute(text("CREATE TABLE keywords(in_the_way)"))
    with pytest.raises(Exception, match="keywords"):
        schema.upgrade(database)
    with database.read() as tx:
        left = tx.scalars(text("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")).all()
    assert left == ["keywords"]
    with database.write() as tx:
        tx.execute(text("DROP TABLE keywords"))
    schema.upgrade(database)
    with database.read() as tx:
        assert collections.get(tx, collections.DEFAULT).documents == 0
    database.close()
