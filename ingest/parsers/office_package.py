"""Zip-based office files: parts read within limits, XML without entities, DTDs or network.

Elements and attributes are looked at by their local names, because documents come in two sets of
namespaces (ECMA-376 transitional and strict).
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO

from lxml import etree

from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected

_SMALL_ENOUGH = 16 * 2**20  # below it the ratio says nothing about a bomb
_ENCRYPTED_FLAG = 0x1


class Package:
    """The parts of an office file by name. Every failure is a DocumentRejected."""

    def __init__(self, data: bytes, limits: ParseLimits) -> None:
        self._left = limits.max_unpacked_bytes
        try:  # NotImplementedError is how zipfile refuses features and methods of packing it does not know
            self._zip = zipfile.ZipFile(BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise _corrupt() from error
        entries = self._zip.infolist()
        total = sum(entry.file_size for entry in entries)
        if len(entries) > limits.max_zip_entries:
            raise _too_large(f"holds {len(entries):,} parts")
        if total > limits.max_unpacked_bytes:
            raise _too_large(f"unpacks to {total:,} bytes")
        if total > _SMALL_ENOUGH and total > limits.max_zip_ratio * len(data):
            raise _too_large(f"unpacks to {total // max(1, len(data))} times its size")
        self._entries = {entry.filename: entry for entry in entries}

    def xml(self, part: str) -> etree._Element | None:
        """The root element of ``part``; None if there is no such part."""
        content = self._read(part)
        if content is None:
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(content, parser)
        except etree.XMLSyntaxError as error:
            raise _corrupt() from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise DocumentRejected(
                "corrupt", "The document declares XML entities, which office files do not; it was not read."
            )
        return root

    def relations(self, part: str) -> dict[str, str]:
        """What ``part`` refers to inside the package: the last word of each type to the part's name."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, str] = {}
        for element in children(root) if root is not None else ():
            if element.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, element.get("Target", "")))
                found.setdefault(element.get("Type", "").rpartition("/")[2], target.lstrip("/"))
        return found

    def _read(self, part: str) -> bytes | None:
        entry = self._entries.get(part)
        if entry is None:
            return None
        if entry.flag_bits & _ENCRYPTED_FLAG:
            raise DocumentRejected(
                "encrypted", "The document is protected by a password; remove it and send it again."
            )
        try:
            with self._zip.open(entry) as stream:
                content = stream.read(self._left + 1)  # the size an entry declares may be a lie
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise _corrupt() from error
        self._left -= len(content)
        if self._left < 0:
            raise _too_large("unpacks to more than it declares")
        return content


def local(element: etree._Element) -> str:
    """The name of ``element`` without its namespace; ``""`` for comments and entities."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: etree._Element, name: str | None = None) -> Iterator[etree._Element]:
    """The child elements, or those called ``name``."""
    for child in element:
        found = local(child)
        if found and (name is None or found == name):
            yield child


def child(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first element at ``path`` below ``element``."""
    for name in path:
        if element is None:
            return None
        element = next(children(element, name), None)
    return element


def attribute(element: etree._Element | None, name: str) -> str | None:
    """The attribute with this local name, in whatever namespace."""
    if element is None:
        return None
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return None


def value(element: etree._Element | None, *path: str) -> str | None:
    """The ``val`` attribute of the element at ``path``."""
    return attribute(child(element, *path), "val")


def is_on(element: etree._Element | None, name: str) -> bool:
    """Whether the toggle ``name`` is set: present and not switched off (ECMA-376 part 1, 17.17.4)."""
    found = child(element, name)
    return found is not None and attribute(found, "val") not in ("0", "false", "off", "none")


def _corrupt() -> DocumentRejected:
    return DocumentRejected(
        "corrupt", "The document is damaged or cut off; save it again and send it once more."
    )


def _too_large(how: str) -> DocumentRejected:
    return DocumentRejected("limit_exceeded", f"The document {how}; split it and send the parts.")
