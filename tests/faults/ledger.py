"""What was asked of a library and what it promised, written down where its faults cannot reach.

A line is on the disk before the request is made, and another once it has been acknowledged. Between the
two anything may have happened, and the oracle allows for either; after the second, only one thing may.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Entry:
    """One document as its client knows it.

    ``versions`` are the texts acknowledged, oldest first; ``pending`` the text of an upload without an
    answer. ``id`` is None until the first acknowledgement. ``deleting``: a delete was asked for;
    ``deleted``: and acknowledged.
    """

    key: str
    id: str | None = None
    versions: list[str] = field(default_factory=list)
    pending: str | None = None
    deleting: bool = False
    deleted: bool = False

    @property
    def present(self) -> bool:
        """It was acknowledged and nobody asked for it to go: it has to be there."""
        return self.id is not None and not self.deleting

    def could_be_newest(self) -> set[str]:
        """The texts of which the newest version must have one."""
        return {self.versions[-1], *([self.pending] if self.pending is not None else [])}


class LedgerFailed(Exception):
    """A fault that was meant for the library met the ledger: nothing can be told from what follows."""


class Ledger:
    """Entries by the client's own key, kept in the file at ``path``. Safe to use from many threads."""

    def __init__(self, path: Path) -> None:
        self.entries: dict[str, Entry] = {}
        self._lock = threading.Lock()
        self._touched: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_bytes().splitlines():
                self._enter(*json.loads(line))
        self._file = path.open("ab", buffering=0)

    def asks_upload(self, key: str, text: str) -> None:
        self._write(key, "upload?", text)

    def acknowledged_upload(self, key: str, document_id: str) -> None:
        self._write(key, "upload!", document_id)

    def refused_upload(self, key: str) -> None:
        """A clear no: nothing may have been kept."""
        self._write(key, "refused", "")

    def asks_delete(self, key: str) -> None:
        self._write(key, "delete?", "")

    def acknowledged_delete(self, key: str) -> None:
        self._write(key, "delete!", "")

    def refused_delete(self, key: str) -> None:
        self._write(key, "kept", "")

    def touched(self) -> set[str]:
        """The keys of which something was asked since this was last called."""
        with self._lock:
            touched, self._touched = self._touched, set()
            return touched

    def as_of_now(self) -> dict[str, Entry]:
        """A copy of the entries, while others go on writing."""
        with self._lock:
            return deepcopy(self.entries)

    def close(self) -> None:
        self._file.close()

    def _write(self, key: str, what: str, value: str) -> None:
        with self._lock:
            try:
                self._file.write(json.dumps([key, what, value]).encode() + b"\n")
                os.fsync(self._file.fileno())
            except OSError as error:
                raise LedgerFailed(str(error)) from error
            self._enter(key, what, value)

    def _enter(self, key: str, what: str, value: str) -> None:
        self._touched.add(key)
        entry = self.entries.setdefault(key, Entry(key))
        if what == "upload?":
            entry.pending = value
        elif what == "upload!":
            assert entry.pending is not None
            entry.id = value
            entry.versions.append(entry.pending)
            entry.pending = None
        elif what == "refused":
            entry.pending = None
        elif what == "delete?":
            entry.deleting = True
        elif what == "kept":
            entry.deleting = False
        else:
            entry.deleted = True


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def only_word(text: str) -> str:
    """The word that no other text has: its first."""
    return text.split(maxsplit=1)[0]
