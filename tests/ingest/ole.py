"""Writes OLE compound files ([MS-CFB], version 3), for messages as Outlook saves them ([MS-OXMSG])."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

Tree: TypeAlias = "dict[str, bytes | Tree]"

_SECTOR, _MINI_SECTOR, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass
class _Entry:
    name: str
    kind: int
    content: bytes = b""
    child: int = _FREE
    sibling: int = _FREE
    start: int = _END


def compound_file(tree: Tree) -> bytes:
    """The file with these streams (bytes) and storages (trees)."""
    entries = [_Entry("Root Entry", _ROOT)]
    entries[0].child = _add(entries, tree)
    mini, mini_chain, sectors, chain = b"", list[int](), b"", list[int]()
    for entry in entries:
        if entry.kind == _STREAM and len(entry.content) < _CUTOFF:
            entry.start = _append(mini_chain, len(entry.content), _MINI_SECTOR)
            mini += _padded(entry.content, _MINI_SECTOR)
        elif entry.kind == _STREAM:
            entry.start = _append(chain, len(entry.content), _SECTOR)
            sectors += _padded(entry.content, _SECTOR)
    entries[0].content = mini
    entries[0].start = _append(chain, len(mini), _SECTOR)
    sectors += _padded(mini, _SECTOR)
    mini_fat = _padded(struct.pack(f"<{len(mini_chain)}I", *mini_chain), _SECTOR, b"\xff")
    mini_fat_start = _append(chain, len(mini_fat), _SECTOR)
    directory = _padded(b"".join(map(_record, entries)), _SECTOR)
    directory_start = _append(chain, len(directory), _SECTOR)
    sectors += mini_fat + directory
    fat_start = len(chain)
    count = 1
    while (fat_start + count) * 4 > count * _SECTOR:
        count += 1
    chain += [_FAT] * count
    fat = _padded(struct.pack(f"<{len(chain)}I", *chain), _SECTOR, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, count, directory_start, 0)
    header += struct.pack("<IIIII", _CUTOFF, mini_fat_start, len(mini_fat) // _SECTOR, _END, 0)
    difat = [*range(fat_start, fat_start + count), *[_FREE] * (109 - count)]
    return header + struct.pack("<109I", *difat) + sectors + fat


def _add(entries: list[_Entry], tree: Tree) -> int:
    """Append the entries of ``tree``, siblings one after the other; the number of the first."""
    before: _Entry | None = None
    first = _FREE
    for name, content in tree.items():
        entry = _Entry(name, _STREAM, content) if isinstance(content, bytes) else _Entry(name, _STORAGE)
        entries.append(entry)
        number = len(entries) - 1
        if before is None:
            first = number
        else:
            before.sibling = number
        if not isinstance(content, bytes):
            entry.child = _add(entries, content)
        before = entry
    return first


def _append(chain: list[int], size: int, unit: int) -> int:
    """Chain the sectors for ``size`` bytes; the number of the first."""
    count = -(-size // unit)
    if not count:
        return _END
    start = len(chain)
    chain += [*range(start + 1, start + count), _END]
    return start


def _padded(content: bytes, unit: int, filling: bytes = b"\0") -> bytes:
    return content + filling * (-len(content) % unit)


def _record(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le")
    return (
        name.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(name) + 2, entry.kind, 1, _FREE, entry.sibling, entry.child)
        + bytes(36)
        + struct.pack("<IQ", entry.start, len(entry.content))
    )


def properties(values: dict[int, str | bytes], header: int) -> Tree:
    """A storage with these properties: text as UTF-16, bytes as they are, by property id.

    ``header`` is how many bytes come before the properties: 32 for a message, 24 for one inside another,
    8 for an attachment or a recipient.
    """
    tree: Tree = {}
    listed = bytes(header)
    for identifier, value in values.items():
        kind = 0x001F if isinstance(value, str) else 0x0102
        content = value.encode("utf-16-le") if isinstance(value, str) else value
        tree[f"__substg1.0_{identifier:04X}{kind:04X}"] = content
        listed += struct.pack("<HHIII", kind, identifier, 6, len(content), 0)
    return {"__properties_version1.0": listed, **tree}
