"""One SQLite database, opened so that a commit is durable and a reader never sees half a change.

The driver is ``pysqlite3``, which carries its own SQLite: builds from 3.7.0 to 3.51.2 can lose a
committed write when two connections checkpoint a write-ahead log at the same moment (fixed in 3.51.3,
https://sqlite.org/wal.html#walresetbug), and Linux distributions still ship those.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from rag.errors import Busy, StorageFailed

Tx = Connection
"""An open transaction, as handed to every function of this package."""

OLDEST_SAFE_SQLITE = (3, 51, 3)
_BUSY_SECONDS = 20.0


class Database:
    """Readers and one writer at a time over the database file at ``path`` (created when missing).

    Writers queue on a lock within the process and on SQLite's own lock between processes.
    """

    def __init__(self, path: Path) -> None:
        if pysqlite3.sqlite_version_info < OLDEST_SAFE_SQLITE:
            raise StorageFailed(
                "sqlite_too_old",
                f"SQLite {pysqlite3.sqlite_version} can lose committed writes; "
                "install pysqlite3 0.6.1 or newer.",
            )
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writers = threading.Lock()
        self._reading = _engine(path, begin="BEGIN", read_only=True)
        self._writing = _engine(path, begin="BEGIN IMMEDIATE", read_only=False)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent snapshot. Raises ``Busy`` or ``StorageFailed``."""
        with _translated(), self._reading.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that is on the disk when the block ends, and undone if the block raises.

        Raises:
            Busy: another process held the database for too long; nothing was written.
            StorageFailed: the disk is full or failing; nothing was acknowledged.
        """
        with _translated(), self._writers, self._writing.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write_soon(self, patience: float) -> Iterator[Tx]:
        """As ``write``, for whoever has another way: ``Busy`` after ``patience`` seconds at most twice over,
        once for the writers of this process and once for those of others."""
        if not self._writers.acquire(timeout=patience):
            raise _busy()
        try:
            with _translated(), self._writing.connect() as connection:
                raw: Any = connection.connection.driver_connection
                raw.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
                try:
                    with connection.begin():
                        yield connection
                finally:
                    raw.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")
        finally:
            self._writers.release()

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A writing connection for the schema migrations, which manage their own transactions."""
        with _translated(), self._writers, self._writing.connect() as connection:
            yield connection

    def truncate_log(self, larger_than_bytes: int) -> None:
        """Empty a write-ahead log that has outgrown ``larger_than_bytes``, as far as readers allow.

        SQLite checkpoints by itself but keeps the file as large as it ever was.
        """
        log = self.path.with_name(self.path.name + "-wal")
        if not log.exists() or log.stat().st_size <= larger_than_bytes:
            return
        with _translated(), self._writers:
            connection = self._writing.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.close()

    def close(self) -> None:
        self._reading.dispose()
        self._writing.dispose()


def _engine(path: Path, *, begin: str, read_only: bool) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        module=pysqlite3,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
        pool_size=8,
        max_overflow=32,
        hide_parameters=True,  # people's text has no place in tracebacks and logs
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "trusted_schema=OFF",
            "cell_size_check=ON",
            f"query_only={'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The driver is in autocommit mode, so that this statement alone decides the kind of transaction.
        connection.exec_driver_sql(begin)

    return engine


def _busy() -> Busy:
    return Busy("database_busy", "The database is being written to; try again.", retry_after=1.0)


@contextmanager
def _translated() -> Iterator[None]:
    """SQLite's complaints in the caller's terms. Anything else is a bug and passes through."""
    try:
        yield
    except DatabaseError as error:
        text = str(error.orig)
        if "locked" in text or "busy" in text:
            raise _busy() from error
        if "disk is full" in text:
            raise StorageFailed("disk_full", "The disk is full; free some space and try again.") from error
        if "disk I/O error" in text or "malformed" in text or "unable to open" in text:
            raise StorageFailed(
                "storage_failed", "The database could not be read or written; see the server's log."
            ) from error
        raise
