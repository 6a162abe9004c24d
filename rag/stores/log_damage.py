"""Commits in SQLite's write-ahead log that SQLite passes over, and a note of it for who keeps the library.

SQLite reads its log up to the first frame whose checksum is wrong and takes that for the end: right after a
power cut in the middle of a commit, which nobody was told of, but a flipped byte further up makes it drop
commits that were acknowledged, without a word. Whether there are any is seen before the database is
opened: a frame that ends a commit and is of this very log, behind the place where SQLite stops.

Such frames may be no loss. A process that is killed while its commit is being synced has told nobody, and one
that lives on writes over some of what it left. The index of the log, which those who have a database open
share, says how far it had been committed when anybody was last told: if SQLite reads as far, all is there.

The formats are described at https://sqlite.org/fileformat2.html#the_write_ahead_log and
https://sqlite.org/walformat.html#the_wal_index_file_format.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rag.stores.blobs import fsync_folder, storage_errors

NOTE_NAME = "log-cut-short"
"""In the data folder while nobody has dealt with it. Says when, and nothing of any document."""
_LOG_HEADER, _FRAME_HEADER, _INDEX_HEADER = 32, 24, 48
_MAGIC = 0x377F0682
_BIG_ENDIAN_SUMS = 1
_BYTES_AT_ONCE = 16 * 2**20

_MODULUS = 1 << 32
_PAGE_SIZES = [2**power for power in range(9, 17)]
_USUAL_PAGE = 4096


@dataclass(frozen=True, slots=True)
class CutShort:
    """``commits`` were passed over, at ``noticed_at`` (seconds since the epoch)."""

    commits: int
    noticed_at: float


def look(database: Path) -> CutShort | None:
    """Look through the log of the ``database``, which nobody may have open, and keep a note if SQLite will
    pass over commits. Returns what is new, None on a sound log."""
    commits = commits_passed_over(database)
    if commits == 0:
        return None
    found = CutShort(commits, time.time())
    note = _note(database)
    with storage_errors():
        note.write_text(json.dumps({"commits": found.commits, "noticed_at": found.noticed_at}))
        fsync_folder(note.parent)
    return found


def noted(database: Path) -> CutShort | None:
    """What was noticed and has not been dealt with."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(_note(database).read_text())
        return CutShort(int(said["commits"]), float(said["noticed_at"]))
    return None


def forget(database: Path) -> None:
    """Somebody has dealt with it."""
    _note(database).unlink(missing_ok=True)


def commits_passed_over(database: Path) -> int:
    """How many commits lie behind the place where SQLite stops reading the log of ``database``; 0 where
    nobody was told of any of them."""
    try:
        with database.with_name(database.name + "-wal").open("rb") as file:
            log = _Log(file, _page_size(database), _last_told(database))
            passed_over = log.commits_passed_over()
    except FileNotFoundError:
        return 0
    return 0 if log.holds_told else passed_over


@dataclass(frozen=True, slots=True)
class _Place:
    """After so many frames of the log that has these salts, where the checksum is this."""

    frames: int
    sums: tuple[int, ...]
    salts: tuple[int, ...]


