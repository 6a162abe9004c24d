"""What a program did to its files, from the log of ``strace``, and the same done to a ``Disk``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.disk_model import Disk, File, Folder

CALLS = (
    "openat,close,write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,"
    "ftruncate,fallocate,mkdir,mkdirat,rmdir,link,linkat,copy_file_range,sendfile"
)
"""All that make, change or remove files; what is written through a memory map is not seen (SQLite's
``-shm``, which it makes anew after a crash)."""

_LONGEST = 100_000_000
_LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)(.*)", re.DOTALL)
_UNFINISHED = " <unfinished ...>"
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_HANDLE = re.compile(r"(\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>")


def options(log: Path) -> list[str]:
    """Arguments of ``strace`` for a log of whole calls with every byte."""
    return ["-f", "-y", "-xx", "-s", str(_LONGEST), "-o", str(log), "-e", f"trace={CALLS}"]


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that succeeded: its strings, the open files it names, its other arguments."""

    name: str
    strings: tuple[bytes, ...]
    handles: tuple[tuple[str, str], ...]
    rest: str
    result: int


def calls(log: Path) -> Iterator[Call]:
    """In the order in which they ended."""
    begun: dict[str, str] = {}
    for line in log.read_text("ascii").splitlines():
        if line.endswith(_UNFINISHED):  # another thread's call comes in between
            begun[line.partition(" ")[0]] = line.removesuffix(_UNFINISHED)
            continue
        thread, resumed, end = line.partition(" resumed>")
        found = _LINE.match(begun.pop(thread.partition(" ")[0]) + end if resumed else line)
        if found is None or found[3].startswith("-"):
            continue
        name, arguments, result, _ = found.groups()
        strings = tuple(_bytes(text) for text in _STRING.findall(arguments))
        handles = tuple((number, _bytes(text).decode()) for number, text in _HANDLE.findall(arguments))
        rest = _STRING.sub("", _HANDLE.sub("", arguments))
        yield Call(name, strings, handles, rest, int(result))


class Replay:
    """Does to a disk, call by call, what was recorded below its root."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open: dict[str, tuple[File | Folder, int]] = {}

    def changes(self, call: Call) -> bool:
        """Do the call; whether anything below the root is different, or safer, for it."""
        does = _DOES.get(call.name)
        if does is None:
            raise ValueError(f"{call.name} is not understood: {call.rest[:100]}")
        return does(self, call)

    def _inside(self, call: Call, name: bytes, which: int = 0) -> Path | None:
        """The path a call names, if it lies below the root, which a program's working folder is taken for."""
        base = Path(call.handles[which][1]) if call.handles else self._disk.root
        path = base / name.decode()
        return path if path.is_relative_to(self._disk.root) and path != self._disk.root else None

    def _openat(self, call: Call) -> bool:
        number = str(call.result)
        self._open.pop(number, None)
        path = self._inside(call, call.strings[0])
        if path is None or path.name.endswith("-shm"):
            return False
        node = self._disk.find(path)
        is_new = node is None
        if node is None:
            node = File()
            self._disk.make(path, node)
        if isinstance(node, File) and "O_TRUNC" in call.rest and not is_new:
            node.pending.append((0, None))
        at = len(node.content()) if isinstance(node, File) and "O_APPEND" in call.rest else 0
        self._open[number] = (node, at)
        return is_new or "O_TRUNC" in call.rest

    def _close(self, call: Call) -> bool:
        self._open.pop(call.handles[0][0], None)
        return False

    def _opened(self, call: Call) -> tuple[str, File | None, int]:
        number = call.handles[0][0] if call.handles else ""
        node, at = self._open.get(number, (None, 0))
        return number, node if isinstance(node, File) else None, at

    def _write(self, call: Call) -> bool:
        number, file, at = self._opened(call)
        if file is None:
            return False
        data = b"".join(call.strings)[: call.result]
        file.pending.append((at, data))
        self._open[number] = (file, at + len(data))
        return True

    def _pwrite(self, call: Call) -> bool:
        _, file, _ = self._opened(call)
        if file is None:
            return False
        file.pending.append((int(call.rest.rpartition(",")[2]), b"".join(call.strings)[: call.result]))
        return True

    def _resize(self, call: Call) -> bool:
        _, file, _ = self._opened(call)
        if file is None:
            return False
        numbers = [int(number) for number in re.findall(r"\b\d+\b", call.rest)]
        size = numbers[-1] if call.name == "ftruncate" else max(len(file.content()), sum(numbers[-2:]))
        file.pending.append((size, None))
        return True

    def _sync(self, call: Call) -> bool:
        node = self._open.get(call.handles[0][0], (None, 0))[0]
        if node is None and Path(call.handles[0][1]) == self._disk.root:
            node = self._disk.find(self._disk.root)
        if node is None:
            return False
        self._disk.sync(node)
        return True

    def _rename(self, call: Call) -> bool:
        source, target = (
            self._inside(call, name, min(at, len(call.handles) - 1)) for at, name in enumerate(call.strings)
        )
        if source is None or target is None:
            return False
        self._disk.rename(source, target)
        return True

    def _remove(self, call: Call) -> bool:
        path = self._inside(call, call.strings[0])
        if path is None or path.name.endswith("-shm"):
            return False
        self._disk.remove(path)
        return True

    def _mkdir(self, call: Call) -> bool:
        path = self._inside(call, call.strings[0])
        if path is None:
            return False
        self._disk.make(path, Folder())
        return True


_DOES: dict[str, Callable[[Replay, Call], bool]] = {
    "openat": Replay._openat,
    "close": Replay._close,
    "write": Replay._write,
    "writev": Replay._write,
    "pwrite64": Replay._pwrite,
    "pwritev": Replay._pwrite,
    "ftruncate": Replay._resize,
    "fallocate": Replay._resize,
    "fsync": Replay._sync,
    "fdatasync": Replay._sync,
    **dict.fromkeys(("rename", "renameat", "renameat2"), Replay._rename),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), Replay._remove),
    **dict.fromkeys(("mkdir", "mkdirat"), Replay._mkdir),
}
