"""A disk as a power cut may leave it: what was synced is there, of the rest nothing, all or any part.

Files and folders are changed here as a program changed them (``recording``). The promises are those of
POSIX, which are fewer than those of most file systems: the bytes of a file are safe after its fsync, the
entries of a folder after the folder's own. Unsynced writes may be kept, lost, torn at a sector or have left
zeros behind; of unsynced entries the first few are kept, since file systems journal them in order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SECTOR = 512


@dataclass(eq=False)
class File:
    """``synced`` is safe; ``pending`` are the writes since, as offset and bytes, or a new size and None."""

    synced: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        self.synced, self.pending = self.content(), []

    def content(self) -> bytes:
        """As programs see it."""
        return _written(self.synced, self.pending)

    def left(self, chance: random.Random | None) -> bytes:
        """After a power cut; without ``chance`` nothing unsynced is left."""
        if chance is None:
            return self.synced
        return _written(self.synced, [kept for one in self.pending for kept in _kept(one, chance)])


@dataclass(eq=False)
class Folder:
    """``entries`` as programs see them, ``synced`` as they are safe."""

    entries: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)


_Change = tuple[Folder, str, File | Folder | None]
"""An entry of a folder that is set, or taken away."""


class Disk:
    """The tree that programs know as ``root``. It begins as what lies in ``start``, all of it safe."""

    def __init__(self, root: Path, start: Path) -> None:
        self.root = root
        self._top = _read(start)
        self._waiting: list[list[_Change]] = []

    def find(self, path: Path) -> File | Folder | None:
        node: File | Folder | None = self._top
        for name in path.relative_to(self.root).parts:
            node = node.entries.get(name) if isinstance(node, Folder) else None
        return node

    def make(self, path: Path, node: File | Folder) -> None:
        self._change([(self._folder(path), path.name, node)])

    def remove(self, path: Path) -> None:
        self._change([(self._folder(path), path.name, None)])

    def rename(self, source: Path, target: Path) -> None:
        moved = self.find(source)
        assert moved is not None
        gone: _Change = (self._folder(source), source.name, None)
        self._change([gone, (self._folder(target), target.name, moved)])

    def sync(self, node: File | Folder) -> None:
        if isinstance(node, File):
            node.sync()
            return
        for change in self._waiting:
            for one in [one for one in change if one[0] is node]:
                _set(node.synced, one)
                change.remove(one)
        self._waiting = [change for change in self._waiting if change]

    def cut_power(self, target: Path, chance: random.Random | None) -> None:
        """Write what is left into ``target``, which must not exist."""
        views: dict[int, dict[str, File | Folder]] = {}
        kept = 0 if chance is None else chance.randint(0, len(self._waiting))
        for change in self._waiting[:kept]:
            for one in change:
                _set(views.setdefault(id(one[0]), dict(one[0].synced)), one)
        _write(self._top, target, views, chance)

    def write_all(self, target: Path) -> None:
        """Write into ``target`` what programs see: for what another machine keeps."""
        for path, content in _files(self._top, target):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def differs(self, real: Path) -> list[str]:
        """The files that programs see otherwise here than in the folder ``real``, which was changed alike."""
        seen = {str(path): content for path, content in _files(self._top, Path())}
        there = {str(path.relative_to(real)): path.read_bytes() for path in real.rglob("*") if path.is_file()}
        return sorted(name for name in seen | there if seen.get(name) != there.get(name))

    def _folder(self, path: Path) -> Folder:
        parent = self.find(path.parent)
        assert isinstance(parent, Folder)
        return parent

    def _change(self, changes: list[_Change]) -> None:
        for one in changes:
            _set(one[0].entries, one)
        self._waiting.append(changes)


def _set(entries: dict[str, File | Folder], change: _Change) -> None:
    _, name, node = change
    if node is None:
        entries.pop(name, None)
    else:
        entries[name] = node


def _written(content: bytes, writes: list[tuple[int, bytes | None]]) -> bytes:
    made = bytearray(content)
    for at, data in writes:
        end = at if data is None else at + len(data)
        made.extend(bytes(max(0, end - len(made))))
        if data is None:
            del made[at:]
        else:
            made[at:end] = data
    return bytes(made)


def _kept(write: tuple[int, bytes | None], chance: random.Random) -> Iterator[tuple[int, bytes | None]]:
    at, data = write
    fate = chance.choice(("kept", "lost", "torn", "zeros"))
    if fate == "kept" or (data is None and fate != "lost"):
        yield write
    elif fate == "torn" and data:
        yield at, data[: chance.randrange(0, len(data) + 1, _SECTOR)]
    elif fate == "zeros" and data:
        yield at, bytes(len(data))  # the file has grown, and its bytes never came


def _read(path: Path) -> Folder:
    entries = {
        one.name: _read(one) if one.is_dir() else File(one.read_bytes()) for one in sorted(path.iterdir())
    }
    return Folder(dict(entries), dict(entries))


def _write(
    folder: Folder, target: Path, views: dict[int, dict[str, File | Folder]], chance: random.Random | None
) -> None:
    target.mkdir()
    for name, node in views.get(id(folder), folder.synced).items():
        if isinstance(node, File):
            (target / name).write_bytes(node.left(chance))
        else:
            _write(node, target / name, views, chance)


def _files(folder: Folder, target: Path) -> Iterator[tuple[Path, bytes]]:
    for name, node in folder.entries.items():
        if isinstance(node, File):
            yield target / name, node.content()
        else:
            yield from _files(node, target / name)
