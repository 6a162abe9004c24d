"""What is remembered of a folder between two runs, so that unchanged files need not be read again.

Only a cache: which documents there are is always asked of the service.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from api.cli.folders.scanning import Found, Stat

_FORMAT = 1
_RACY_NS = 2_000_000_000
"""A file this young may change once more without its time of change moving, as file systems keep time."""


class FolderRecord:
    """SHA-256 by source, each valid for as long as the file's ``Stat`` stays the same.

    Args:
        path: the file it is kept in; a damaged or missing one is an empty record.
        root: the folder it is about; ``other_root`` is set when it was about another one before.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._root = root
        content = _read(path)
        before = content.get("root")
        self.other_root = Path(before) if isinstance(before, str) and before != str(root) else None
        self._known: dict[str, tuple[Stat, str]] = {}
        if self.other_root is None:
            with suppress(TypeError, ValueError, AttributeError):
                self._known = {
                    source: (Stat(int(size), int(mtime_ns), int(inode)), str(sha256))
                    for source, (size, mtime_ns, inode, sha256) in content.get("files", {}).items()
                }

    def sha256(self, file: Found) -> str | None:
        """The hash of a file that has not changed since it was learned."""
        stat, sha256 = self._known.get(file.source, (None, None))
        return sha256 if stat == file.stat else None

    def learn(self, file: Found, sha256: str, now_ns: int) -> None:
        """Remember the hash, unless the file changed so recently that its ``Stat`` does not prove a thing."""
        if now_ns - file.stat.mtime_ns > _RACY_NS:
            self._known[file.source] = (file.stat, sha256)
        else:
            self._known.pop(file.source, None)

    def save(self, present: Collection[str]) -> None:
        """Write what is known of the sources that are ``present``. A full disk is no reason to fail."""
        self._known = {source: known for source, known in self._known.items() if source in present}
        content = {
            "format": _FORMAT,
            "root": str(self._root),
            "files": {
                source: [stat.size, stat.mtime_ns, stat.inode, sha256]
                for source, (stat, sha256) in self._known.items()
            },
        }
        with suppress(OSError):
            _write(self._path, json.dumps(content, separators=(",", ":")))


def record_name(url: str, collection: str, name: str) -> str:
    """A file name for what is kept about the folder ``name`` in this collection of this service."""
    return hashlib.sha256(json.dumps([url, collection, name]).encode()).hexdigest()[:32]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) and content.get("format") == _FORMAT else {}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
