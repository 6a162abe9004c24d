from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pysqlite3
import pytest

from rag.stores import log_damage

PAGE, FRAME = 4096, 4096 + 24


@pytest.fixture
def crashed(tmp_path: Path) -> Iterator[Path]:
    """A database as a process that died leaves it: ten commits, all of them in the log alone."""
    with closing(opened(tmp_path / "live.db")) as connection:
        connection.execute("CREATE TABLE t (number INTEGER)")
        for number in range(9):
            connection.execute("INSERT INTO t VALUES (?)", (number,))
        yield copied(tmp_path / "live.db", tmp_path / "crashed.db")


def opened(path: Path, page: int = PAGE) -> Any:
    connection = pysqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA page_size = {page}")
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def copied(source: Path, target: Path) -> Path:
    for end in ("", "-wal"):
        shutil.copy(f"{source}{end}", f"{target}{end}")
    return target


def log_of(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x40
    path.write_bytes(content)


def rows(database: Path) -> int:
    with closing(pysqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def test_a_sound_log_has_nothing_to_tell(crashed: Path) -> None:
    assert log_damage.look(crashed) is None
    assert log_damage.noted(crashed) is None
    assert rows(crashed) == 9
    assert log_damage.look(crashed) is None  # which SQLite has deleted now
    assert log_damage.look(crashed.with_name("none.db")) is None


@pytest.mark.parametrize("page", [512, 4096, 65536])
def test_frames_of_every_size_are_summed_as_sqlite_does(tmp_path: Path, page: int) -> None:
    with closing(opened(tmp_path / "live.db", page)) as connection:
        connection.execute("CREATE TABLE t (number INTEGER, filling BLOB)")
        for number in range(20):
            connection.execute("INSERT INTO t VALUES (?, randomblob(3000))", (number,))
        assert log_damage.commits_passed_over(copied(tmp_path / "live.db", tmp_path / "c.db")) == 0


@pytest.mark.parametrize("commit", range(10))
@pytest.mark.parametrize("place", [0, 17, 24, 2000, FRAME - 1])
def test_what_sqlite_passes_over_is_counted(crashed: Path, commit: int, place: int) -> None:
    frames = (log_of(crashed).stat().st_size - 32) // FRAME
    flip(log_of(crashed), 32 + (frames - 10 + commit) * FRAME + place)
    lost = log_damage.look(crashed)
    assert lost is not None
    assert log_damage.noted(crashed) == lost
    assert lost.commits == 10 - commit
    if commit > 0:
        assert rows(crashed) == 9 - lost.commits


def test_a_log_whose_beginning_is_damaged_is_passed_over_as_a_whole(crashed: Path) -> None:
    flip(log_of(crashed), 20)
    assert log_damage.commits_passed_over(crashed) == 10
    flip(log_of(crashed), 0)
    assert log_damage.commits_passed_over(crashed) == 10


@pytest.mark.parametrize("size", [0, 5, 32, 40, 32 + FRAME, 32 + 3 * FRAME + 7])
def test_a_log_that_ends_early_is_an_earlier_state(crashed: Path, size: int) -> None:
    """As after a kill in the middle of a write: what is not there was not acknowledged."""
    log_of(crashed).write_bytes(log_of(crashed).read_bytes()[:size])
    assert log_damage.commits_passed_over(crashed) == 0


def test_what_was_rolled_back_or_is_of_an_earlier_round_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    with closing(opened(path)) as connection:
        connection.execute("CREATE TABLE t (filling BLOB)")
        connection.execute("PRAGMA cache_size = 2")  # so that an open transaction spills into the log
        connection.execute("BEGIN")
        for _ in range(50):
            connection.execute("INSERT INTO t VALUES (randomblob(3000))")
        connection.execute("ROLLBACK")
        spilt = log_of(path).stat().st_size
        connection.execute("INSERT INTO t VALUES (1)")
        assert log_of(path).stat().st_size == spilt, "nothing was spilt, so nothing is tried here"
        assert log_damage.commits_passed_over(copied(path, tmp_path / "rolled-back.db")) == 0
        for _ in range(20):
            connection.execute("INSERT INTO t VALUES (randomblob(3000))")
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        connection.execute("INSERT INTO t VALUES (2)")
        assert log_damage.commits_passed_over(copied(path, tmp_path / "begun-anew.db")) == 0


def test_it_is_remembered_until_somebody_has_dealt_with_it(crashed: Path) -> None:
    flip(log_of(crashed), log_of(crashed).stat().st_size - 100)
    assert log_damage.look(crashed) is not None
    assert rows(crashed) == 8
    assert log_damage.look(crashed) is None
    assert log_damage.noted(crashed) is not None
    log_damage.forget(crashed)
    assert log_damage.noted(crashed) is None
    crashed.with_name(log_damage.NOTE_NAME).write_text("[1]")
    assert log_damage.noted(crashed) is None


def test_a_commit_that_was_cut_off_before_anybody_was_told_is_not_missed(tmp_path: Path) -> None:
    """A process that is killed while its commit is being synced leaves frames that others write over."""
    live, dead = tmp_path / "live.db", tmp_path / "dead.db"
    with closing(opened(live)) as survivor:
        survivor.execute("CREATE TABLE t (number INTEGER, filling BLOB)")
        survivor.execute("INSERT INTO t VALUES (1, NULL)")
        told = log_of(live).stat().st_size
        with closing(opened(copied(live, dead))) as victim:
            victim.execute("BEGIN")
            for number in range(20):
                victim.execute("INSERT INTO t VALUES (?, randomblob(3000))", (number,))
            victim.execute("COMMIT")
            written = log_of(dead).read_bytes()
        assert written[:told] == log_of(live).read_bytes()[:told]
        log_of(live).write_bytes(written)
        survivor.execute("INSERT INTO t VALUES (2, NULL)")
        left = copied(live, tmp_path / "left.db")
        assert log_damage.commits_passed_over(left) == 1, "without the index of the log nobody can tell"
        shutil.copy(f"{live}-shm", f"{left}-shm")
    assert log_damage.commits_passed_over(left) == 0
    flip(log_of(left), 32 + FRAME + 100)  # what was acknowledged is missed with the index as well
    assert log_damage.commits_passed_over(left) > 0


def test_one_that_was_written_whole_before_anybody_was_told_is_not_missed_either(tmp_path: Path) -> None:
    """SQLite reads further than anybody was told, and behind that lies what an earlier victim left."""
    live = tmp_path / "live.db"
    with closing(opened(live)) as survivor:
        survivor.execute("CREATE TABLE t (number INTEGER, filling BLOB)")
        survivor.execute("INSERT INTO t VALUES (1, NULL)")
        left_by_first = _written_by_a_victim(live, tmp_path / "first.db", 20)
        survivor.execute("INSERT INTO t VALUES (2, NULL)")
        told = log_of(live).stat().st_size
        written = _written_by_a_victim(live, tmp_path / "second.db", 1)
        assert told < len(written) < len(left_by_first)
        left = copied(live, tmp_path / "left.db")
        log_of(left).write_bytes(written + left_by_first[len(written) :])
        shutil.copy(f"{live}-shm", f"{left}-shm")
    assert log_damage.commits_passed_over(left) == 0
    index = Path(f"{left}-shm")
    os.utime(index, (1.0, 1.0))  # from before the machine was started: nobody knows what it lacks
    assert log_damage.commits_passed_over(left) == 1


def test_before_the_first_commit_of_a_round_nothing_in_the_log_is_missed(crashed: Path) -> None:
    shutil.copy(_index_of(crashed), f"{crashed}-shm")
    flip(log_of(crashed), 32 + FRAME + 100)
    assert log_damage.commits_passed_over(crashed) > 0
    index = Path(f"{crashed}-shm")
    said = bytearray(index.read_bytes())
    said[16:20] = said[64:68] = bytes(4)  # both copies of the header: no frame of this round
    index.write_bytes(said)
    assert log_damage.commits_passed_over(crashed) == 0


def _written_by_a_victim(live: Path, dead: Path, commits: int) -> bytes:
    """The log after another process has written one commit of so many rows, of which it told nobody."""
    with closing(opened(copied(live, dead))) as victim:
        victim.execute("BEGIN")
        for number in range(commits):
            victim.execute("INSERT INTO t VALUES (?, randomblob(3000))", (number,))
        victim.execute("COMMIT")
        return log_of(dead).read_bytes()


def _index_of(database: Path) -> Path:
    """The index of the log that a process which reads the database makes."""
    twin = copied(database, database.with_name("twin.db"))
    kept = database.with_name("kept-shm")
    with closing(opened(twin)) as reader:
        reader.execute("SELECT count(*) FROM t").fetchall()
        shutil.copy(f"{twin}-shm", kept)
    return kept
