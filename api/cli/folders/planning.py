"""What has to be done so that the service has what a folder has. Pure: two lists in, one list out.

A document belongs to the place it lies at, its source. Bytes decide whether it changed, and whether
something that turned up at a new place is what went away from an old one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the folder. ``sha256`` is of its bytes, ``size`` is their number."""

    source: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A document the service has from this folder; ``sha256`` is that of its newest version."""

    source: str
    sha256: str
    document_id: str
    state: str = "ready"
    error: str | None = None


class ActionKind(StrEnum):
    """In the order in which they are to be carried out."""

    MOVED = "moved"
    CHANGED = "changed"
    ADDED = "added"
    GONE = "gone"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do, or to report.

    ``document_id`` is None for what the service does not have yet; ``before`` is where a moved document
    was.
    """

    kind: ActionKind
    source: str
    size: int = 0
    document_id: str | None = None
    before: str | None = None


_ORDER = {kind: place for place, kind in enumerate(ActionKind)}


def plan(
    local: Sequence[LocalFile], remote: Sequence[RemoteFile], unknown: Collection[str] = ()
) -> list[Action]:
    """What to do, each file and each document exactly once, in the order in which to do it.

    A copy of a file is a document of its own: it may change on its own.

    Args:
        local: the files, each source once.
        remote: the service's documents, each source once.
        unknown: sources of files and folders that are there but could not be looked at. What the
            service has of them, or from below them, is left alone and not mentioned.
    """
    present = {file.source for file in local}
    known = {file.source: file for file in remote}
    hidden = _Below(unknown)
    gone = [file for file in remote if file.source not in present and file.source not in hidden]
    actions = list(_where_they_were(local, known))
    new = [file for file in local if file.source not in known]
    moves = _moves(new, gone)
    actions += moves
    moved_to = {action.source for action in moves}
    moved_from = {action.before for action in moves}
    actions += [
        Action(ActionKind.ADDED, file.source, file.size) for file in new if file.source not in moved_to
    ]
    actions += [
        Action(ActionKind.GONE, file.source, document_id=file.document_id)
        for file in gone
        if file.source not in moved_from
    ]
    return sorted(actions, key=lambda action: (_ORDER[action.kind], action.source))


def _where_they_were(local: Sequence[LocalFile], known: dict[str, RemoteFile]) -> Iterator[Action]:
    for file in local:
        there = known.get(file.source)
        if there is not None:
            kind = ActionKind.UNCHANGED if there.sha256 == file.sha256 else ActionKind.CHANGED
            yield Action(kind, file.source, file.size, there.document_id)


def _moves(new: Sequence[LocalFile], gone: Sequence[RemoteFile]) -> list[Action]:
    """Files at new places whose bytes went away from an old one; a file that kept its name comes first."""
    left: dict[str, list[RemoteFile]] = defaultdict(list)
    for one in gone:
        left[one.sha256].append(one)
    moves = []
    for file in new:
        candidates = left.get(file.sha256)
        if not candidates:
            continue
        before = min(candidates, key=lambda one: (_name(one.source) != _name(file.source), one.source))
        candidates.remove(before)
        moves.append(Action(ActionKind.MOVED, file.source, file.size, before.document_id, before.source))
    return moves


class _Below:
    """Whether a source is one of ``sources`` or lies below one."""

    def __init__(self, sources: Collection[str]) -> None:
        self._sources = frozenset(sources)

    def __contains__(self, source: str) -> bool:
        if not self._sources:
            return False
        steps = source.split("/")
        return any("/".join(steps[:count]) in self._sources for count in range(1, len(steps) + 1))


def _name(source: str) -> str:
    return source.rpartition("/")[2]
