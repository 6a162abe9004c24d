"""Zip-based office files: parts read within limits, XML without entities, DTDs or network.

Elements and attributes are looked at by their local names, because documents come in two sets of
namespaces (ECMA-376 transitional and strict).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from lxml import etree

from ingest.parsers.limits import ParseLimits
from ingest.parsers.zip_reading import ZipReader, damaged
from rag.errors import DocumentRejected

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,15}")


class Package:
    """The parts of an office file by name. Every failure is a DocumentRejected."""

    def __init__(self, data: bytes, limits: ParseLimits) -> None:
        self._zip = ZipReader(data, limits)
        self._entries = {entry.filename: entry for entry in self._zip.entries}

    def xml(self, part: str) -> etree._Element | None:
        """The root element of ``part``; None if there is no such part."""
        content = self.read(part)
        if content is None:
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(content, parser)
        except etree.XMLSyntaxError as error:
            raise damaged() from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise DocumentRejected(
                "corrupt", "The document declares XML entities, which office files do not; it was not read."
            )
        return root

    def names(self) -> list[str]:
        """All parts, as they are called in the archive."""
        return list(self._entries)

    def read(self, part: str) -> bytes | None:
        """The bytes of ``part``; None if there is no such part."""
        entry = self._entries.get(part)
        return None if entry is None else self._zip.read(entry)

    def relations(self, part: str) -> dict[str, str]:
        """What ``part`` refers to inside the package: the last word of each type to the part's name.

        The first counts where there are several of a type; :meth:`targets` has them all.
        """
        found: dict[str, str] = {}
        for _, kind, target in self._relationships(part):
            found.setdefault(kind, target)
        return found

    def targets(self, part: str) -> dict[str, str]:
        """The parts that ``part`` refers to, by the id it uses for them (``r:id``)."""
        return {identifier: target for identifier, _, target in self._relationships(part)}

    def _relationships(self, part: str) -> Iterator[tuple[str, str, str]]:
        """Id, last word of the type and part's name of each reference inside the package."""
        folder, name = posixpath.split(part)
        root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
        for element in children(root) if root is not None else ():
            if element.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, element.get("Target", "")))
                yield element.get("Id", ""), element.get("Type", "").rpartition("/")[2], target.lstrip("/")


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


def reference(element: etree._Element | None) -> str:
    """The id of a relationship that ``element`` has as ``r:id`` (or ``r:dm`` and the like); ``""`` for none.

    Elements may have an ``id`` of their own besides, which is in no namespace.
    """
    if element is None:
        return ""
    found = (value for key, value in element.attrib.items() if "/relationships}" in str(key))
    return str(next(found, ""))


def value(element: etree._Element | None, *path: str) -> str | None:
    """The ``val`` attribute of the element at ``path``."""
    return attribute(child(element, *path), "val")


def whole_number(text: str | None, default: int) -> int:
    """``text`` as a number; ``default`` for none, and for one that no honest document has."""
    return int(text) if text is not None and _WHOLE_NUMBER.fullmatch(text) else default


def is_on(element: etree._Element | None, name: str) -> bool:
    """Whether the toggle ``name`` is set: present and not switched off (ECMA-376 part 1, 17.17.4)."""
    found = child(element, name)
    return found is not None and attribute(found, "val") not in ("0", "false", "off", "none")


def package_title(package: Package) -> str | None:
    """The title in the properties of an Office document (ECMA-376 part 2, 11)."""
    core = package.xml(package.relations("").get("core-properties", "docProps/core.xml"))
    title = child(core, "title")
    return title.text if title is not None else None


def check_not_encrypted(package: Package) -> None:
    """Refuse an OpenDocument file with a password (DocumentRejected, ``encrypted``).

    The manifest is looked at as bytes: that of old files has a document type, which is refused in XML.
    """
    if b"encryption-data" in (package.read("META-INF/manifest.xml") or b""):
        raise DocumentRejected(
            "encrypted", "The document is protected by a password; remove it and send it again."
        )


def open_document_title(package: Package) -> str | None:
    """The title in the properties of an OpenDocument file (OpenDocument 1.3, part 3, 4.3)."""
    title = child(package.xml("meta.xml"), "meta", "title")
    return title.text if title is not None else None
