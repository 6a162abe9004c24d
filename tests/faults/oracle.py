"""The seven points that must hold after every restart, looked at from outside.

1. Every acknowledged document is there, byte for byte. 2. Each that is ready is found by its own word.
3. The indexes hold the ids of the live passages and no others. 4. Nothing deleted is found or readable.
5. The files on disk are those referred to. 6. SQLite and its keyword index are whole. 7. The indexes'
top-k is that of a brute-force scan of the vectors in SQL.

The database is read with the bare driver and not through the product; a library that runs is asked over
REST, or through whatever ``Asked`` is given. Each function returns what is violated, empty when nothing is.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pysqlite3
from numpy.typing import NDArray

from rag.stores.database import Database
from rag.stores.index_follower import IndexFollower
from tests.faults.ledger import Entry, only_word, sha256

BLOB_GRACE_SECONDS = 90.0
"""A file that nobody refers to may lie about for a minute; it may belong to an upload under way."""

_TOP = 5
_TOLERANCE = 1e-4
_LIVE = "SELECT live_version_id FROM documents WHERE live_version_id IS NOT NULL"


class Asked(Protocol):
    """A library that can be asked what it has."""

    def file(self, document_id: str) -> bytes | None:
        """The newest version's original file; None where there is no such document."""

    def text(self, document_id: str) -> str | None:
        """The canonical text that is searched; None where there is none."""

    def found(self, word: str) -> list[str]:
        """The ids of the documents whose passages hold ``word``, best first."""


def promises(entries: Iterable[Entry], library: Asked) -> list[str]:
    """Points 1, 2 and 4: what the ledger says against what the library says. All jobs must be done."""
    wrong: list[str] = []
    for entry in entries:
        if entry.id is None:
            continue
        if entry.deleted:
            wrong += _gone(entry, library)
        elif entry.present or library.file(entry.id) is not None:
            wrong += _there(entry, library)
        else:
            wrong += _gone(entry, library)
    return wrong


def _there(entry: Entry, library: Asked) -> list[str]:
    assert entry.id is not None
    content = library.file(entry.id)
    if content is None:
        return [f"lost: {entry.key} was acknowledged and is not there"]
    by_hash = {sha256(text): text for text in entry.could_be_newest()}
    newest = by_hash.get(hashlib.sha256(content).hexdigest())
    if newest is None:
        return [f"changed: {entry.key} has other bytes than those acknowledged"]
    wrong = []
    if library.text(entry.id) != newest:
        wrong.append(f"text: {entry.key} does not read as it was sent")
    if library.found(only_word(newest))[:1] != [entry.id]:
        wrong.append(f"not found: {entry.key} is not the first hit for its own word")
    return wrong


def _gone(entry: Entry, library: Asked) -> list[str]:
    assert entry.id is not None
    wrong = []
    if library.file(entry.id) is not None or library.text(entry.id) is not None:
        wrong.append(f"resurrected: {entry.key} was deleted and can be read")
    if any(entry.id in library.found(only_word(text)) for text in entry.versions):
        wrong.append(f"resurrected: {entry.key} was deleted and is found")
    return wrong


def folder(data: Path, *, spared_seconds: float = BLOB_GRACE_SECONDS) -> list[str]:
    """Points 3, 5, 6 and 7 of the data folder at ``data``; a service may be running over it.

    Args:
        spared_seconds: files younger than this may be such as nobody refers to.
    """
    with closing(pysqlite3.connect(f"file:{data / 'footnote.db'}?mode=ro", uri=True, timeout=20)) as raw:
        raw.execute("BEGIN")
        wrong = [*_whole(raw), *_consistent(raw), *_files(raw, data / "blobs", spared_seconds)]
    database = Database(data / "footnote.db")
    try:
        wrong += indexes(database, data)
    finally:
        database.close()
    return wrong