class _Log:
    """A log that is open at its beginning. ``holds_told`` is whether SQLite reads it as far as ``told``, once
    it has been looked through."""

    def __init__(self, file: BinaryIO, page_size: int, told: _Place | None) -> None:
        self._file = file
        self._page_size = page_size
        self._told = told
        # Before the first commit of a round all is in the database, whatever the log still has of the last.
        self.holds_told = told is not None and told.frames == 0
        self._read = 0
        head = file.read(_LOG_HEADER)
        fields = [int(field) for field in np.frombuffer(head[: len(head) & ~3], dtype=">u4")]
        magic = fields[0] if fields else 0
        self._words = np.dtype(">u4" if magic & _BIG_ENDIAN_SUMS else "<u4")
        self._salts: tuple[int, ...] = ()
        self._sums: tuple[int, int] | None = None  # None: from here on nothing holds
        if len(fields) == _LOG_HEADER // 4 and magic & ~_BIG_ENDIAN_SUMS == _MAGIC:
            sums = _sums_of(np.frombuffer(head[:24], dtype=self._words).astype(np.uint32)[None, :])[0]
            if sums == (fields[6], fields[7]):
                self._sums, self._salts = sums, (fields[4], fields[5])

    def commits_passed_over(self) -> int:
        frame = _FRAME_HEADER + self._page_size
        passed_over = 0
        while frames := len(block := self._file.read(_BYTES_AT_ONCE // frame * frame)) // frame:
            raw = np.frombuffer(block, dtype=np.uint8, count=frames * frame).reshape(frames, frame)
            heads = np.ascontiguousarray(raw[:, :_FRAME_HEADER]).view(">u4")
            # Where the log's own header is damaged, the first frame tells which log it is.
            self._salts = self._salts or tuple(int(salt) for salt in heads[0, 2:4])
            own = (heads[:, 2:4] == self._salts).all(axis=1)
            sound = self._sound(raw, heads, own)
            self._compare_with_told(heads[:sound])
            passed_over += int(np.count_nonzero(own[sound:] & (heads[sound:, 1] != 0)))
        return passed_over

    def _compare_with_told(self, sound: NDArray[Any]) -> None:
        """Take note if ``told`` is behind one of these frames, which are the next that SQLite reads."""
        before, self._read = self._read, self._read + len(sound)
        if self._told is not None and before < self._told.frames <= self._read:
            sums = tuple(int(part) for part in sound[self._told.frames - before - 1, 4:6])
            self.holds_told = self._told == _Place(self._told.frames, sums, self._salts)

    def _sound(self, raw: NDArray[np.uint8], heads: NDArray[Any], own: NDArray[np.bool_]) -> int:
        """How many of these frames SQLite reads; each checksum goes on from the one before."""
        if self._sums is None:
            return 0
        summed = np.concatenate((raw[:, :8], raw[:, _FRAME_HEADER:]), axis=1).view(self._words)
        for number, (first, second) in enumerate(_sums_of(summed.astype(np.uint32))):
            (a, b), (c, d) = _powers(summed.shape[1] // 2)[-1]
            one, other = self._sums
            self._sums = (a * one + b * other + first) % _MODULUS, (c * one + d * other + second) % _MODULUS
            if not own[number] or self._sums != (int(heads[number, 4]), int(heads[number, 5])):
                self._sums = None
                return number
        return len(raw)


def _last_told(database: Path) -> _Place | None:
    """Where the last commit that others could see ended, by the log's index; None where that is not whole, or
    from before the machine was started: it is never synced, so that a power cut leaves any state of it."""
    try:
        with database.with_name(database.name + "-shm").open("rb") as file:
            head, again = file.read(_INDEX_HEADER), file.read(_INDEX_HEADER)
            if os.fstat(file.fileno()).st_mtime < time.time() - _seconds_up():
                return None
    except OSError:
        return None
    if len(again) < _INDEX_HEADER or head != again:
        return None
    frames, _, *sums = (int(field) for field in np.frombuffer(head[16:32], dtype=np.uint32))
    return _Place(frames, tuple(sums), tuple(int(salt) for salt in np.frombuffer(head[32:40], dtype=">u4")))


def _seconds_up() -> float:
    """Since the machine was started; 0 on a system that does not tell."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if clock is None else time.clock_gettime(clock)


def _sums_of(words: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """SQLite's checksum of each row, begun at 0: ``s0 += x + s1; s1 += y + s0`` for each two words.

    That is linear, so that it is one product for all rows instead of a loop over every word."""
    sums = words @ _weights(words.shape[1] // 2)
    return [(int(first), int(second)) for first, second in sums]


@cache
def _weights(pairs: int) -> NDArray[np.uint32]:
    """What each word of so many pairs adds to the two sums in the end."""
    rows: list[tuple[int, int]] = []
    for (a, b), (c, d) in _powers(pairs)[:-1]:  # from the last pair on, which no step follows
        rows += [(b, d), ((a + b) % _MODULUS, (c + d) % _MODULUS)]
    return np.array(rows[::-1], dtype=np.uint32)


@cache
def _powers(pairs: int) -> Sequence[tuple[tuple[int, int], tuple[int, int]]]:
    """What no pair, one, and so on up to so many make of the sums they begin with."""
    (a, b), (c, d) = (1, 0), (0, 1)
    found = [((a, b), (c, d))]
    for _ in range(pairs):
        (a, b), (c, d) = (
            ((a + b) % _MODULUS, (a + 2 * b) % _MODULUS),
            ((c + d) % _MODULUS, (c + 2 * d) % _MODULUS),
        )
        found.append(((a, b), (c, d)))
    return found


def _page_size(database: Path) -> int:
    with database.open("rb") as file:
        stated = int.from_bytes(file.read(18)[16:18], "big")
    size = 65_536 if stated == 1 else stated
    return size if size in _PAGE_SIZES else _USUAL_PAGE


def _note(database: Path) -> Path:
    return database.with_name(NOTE_NAME)
