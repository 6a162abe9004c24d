"""A folder as it is now: its files with their hashes, reading only those that changed since last time."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.cli.folders.ignoring import IGNORE_FILE, Ignored, patterns_of
from api.cli.folders.planning import LocalFile
from api.cli.folders.record import FolderRecord, record_name
from api.cli.folders.scanning import Found, Scan, Skipped, Stat, scan
from api.cli.user_cache import user_cache
from api.sources import checked_source
from ingest.sniffing import sniff
from rag.errors import Conflict, DocumentRejected, Unsupported

OnFile = Callable[[], None]
"""Called once for every file looked at."""


@dataclass(frozen=True, slots=True)
class View:
    """What a folder holds. ``paths`` says where each of the ``files`` lies."""

    files: Sequence[LocalFile]
    paths: Mapping[str, Path]
    skipped: Sequence[Skipped]

    @property
    def unknown(self) -> Collection[str]:
        """Sources of what is there and could not be taken: nothing is to be concluded about them."""
        return {one.source for one in self.skipped}


class Folder:
    """A folder that is kept in a collection of a service.

    Args:
        root: the folder.
        name: the first step of all its sources; the folder's own name when None.
        patterns: of what to leave out, besides those in its ``.footnoteignore``.

    Raises ``BadRequest`` (``bad_source``, ``bad_ignore_pattern``).
    """

    def __init__(
        self, root: Path, *, url: str, collection: str, name: str | None = None, patterns: Sequence[str] = ()
    ) -> None:
        self.root = Path(os.path.abspath(root))
        self.name = checked_source(name or self.root.name or "root")
        self.collection = collection
        self._patterns = tuple(patterns)
        self.key = record_name(url, collection, self.name)
        self._refused: dict[str, tuple[Stat, Skipped]] = {}
        self._record = FolderRecord(user_cache() / "folders" / f"{self.key}.json", self.root)
        self._last_ignored = self.ignored()

    @property
    def lock_path(self) -> Path:
        """Held by whoever follows the folder."""
        return user_cache() / "folders" / f"{self.key}.lock"

    @property
    def prefix(self) -> str:
        """What the sources of all its documents begin with."""
        return self.name + "/"

    def ignored(self) -> Ignored:
        """What is left out, by the patterns as they are now. Raises ``BadRequest``."""
        self._last_ignored = Ignored((*self._patterns, *patterns_of(self.root)))
        return self._last_ignored

    def concerns(self, path: Path) -> bool:
        """Whether a change at ``path`` can matter: it is taken, or says what is."""
        try:
            within = path.relative_to(self.root).as_posix()
        except ValueError:
            return True
        return within == IGNORE_FILE or not self._last_ignored.within(within)

    def check_name(self, taken: bool) -> None:
        """Refuse to take the documents of another folder of the same name for this one's.

        Raises ``Conflict`` (``folder_name_taken``) when there are documents (``taken``) and the folder
        they were last added from is another one that still exists.
        """
        other = self._record.other_root
        if taken and other is not None and other.is_dir():
            raise Conflict(
                "folder_name_taken",
                f"The documents of {self.name}/ come from {other}; give this folder another name with --as.",
            )

    def scan(self) -> Scan:
        """Its files as the file system lists them. Raises ``OSError`` when the folder is not there."""
        return scan(self.root, self.name, self.ignored())

    def view(self, found: Scan, on_file: OnFile | None = None) -> View:
        """Hash what changed since the last time, leaving out what is of no kind that is read."""
        files, skipped, paths = [], list(found.skipped), {}
        for file in found.files:
            before = self._refused.get(file.source)
            if before is not None and before[0] == file.stat:
                skipped.append(before[1])
                continue
            try:
                sha256 = self._record.sha256(file) or self._hash(file)
            except (OSError, Unsupported, DocumentRejected) as error:
                skipped.append(_skipped(file, error))
                self._refused[file.source] = (file.stat, skipped[-1])
            else:
                files.append(LocalFile(file.source, sha256, file.stat.size))
                paths[file.source] = file.path
            if on_file is not None:
                on_file()
        return View(files, paths, skipped)

    def remember(self, view: View) -> None:
        """Keep the hashes for the next run."""
        self._record.save(view.paths.keys())

    def _hash(self, file: Found) -> str:
        with file.path.open("rb") as content:
            sniff(content, file.path.name)
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        self._record.learn(file, sha256, time.time_ns())
        return sha256


def _skipped(file: Found, error: OSError | Unsupported | DocumentRejected) -> Skipped:
    if isinstance(error, OSError):
        return Skipped(file.source, error.strerror or type(error).__name__, unreadable=True)
    # An empty file has nothing to be read; one that is protected has.
    broken = isinstance(error, DocumentRejected) and error.code != "empty_file"
    # What to send instead is no advice for a file that happens to lie there.
    reason = error.detail if broken else error.detail.partition(". ")[0].rstrip(".")
    return Skipped(file.source, f"{error.code}: {reason}", unreadable=broken)
