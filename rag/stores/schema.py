"""Bringing a database to the schema this release knows, by Alembic's migrations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from rag.errors import Conflict
from rag.stores import collections
from rag.stores.access import DEFAULT_TENANT
from rag.stores.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"


def revisions() -> Sequence[str]:
    """Every schema there has been, oldest first: those that ``upgrade`` can take over."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def present(database: Database) -> str | None:
    """The schema of a database as it is; not one of ``revisions`` if a newer release made it."""
    with database.read() as tx:
        return MigrationContext.configure(tx).get_current_revision()


def upgrade(database: Database) -> None:
    """Create or bring up to date; a database that is up to date is only looked at.

    Raises ``Conflict`` (``schema_too_new``) for a database written by a newer release.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    with database.migrating() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        if present is not None and present not in revisions():
            raise Conflict(
                "schema_too_new",
                "This data folder was written by a newer release of Footnote; start that release instead.",
            )
        if present != scripts.get_current_head():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    with database.write() as tx:
        collections.ensure_default(tx, DEFAULT_TENANT)
