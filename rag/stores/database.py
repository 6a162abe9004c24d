"""One SQLite database, opened so that a commit is durable and a reader never sees half a change.

The driver is ``pysqlite3``, which carries its own SQLite: builds from 3.7.0 to 3.51.2 can lose a
committed write when two connections checkpoint a write-ahead log at the same moment (fixed in 3.51.3,
https://sqlite.org/wal.html#walresetbug), and Linux distributions still ship those.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import Connection, Engine, create_engine, event, literal, select, table, text
from sqlalchemy.exc import DatabaseError

from rag.errors import Busy, StorageFailed
from rag.stores.storage_health import StorageHealth

Tx = Connection
"""An open transaction, as handed to every function of this package."""

OLDEST_SAFE_SQLITE = (3, 51, 3)
SQLITE_VERSION: str = pysqlite3.sqlite_version
_BUSY_SECONDS = 20.0
_RESTORE = "Restore a backup with `footnote restore`, or see what is left with `footnote fsck`."


def fetch(tx: Tx, statement: str, *parameters: int | str) -> list[tuple[Any, ...]]:
    """All rows of a statement that every search runs, from the driver itself: what SQLAlchemy does around
    such a statement takes several times as long as the statement."""
    raw: Any = tx.connection.driver_connection
    return list(raw.execute(statement, parameters))


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
        self.health = StorageHealth()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writers = threading.Lock()
        self._reading = _engine(path, begin="BEGIN", read_only=True)
        self._writing = _engine(path, begin="BEGIN IMMEDIATE", read_only=False)
        self._glancing: Any = None
        self._glances = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent snapshot. Raises ``Busy`` or ``StorageFailed``."""
        with _translated(self.health), self._reading.connect() as connection, connection.begin():
            yield connection

    def glance(self, statement: str, *values: Any) -> Sequence[Mapping[str, Any]]:
        """The rows of one small query, without ever waiting: for the event loop.

        On a connection of its own and without SQLAlchemy, whose part in such a query is a hundred times
        SQLite's. Raises ``Busy`` where it would have to wait, and ``StorageFailed``.
        """
        with _translated(self.health), self._glances:
            if self._glancing is None:
                self._glancing = pysqlite3.connect(
                    str(self.path), timeout=0, isolation_level=None, check_same_thread=False
                )
                self._glancing.row_factory = pysqlite3.Row
                for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON"):
                    self._glancing.execute(f"PRAGMA {pragma}")
            # All of them: a cursor left half-way would hold on to its snapshot.
            return [dict(row) for row in self._glancing.execute(statement, values).fetchall()]

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that is on the disk when the block ends, and undone if the block raises.

        Raises:
            Busy: another process held the database for too long; nothing was written.
            StorageFailed: the disk is full or failing; nothing was acknowledged. After a failing disk
                nothing is written any more, see ``StorageHealth``.
        """
        with (
            self._failing_for_good(),
            self._writers,
            self._writing.connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def write_soon(self, patience: float) -> Iterator[Tx]:
        """As ``write``, for whoever has another way: ``Busy`` after ``patience`` seconds at most twice over,
        once for the writers of this process and once for those of others."""
        if not self._writers.acquire(timeout=patience):
            raise _busy()
        try:
            with self._failing_for_good(), self._writing.connect() as connection:
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
        with self._failing_for_good(), self._writers, self._writing.connect() as connection:
            yield connection

    def truncate_log(self, larger_than_bytes: int) -> None:
        """Empty a write-ahead log that has outgrown ``larger_than_bytes``, as far as readers allow.

        SQLite checkpoints by itself but keeps the file as large as it ever was.
        """
        log = self.path.with_name(self.path.name + "-wal")
        if not log.exists() or log.stat().st_size <= larger_than_bytes:
            return
        with self._failing_for_good(), self._writers:
            connection = self._writing.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.close()

    def quick_check(self) -> None:
        """Have SQLite look at its whole file, which takes about a second for a gigabyte.

        Raises ``StorageFailed``: ``database_damaged``, for a write could spread the damage and an answer be
        wrong; ``disk_full`` or ``database_unreachable`` where it could not look.
        """
        try:
            with self.read() as tx:
                found = [str(line) for line in tx.scalars(text("PRAGMA quick_check(3)"))]
                # It does not look into FTS5's tables, nor whether they are there.
                for name in tx.scalars(text("SELECT name FROM sqlite_schema WHERE type = 'table'")).all():
                    tx.execute(select(literal(1)).select_from(table(name)).limit(1)).all()
        except StorageFailed as error:
            if error.code != "storage_failed":
                raise
            found = ["SQLite cannot read it"]
        except (DatabaseError, pysqlite3.DatabaseError, UnicodeDecodeError):
            # A damaged schema, of which SQLite complains like of a wrong statement; the driver cannot even
            # read what it says where it quotes names that are no text any more.
            found = ["SQLite cannot read its schema"]
        if found != ["ok"]:
            detail = "; ".join(line.replace("\n", " ")[:200] for line in found)
            raise StorageFailed(
                "database_damaged", f"The database {self.path} is damaged ({detail}). {_RESTORE}"
            )

    def close(self) -> None:
        self._reading.dispose()
        self._writing.dispose()
        with self._glances:
            if self._glancing is not None:
                self._glancing.close()
                self._glancing = None

    @contextmanager
    def _failing_for_good(self) -> Iterator[None]:
        """Refuses to write after a failure, and remembers one."""
        self.health.require()
        with _translated(self.health, writing=True):
            yield


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
def _translated(health: StorageHealth | None = None, *, writing: bool = False) -> Iterator[None]:
    """SQLite's complaints in the caller's terms. Anything else is a bug and passes through.

    Damage, and a write that the disk refuses, are reported to ``health``.
    """
    try:
        yield
    except UnicodeDecodeError:  # what SQLite says of text that is none any more cannot be read either
        raise StorageFailed("storage_failed", f"The database is damaged. {_RESTORE}") from None
    except (DatabaseError, pysqlite3.DatabaseError) as error:  # the second from connections without a pool
        original: Any = error.orig if isinstance(error, DatabaseError) else error
        if str(original).startswith(_NO_TEXT):  # the rest of what it says is the text
            raise StorageFailed("storage_failed", f"The database is damaged. {_RESTORE}") from None
        code = getattr(original, "sqlite_errorcode", None) or 0
        kind = code & 0xFF
        if kind in (pysqlite3.SQLITE_BUSY, pysqlite3.SQLITE_LOCKED):
            raise _busy() from error
        if kind == pysqlite3.SQLITE_FULL or code in _NO_ROOM:
            raise StorageFailed("disk_full", "The disk is full; free some space and try again.") from error
        if kind == pysqlite3.SQLITE_CANTOPEN:
            raise StorageFailed("database_unreachable", _UNREACHABLE) from error
        if kind not in _BROKEN:
            raise
        damaged = kind in _DAMAGED
        if health is not None and (damaged or (writing and kind == pysqlite3.SQLITE_IOERR)):
            health.fail(f"the database is damaged. {_RESTORE}" if damaged else "the disk failed a write")
        detail = f"The database is damaged. {_RESTORE}" if damaged else _UNREADABLE
        raise StorageFailed("storage_failed", detail) from error


_UNREADABLE = "The database could not be read or written; see the server's log, then restart the service."
# SQLite does not say which of these it was. It may be the log beside the database that has to be made.
_UNREACHABLE = (
    "The database, or a file beside it, could not be opened. See that its disk has room for one more file, "
    "that this user may write into its folder, and that the process may open more files; then try again."
)
_NO_TEXT = "Could not decode to UTF-8"  # the driver's own words; there is no code for it
_DAMAGED = (pysqlite3.SQLITE_CORRUPT, pysqlite3.SQLITE_NOTADB)
_BROKEN = (*_DAMAGED, pysqlite3.SQLITE_IOERR)
# SQLite makes room in its shared-memory file as the first thing, and does not say why that failed.
_NO_ROOM = (
    pysqlite3.SQLITE_IOERR | 19 << 8,  # SQLITE_IOERR_SHMSIZE, which the driver has no name for
    pysqlite3.SQLITE_IOERR | 21 << 8,  # SQLITE_IOERR_SHMMAP
)


@contextmanager
def bare_connection(path: Path, *, read_only: bool = False) -> Iterator[Any]:
    """A driver connection of its own in autocommit mode, for what no transaction may surround: ``VACUUM``,
    checkpoints, looking at a file that nobody else uses (``read_only``, which makes no ``-wal`` beside it).

    Raises as ``Database.write`` does.
    """
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1" if read_only else str(path)
    with _translated():
        connection = pysqlite3.connect(
            address, uri=read_only, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("PRAGMA cell_size_check=ON")
            yield connection
        finally:
            connection.close()
