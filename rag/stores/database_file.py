"""A database file by itself, of whatever schema: copied, looked through, counted. Nothing writes to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.stores.database import bare_connection

_STEPS = 20_000
"""Instructions of SQLite's machine between two looks at how far it is."""
_WORTH_PACKING = 0.05
"""Share of free pages from which on a copy is written once more without them."""
_COUNTED = ("collections", "documents", "versions", "chunks", "vectors", "answers")


@dataclass(frozen=True, slots=True)
class Damage:
    """What SQLite finds wrong: with the file itself, with the full-text indexes (which can be made again
    from the rest), and rows that refer to something that is gone."""

    file: Sequence[str]
    keywords: Sequence[str]
    orphans: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.file or self.keywords or self.orphans)


def snapshot(path: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database at ``path``, as it is at this moment, to ``target``, which must not exist.

    Others go on reading and writing. The copy is packed anew: nothing that was deleted is in it.
    ``progress`` hears bytes done and about how many there will be.

    Raises ``Busy`` or ``StorageFailed``; what there is of ``target`` is then of no use.
    """
    with bare_connection(path) as connection:
        (pages,), (free,), (size,) = (
            connection.execute(f"PRAGMA {name}").fetchone()
            for name in ("page_count", "freelist_count", "page_size")
        )
        total = (pages - free) * size

        def tell() -> int:
            progress(min(target.stat().st_size if target.exists() else 0, total), total)
            return 0  # go on

        connection.set_progress_handler(tell, _STEPS)
        connection.execute("VACUUM INTO ?", (str(target),))
        connection.set_progress_handler(None, 0)
    _without_deleted_words(target)


def merge_full_text(connection: Any) -> None:
    """Write each full-text index anew as one segment: only then are the words of what was deleted gone."""
    for index in full_text_tables(connection):
        connection.execute(f'INSERT INTO "{index}"("{index}") VALUES (\'optimize\')')


def _without_deleted_words(copy: Path) -> None:
    with bare_connection(copy) as connection:
        connection.execute("PRAGMA secure_delete = ON")  # what merging leaves is overwritten with zeros
        merge_full_text(connection)
        (pages,), (free,) = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count")
        )
        if free < pages * _WORTH_PACKING:
            return
        packed = copy.with_name(f"{copy.name}.packed")
        connection.execute("VACUUM INTO ?", (str(packed),))
    packed.replace(copy)


def damage(connection: Any) -> Damage:
    """Everything SQLite can find by itself. ``connection`` is a driver's; time grows with the file."""
    lines = [line for (line,) in connection.execute("PRAGMA integrity_check(20)") if line != "ok"]
    keywords = [line for line in lines if "fts5" in line.lower()]
    orphans = [f"{row[0]} row {row[1]}" for row in connection.execute("PRAGMA foreign_key_check")]
    return Damage([line for line in lines if line not in keywords], keywords, orphans)


def schema_of(connection: Any) -> str:
    """The revision of the schema, empty for a database that is none of Footnote's."""
    if not _has(connection, "alembic_version"):
        return ""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])


def counts(connection: Any) -> dict[str, int]:
    """Rows of the tables that people ask about, of those that this schema has."""
    present = [table for table in _COUNTED if _has(connection, table)]
    return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in present}


def files(connection: Any) -> dict[str, int]:
    """SHA-256 and size of every original file that versions refer to, in order."""
    return dict(connection.execute("SELECT sha256, max(size) FROM versions GROUP BY sha256 ORDER BY sha256"))


def full_text_tables(connection: Any) -> list[str]:
    """The names of all FTS5 indexes."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%USING fts5(%' ORDER BY name"
    )
    return [name for (name,) in found]


def _has(connection: Any, table: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
    return found.fetchone() is not None
