"""Databases of every released schema, brought up to date by this release."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from rag.stores import database_file, document_names, schema
from rag.stores.database import Database, bare_connection
from tests.rag.stores import released

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("revision", schema.revisions())
def test_everything_of_a_released_schema_is_kept(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "footnote.db"
    released.build(path, revision)
    before = released.rows(path)
    assert all(before[table] for table in ("documents", "chunks", "vectors", "idempotency_keys"))
    database = Database(path)
    schema.upgrade(database)
    database.close()
    assert released.lost(before, released.rows(path)) == []
    with bare_connection(path) as connection:
        assert not database_file.damage(connection)
        assert database_file.schema_of(connection) == released.head()
        found = connection.execute("SELECT rowid FROM keywords WHERE keywords MATCH 'zinc'").fetchall()
        assert found == [(2,)]


def test_a_lost_value_would_be_noticed(tmp_path: Path) -> None:
    path = tmp_path / "footnote.db"
    released.build(path, released.head())
    before = released.rows(path)
    with bare_connection(path) as connection:
        connection.execute("UPDATE pages SET width = 595")
        connection.execute("DELETE FROM conversation_turns WHERE id = 7")
    lost = released.lost(before, released.rows(path))
    assert sorted(line.split(":")[0] for line in lost) == ["conversation_turns", "pages"]


def test_names_are_entered_by_the_migration_as_by_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "footnote.db"
    released.build(path, "0003")
    database = Database(path)
    schema.upgrade(database)
    entered = text('SELECT term, doc, col, "offset" FROM keyword_document_places ORDER BY 1, 2, 3, 4')
    with database.write() as tx:
        by_migration = tx.execute(entered).all()
        document_names.enter(tx, 2)
        assert tx.execute(entered).all() == by_migration
    assert {"bestbui", "best", "2023", "arger"} <= {row.term for row in by_migration}
    database.close()


def test_migrations_import_nothing_of_the_product() -> None:
    """What they do must not change with the code; what they did is what there is."""
    for path in schema.MIGRATIONS.glob("versions/*.py"):
        assert not re.search(r"^\s*(?:from|import) (?:rag|ingest|api)\b", path.read_text(), re.M), path.name


def test_a_killed_upgrade_is_done_again(tmp_path: Path) -> None:
    """Before every eleventh statement; run by hand, the module kills it before each."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.rag.stores.killed_upgrades", tmp_path, schema.revisions()[0], "11"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 5
