"""Snapshots of a FAISS index on disk, believed only when every byte is as it was written.

Order of writing: index bytes to a temporary file, fsync, rename; then the manifest the same way; then
the folder. The manifest is what makes a snapshot exist. ``faiss.write_index`` is not used: on a full
disk it can return normally and leave an empty file.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.stores.vector_index import FAISS_VERSION, DamagedIndex, VectorIndex

_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is: change ``seq`` it includes, and how to tell that it is whole."""

    seq: int
    file: str
    sha256: str
    bytes: int
    count: int
    dimension: int
    space: str
    faiss: str


def save(folder: Path, index: VectorIndex, seq: int, space: str) -> Manifest:
    """Replace the folder's snapshot. Raises ``OSError``; the old snapshot then still holds."""
    folder.mkdir(parents=True, exist_ok=True)
    count, data = len(index), index.to_bytes()
    manifest = Manifest(
        seq=seq,
        file=f"{seq}.faiss",
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        count=count,
        dimension=index.dimension,
        space=space,
        faiss=FAISS_VERSION,
    )
    _write_durably(folder / manifest.file, data)
    _write_durably(folder / _MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
    for path in folder.iterdir():
        if path.name not in (manifest.file, _MANIFEST):
            with suppress(FileNotFoundError):
                path.unlink()
    return manifest


def space_of(folder: Path) -> str | None:
    """The key of the space whose snapshot lies there, None where there is none or it is damaged."""
    try:
        return Manifest(**json.loads((folder / _MANIFEST).read_bytes())).space
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def load(folder: Path, space: str, dimension: int) -> tuple[VectorIndex, int] | None:
    """The index and the change it is at, or None when there is no snapshot that can be believed."""
    try:
        manifest = Manifest(**json.loads((folder / _MANIFEST).read_bytes()))
        if (manifest.space, manifest.dimension, manifest.faiss) != (space, dimension, FAISS_VERSION):
            return None
        data = (folder / Path(manifest.file).name).read_bytes()
        if len(data) != manifest.bytes or hashlib.sha256(data).hexdigest() != manifest.sha256:
            return None
        return VectorIndex.from_bytes(data, dimension, manifest.count), manifest.seq
    except (OSError, ValueError, TypeError, RecursionError, DamagedIndex):
        return None


def _write_durably(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
