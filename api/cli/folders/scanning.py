"""Walking a folder: its files with what the file system says of them, and what is not taken and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from api.cli.folders.ignoring import Ignored
from api.sources import checked_source
from rag.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Stat:
    """What changes when a file does: its size, the time of its last change and its inode."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Found:
    """A file. ``source`` is the folder's name and the path within it."""

    path: Path
    source: str
    stat: Stat


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is not taken. ``unreadable`` means that it should have been."""

    source: str
    reason: str
    unreadable: bool = False


@dataclass(slots=True)
class Scan:
    """The files of a folder, in the order of their sources, and what was passed over with a reason."""

    files: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def scan(root: Path, name: str, ignored: Ignored) -> Scan:
    """Look through ``root``, whose files get sources that begin with ``name/``.

    Links are followed to files within the folder only: what lies outside was not offered.

    Raises ``FileNotFoundError`` or ``NotADirectoryError`` when the folder itself is not there.
    """
    found = Scan()
    inside = Path(os.path.realpath(root))
    for entry, within in _entries(root, name, ignored, found.skipped):
        path, source = Path(entry.path), f"{name}/{within}"
        reason = _objection(entry, source, inside)
        if reason is not None:
            found.skipped.append(Skipped(_printable(source), reason))
            continue
        try:
            found.files.append(Found(path, source, stat_of(path)))
        except OSError as error:
            found.skipped.append(Skipped(source, _said(error), unreadable=True))
    found.files.sort(key=lambda file: file.source)
    return found


def stat_of(path: Path) -> Stat:
    status = path.stat()
    return Stat(status.st_size, status.st_mtime_ns, status.st_ino)


def _entries(
    root: Path, name: str, ignored: Ignored, skipped: list[Skipped]
) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Files and links below ``root`` that are not ignored, with their paths within it."""
    folders = [(str(root), "")]
    while folders:
        folder, within = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            if not within:
                raise
            skipped.append(Skipped(_printable(f"{name}/{within[:-1]}"), _said(error), unreadable=True))
            continue
        for entry in entries:
            path = within + entry.name
            if entry.is_dir(follow_symlinks=False):
                if not ignored.folder(path):
                    folders.append((entry.path, path + "/"))
            elif (entry.is_file(follow_symlinks=False) or entry.is_symlink()) and not ignored.file(path):
                yield entry, path


def _objection(entry: os.DirEntry[str], source: str, inside: Path) -> str | None:
    """Why this is not taken, or None."""
    try:
        source.encode()
        checked_source(source)
    except UnicodeEncodeError:
        return "its name is not Unicode"
    except BadRequest as error:
        return error.detail
    if not entry.is_symlink():
        return None
    target = Path(os.path.realpath(entry.path))
    if not target.is_relative_to(inside):
        return "a link that leads out of the folder"
    return None if target.is_file() else "a link that leads to no file"


def _printable(source: str) -> str:
    return source.encode(errors="replace").decode()


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__
