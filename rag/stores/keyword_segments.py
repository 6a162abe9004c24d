"""The posting lists of a library as files, made from the texts in SQL and added to as chunks come.

``python -m rag.stores.keyword_segments DATABASE FOLDER`` brings the folder up to date. It runs in a process
of its own: taking apart a million passages holds the interpreter for minutes, and what it takes in memory
goes back to the system. What is there is believed only if every byte is as it was written.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from rag.stores import chunk_store, postings
from rag.stores.blobs import fsync_folder
from rag.stores.database import Database, Tx
from rag.stores.keyword_ranking import encoded
from rag.stores.postings import ARRAYS, Segment, SegmentBuilder
from rag.stores.tables import chunks
from rag.text.words import STOPWORDS, stem, words

FOLDER = "keywords"
"""What the folder is called among the indexes."""
SEGMENT = 65_536
"""Chunk ids taken together in memory."""
ALIVE = 0.7
"""Share of the chunks it was made from that must still be there."""

_MANIFEST = "manifest.json"
_LOCK = ".lock"
_FORMAT = 1
"""Counted up when words are taken apart or stored otherwise."""
_BATCH = 1_000
_TIMES = 4
"""How many times as large as the next a segment is to be."""
_COMPARED = 16
_HASHED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Part:
    """A segment's folder, what it covers, and the sha256 of its files."""

    name: str
    first: int
    last: int
    chunks: int
    sha256: dict[str, str]


@dataclass(slots=True)
class Manifest:
    """``average`` is the length in words against which chunks are measured, that of the first segment."""

    average: float | None = None
    parts: list[Part] = field(default_factory=list)
    format: int = _FORMAT

    @property
    def last(self) -> int:
        return self.parts[-1].last if self.parts else 0

    @property
    def chunks(self) -> int:
        return sum(part.chunks for part in self.parts)


def read_manifest(folder: Path) -> Manifest:
    """An empty one where there is none, or one that cannot be used."""
    try:
        stored = json.loads((folder / _MANIFEST).read_bytes())
        manifest = Manifest(**{**stored, "parts": [Part(**part) for part in stored["parts"]]})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return Manifest()
    return manifest if manifest.format == _FORMAT else Manifest()


def load(tx: Tx, folder: Path) -> list[Segment]:
    """The segments, or none unless every file is whole and they are about the chunks of this database."""
    manifest = read_manifest(folder)
    written = {folder / part.name / name: part.sha256.get(name) for part in manifest.parts for name in ARRAYS}
    try:
        with ThreadPoolExecutor(_HASHED_AT_ONCE) as pool:  # most of a start; it leaves the interpreter alone
            if list(pool.map(_sha256, written)) != list(written.values()):
                return []
        segments = [_open(folder, part) for part in manifest.parts]
    except (OSError, ValueError):
        return []
    return segments if all(_is_about(tx, segment) for segment in segments) else []


def update(database: Database, folder: Path) -> None:
    """Add segments for the chunks that came since, join small neighbours, and write the manifest.

    Raises ``OSError``; what the last manifest names is still there then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with database.read() as tx:
        alive = tx.scalar(select(func.count()).select_from(chunks)) or 0
        newest = tx.scalar(select(func.max(chunks.c.id))) or 0
        manifest = read_manifest(folder)
        if manifest.last > newest or alive < ALIVE * manifest.chunks or not load(tx, folder):
            manifest = Manifest()
    for first in range(manifest.last + 1, newest + 1, SEGMENT):
        last = min(first + SEGMENT - 1, newest)
        builder = _collected(database, first, last, manifest.average)
        segment = builder.build(first, last)
        manifest.average = builder.average
        segment.write(_emptied(folder / f"{first}-{last}"))
        manifest.parts.append(_part(folder, f"{first}-{last}", segment))
    _join_small(manifest, folder)
    _write_manifest(folder, manifest)
    kept = {_MANIFEST, _LOCK, *(part.name for part in manifest.parts)}
    for path in folder.iterdir():
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)


def stems_of(context: str, body: str) -> tuple[int, list[str]]:
    """How many words a chunk has, and the stems of those that are looked for."""
    said = words(f"{context}\n{body}")
    return len(said), [stem(word) for word in said if word not in STOPWORDS]


def _collected(database: Database, first: int, last: int, average: float | None) -> SegmentBuilder:
    builder = SegmentBuilder(average)
    for start in range(first, last + 1, _BATCH):
        with database.read() as tx:
            inside = chunks.c.id.between(start, min(start + _BATCH - 1, last))
            said = chunk_store.said(tx, tx.scalars(select(chunks.c.id).where(inside)).all())
        for chunk_id, context, body in said:
            builder.add(chunk_id, *stems_of(context, body))
    return builder


def _join_small(manifest: Manifest, folder: Path) -> None:
    """Join neighbours until each segment is some times as large as the next: there are never more than a
    few, and a posting is moved a few times each time the library grows to a multiple."""
    groups: list[list[Part]] = []
    for part in manifest.parts:
        groups.append([part])
        while len(groups) > 1 and _size(groups[-2]) < _TIMES * _size(groups[-1]):
            groups[-2:] = [[*groups[-2], *groups[-1]]]
    manifest.parts = [group[0] if len(group) == 1 else _joined(group, folder) for group in groups]


def _joined(parts: Sequence[Part], folder: Path) -> Part:
    name = f"{parts[0].first}-{parts[-1].last}"
    postings.merge([_open(folder, part) for part in parts], _emptied(folder / name))
    return _part(folder, name, Segment.open(folder / name, parts[0].first, parts[-1].last, _size(parts)))


def _size(parts: Sequence[Part]) -> int:
    return sum(part.chunks for part in parts)


def _is_about(tx: Tx, segment: Segment) -> bool:
    """Whether some chunks of SQL are where the segment has them: it may be of another history of the
    database, a restored backup's perhaps."""
    drawn = np.random.default_rng(segment.last).integers(segment.first, segment.last + 1, 4 * _COMPARED)
    wanted = select(chunks.c.id).where(chunks.c.id.in_(drawn.tolist())).limit(_COMPARED)
    for chunk_id, context, body in chunk_store.said(tx, tx.scalars(wanted).all()):
        stems = sorted(set(stems_of(context, body)[1]))
        for found in segment.find(encoded(stems)) if stems else ():
            if found is None or chunk_id not in found[0][np.searchsorted(found[0], chunk_id) :][:1]:
                return False
    return True


def _part(folder: Path, name: str, segment: Segment) -> Part:
    hashes = {array: _sha256(folder / name / array) for array in ARRAYS}
    return Part(name, segment.first, segment.last, segment.chunks, hashes)


def _open(folder: Path, part: Part) -> Segment:
    return Segment.open(folder / Path(part.name).name, part.first, part.last, part.chunks)


def _emptied(folder: Path) -> Path:
    """A name that is free: what lies there is of a run that did not come to its end."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    temporary = folder / f"{_MANIFEST}.tmp"
    with temporary.open("wb") as file:
        file.write(json.dumps(asdict(manifest), indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, folder / _MANIFEST)
    fsync_folder(folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: Sequence[str]) -> None:
    os.nice(15)
    folder = Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # the child of a parent that has died is at it still
            return
        database = Database(Path(arguments[0]))
        try:
            update(database, folder)
        finally:
            database.close()


if __name__ == "__main__":
    main(sys.argv[1:])
