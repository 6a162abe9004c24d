from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from rag.errors import Conflict
from rag.records import DocumentState
from rag.stores import answers, collections, conversations, document_catalog, job_queue, schema
from rag.stores.access import LOCAL
from rag.stores.conversations import Turn
from rag.stores.database import Database
from rag.stores.tables import metadata
from tests.rag.stores.receipts import receipt, span

# SQLite keeps "REFERENCES ... ON DELETE" of an added column, but it cannot be read back from there.
_ADDED_REFERENCES = {"parent_id", "root_id", "receipt_id", "tenant_id", "key_id"}


def _is_ours(found: Any, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    if kind == "foreign_key_constraint":
        return not _ADDED_REFERENCES & set(found.column_keys)
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
        assert [found.name for found in collections.all_of(tx, LOCAL)] == [collections.DEFAULT]


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
        assert collections.get(tx, LOCAL, collections.DEFAULT).name == collections.DEFAULT
    database.close()


def test_a_library_of_the_first_release_is_taken_over_whole(tmp_path: Path) -> None:
    database = Database(tmp_path / "footnote.db")
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with database.migrating() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in FIRST_RELEASE:
            connection.exec_driver_sql(statement)
        connection.commit()
    schema.upgrade(database)
    with database.write() as tx:
        document = document_catalog.get(tx, LOCAL, "doc_a")
        assert (document.newest.state, document.newest.refined_chunks) == (DocumentState.REFINED, 2)
        assert (document.source, document.parent, document.children) == (None, None, 0)
        assert document_catalog.get(tx, LOCAL, "doc_b").newest.state is DocumentState.QUEUED
        job = job_queue.claim(tx, "worker")
        assert job is not None
        assert job.document_public_id == "doc_b"
        document_catalog.remove(tx, document)
        assert tx.scalar(text("SELECT count(*) FROM chunks")) == 0
    database.close()


def test_conversations_of_the_second_schema_are_taken_over_and_forget_deleted_documents(
    tmp_path: Path,
) -> None:
    database = Database(tmp_path / "footnote.db")
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with database.migrating() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in FIRST_RELEASE:
            connection.exec_driver_sql(statement)
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO conversation_turns(id, conversation, question, standalone, answer, created_at) "
            "VALUES (7, 'c', 'And?', 'And (abc)?', 'abc [1]', 5.0)"
        )
        connection.commit()
    schema.upgrade(database)
    with database.write() as tx:
        assert conversations.recent_turns(tx, LOCAL.owner, "c", 9) == [Turn("And?", "And (abc)?", "abc [1]")]
        key, _ = answers.keep(tx, receipt(spans=[span("doc_a", 1)], conversation="c"))
        conversations.add_turn(tx, LOCAL.owner, "c", Turn("New?", "New?", "The tower is high. [1]"), key)
        document_catalog.remove(tx, document_catalog.get(tx, LOCAL, "doc_a"))
        left = [Turn("And?", "And?", ""), Turn("New?", "New?", " [1]")]
        assert conversations.recent_turns(tx, LOCAL.owner, "c", 9) == left
        answers.remove(tx, LOCAL, "ans_a")
        assert conversations.recent_turns(tx, LOCAL.owner, "c", 9) == left[:1]
    database.close()


_VERSION = """
    INSERT INTO versions(id, document_id, number, name, sha256, size, state, pages_without_text, notices,
                         first_chunk, last_chunk, characters, created_at)
"""
FIRST_RELEASE = [
    "INSERT INTO collections(id, public_id, name, created_at) VALUES (1, 'col_a', 'default', 0)",
    """INSERT INTO documents(id, public_id, collection_id, name, metadata, latest_version, live_version_id,
                             created_at, updated_at)
       VALUES (1, 'doc_a', 1, 'a.txt', '{}', 1, 1, 0, 0), (2, 'doc_b', 1, 'b.txt', '{}', 1, NULL, 0, 0)""",
    _VERSION + "VALUES (1, 1, 1, 'a.txt', 'aa', 3, 'ready', '[]', '[]', 1, 2, 3, 0)",
    _VERSION + "VALUES (2, 2, 1, 'b.txt', 'bb', 3, 'queued', '[]', '[]', NULL, NULL, NULL, 0)",
    """INSERT INTO chunks(id, version_id, collection_id, start, "end", context, tokens)
       VALUES (1, 1, 1, 0, 1, '', 1), (2, 1, 1, 1, 3, '', 1)""",
    "INSERT INTO text_pieces(version_id, start, \"end\", text) VALUES (1, 0, 3, 'abc')",
    """INSERT INTO jobs(id, public_id, document_id, version_id, state, stage, pages_done, chunks_done,
                        notices, attempts, run_at, created_at)
       VALUES (1, 'job_b', 2, 2, 'queued', 'queued', 0, 0, '[]', 0, 0, 0)""",
]