def _whole(raw: Any) -> list[str]:
    """Point 6. SQLite has the keyword index check itself within ``integrity_check``."""
    damage = [row[0] for row in raw.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
    orphans = raw.execute("PRAGMA foreign_key_check").fetchall()
    return [f"database: {line}" for line in damage] + [f"orphan row: {row}" for row in orphans]


def _consistent(raw: Any) -> list[str]:
    """What SQL says of itself: a live version has all its passages, each with one vector and its words."""
    questions = {
        "passages of what is not searched": f"SELECT id FROM chunks WHERE version_id NOT IN ({_LIVE})",
        "passages without a vector": "SELECT id FROM chunks WHERE id NOT IN (SELECT chunk_id FROM vectors)",
        "passages with two vectors": "SELECT chunk_id FROM vectors GROUP BY chunk_id HAVING count(*) > 1",
        "vectors of no passage": "SELECT id FROM vectors WHERE chunk_id NOT IN (SELECT id FROM chunks)",
        "passages without words": "SELECT id FROM chunks WHERE id NOT IN (SELECT id FROM keywords_docsize)",
        "words of no passage": "SELECT id FROM keywords_docsize WHERE id NOT IN (SELECT id FROM chunks)",
        "versions short of passages": "SELECT v.id FROM versions v "
        "LEFT JOIN chunks c ON c.version_id = v.id WHERE v.first_chunk IS NOT NULL "
        "GROUP BY v.id HAVING count(c.id) != v.last_chunk - v.first_chunk + 1",
        "versions short of text": "SELECT v.id FROM versions v "
        "LEFT JOIN text_pieces t ON t.version_id = v.id WHERE v.characters IS NOT NULL GROUP BY v.id "
        "HAVING coalesce(sum(length(t.text)), 0) != v.characters",
        "versions that wait for no job": "SELECT id FROM versions WHERE state IN ('queued', 'processing') "
        "AND id NOT IN (SELECT version_id FROM jobs WHERE state IN ('queued', 'running'))",
        "documents without a version": "SELECT id FROM documents d WHERE NOT EXISTS "
        "(SELECT 1 FROM versions v WHERE v.document_id = d.id AND v.number = d.latest_version)",
    }
    return [f"{what}: {rows[:3]}" for what, sql in questions.items() if (rows := raw.execute(sql).fetchall())]


def _files(raw: Any, blobs: Path, spared_seconds: float) -> list[str]:
    """Point 5."""
    referred = {row[0] for row in raw.execute("SELECT DISTINCT sha256 FROM versions")}
    stored = {path.name: path for path in blobs.glob("??/*")}
    wrong = [f"file missing: {one}" for one in sorted(referred - stored.keys())]
    for name in sorted(stored.keys() & referred):
        if hashlib.sha256(stored[name].read_bytes()).hexdigest() != name:
            wrong.append(f"file changed: {name}")
    for name in sorted(stored.keys() - referred):
        with suppress(FileNotFoundError):  # tidied this very moment
            if time.time() - stored[name].stat().st_mtime > spared_seconds:
                wrong.append(f"file left behind: {name}")
    return wrong


def indexes(database: Database, data: Path) -> list[str]:
    """Points 3 and 7, with the snapshots that lie there: what a service that starts now would search."""
    with database.read() as tx:
        raw: Any = tx.connection.driver_connection
        spaces = raw.execute("SELECT id, key, dimension FROM spaces").fetchall()
    wrong = []
    for space, key, dimension in spaces:
        with database.read() as tx:
            raw = tx.connection.driver_connection
            stored = vectors_of(raw, space)
            index = IndexFollower(data / "indexes" / key[:16], space, key, dimension).current(tx)
        if index.ids() != set(stored):
            wrong.append(f"index {key[:8]}: {len(index.ids() ^ set(stored))} ids differ from SQL")
        elif stored and not same_top(index.search, stored, dimension):
            wrong.append(f"index {key[:8]}: another top-{_TOP} than a scan of SQL")
    return wrong


def vectors_of(raw: Any, space: int) -> Mapping[int, NDArray[np.float32]]:
    """Every vector of a space in SQL, by passage."""
    rows = raw.execute("SELECT chunk_id, vector FROM vectors WHERE space_id = ?", (space,)).fetchall()
    return {chunk: np.frombuffer(vector, dtype="<f4") for chunk, vector in rows}


def same_top(search: Any, stored: Mapping[int, NDArray[np.float32]], dimension: int) -> bool:
    """Whether ``search`` finds what comparing a random question with every stored vector finds."""
    query = np.random.default_rng(len(stored)).standard_normal(dimension).astype(np.float32)
    scores = {chunk: float(vector @ query) for chunk, vector in stored.items()}
    best = sorted(scores.values(), reverse=True)[:_TOP]
    hits = search(query, _TOP)
    # Equal vectors may come in any order: scores are compared, and that each is the score of its passage.
    return len(hits) == len(best) and all(
        abs(score - wanted) < _TOLERANCE * max(1, abs(wanted)) and abs(scores[chunk] - score) < 1e-3
        for (chunk, score), wanted in zip(hits, best, strict=True)
    )
