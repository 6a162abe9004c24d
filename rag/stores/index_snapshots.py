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
from typing import Any

from rag.stores.blobs import fsync_folder
from rag.stores.vector_index import FAISS_VERSION, DamagedIndex, Form, Tuning, VectorIndex

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
    probes: int
    trained_on: int
    recall: float | None
    measured_on: int

    @property
    def tuning(self) -> Tuning:
        return Tuning(self.probes, self.trained_on, self.recall, self.measured_on)


def save(folder: Path, index: VectorIndex, seq: int, space: str) -> Manifest:
    """Replace the folder's snapshot. Raises ``OSError``; the old snapshot then still holds."""
    folder.mkdir(parents=True, exist_ok=True)
    data, count = index.to_bytes()
    manifest = Manifest(
        seq=seq,
        # One form after the other at the same change: the first is good until the second is there.
        file=f"{seq}.faiss" if index.form is Form.FLAT else f"{seq}.{index.form}.faiss",
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        count=count,
        dimension=index.dimension,
        space=space,
        faiss=FAISS_VERSION,
        **asdict(index.tuning),
    )
    try:
        _write_durably(folder / manifest.file, data)
        fields = asdict(manifest)
        _write_durably(
            folder / _MANIFEST, json.dumps({**fields, "digest": _digest(fields)}, indent=1).encode()
        )
    finally:
        _remove_others(folder)
    return manifest


def manifest_of(folder: Path) -> Manifest | None:
    """What lies there says it is, None where there is nothing or it is damaged."""
    try:
        return _manifest(folder)
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _manifest(folder: Path) -> Manifest:
    """Raises ``OSError``, ``ValueError``, ``TypeError`` or ``RecursionError``: it is not as written."""
    fields = json.loads((folder / _MANIFEST).read_bytes())
    if not isinstance(fields, dict) or fields.pop("digest", None) != _digest(fields):
        raise ValueError("the manifest was changed")
    return Manifest(**fields)


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def load(folder: Path, space: str, dimension: int) -> tuple[VectorIndex, int] | None:
    """The index and the change it is at, or None when there is no snapshot that can be believed."""
    try:
        manifest = _manifest(folder)
        if (manifest.space, manifest.dimension, manifest.faiss) != (space, dimension, FAISS_VERSION):
            return None
        path = folder / Path(manifest.file).name
        if path.stat().st_size != manifest.bytes or _sha256(path) != manifest.sha256:
            return None
        return VectorIndex.read(path, dimension, manifest.count, manifest.tuning), manifest.seq
    except (OSError, ValueError, TypeError, RecursionError, DamagedIndex):
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_others(folder: Path) -> None:
    """Everything but the snapshot that holds, whichever it is: half a new one would keep a full disk full."""
    try:
        kept = json.loads((folder / _MANIFEST).read_bytes())["file"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        kept = None
    for path in folder.iterdir():
        if path.name not in (kept, _MANIFEST):
            with suppress(OSError):
                path.unlink()


def _write_durably(path: Path, data: bytes | memoryview) -> None:
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb", buffering=0) as file:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    os.replace(temporary, path)
    fsync_folder(path.parent)
