"""EPUB books (EPUB 3.3 and 2.0.1): the chapters in reading order, each through the HTML parser.

A book has no pages before it is laid out, so there are none here; a place in it is found by its headings.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from ingest.canonical import CanonicalText, collapse
from ingest.encodings import decode
from ingest.parsers import Progress
from ingest.parsers.html import write_html
from ingest.parsers.limits import ParseLimits
from ingest.parsers.office_package import attribute, child, children, local
from ingest.parsers.zip_reading import ZipReader, damaged
from ingest.sniffing import EPUB
from rag.errors import DocumentRejected
from rag.records import BlockKind, Notice, ParsedDocument

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
# Scrambled fonts are no protection of the text (EPUB 3.3, section 4.4; Adobe's older way).
_FONT_SCRAMBLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_CHAPTER_TYPES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_HEADING_TAG = re.compile(r"<h[1-6]\b", re.IGNORECASE)
# XML may close an empty element at once. HTML would read on to the end of the book for its end tag.
_SELF_CLOSED = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)\b)"
    r"([a-zA-Z][\w:.-]*+)((?:\s[^<>]*?)?)/>"
)
_SHOWN = 5


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """The chapters of the spine; one without a heading gets its title from the table of contents.

    ``progress`` counts chapters.
    """
    book = _Book(ZipReader(data, limits))
    chapters = book.chapters()
    book.check_protection(chapters)
    titles = book.titles()
    builder = CanonicalText(limits)
    missing = []
    for number, chapter in enumerate(chapters, start=1):
        markup = book.markup(chapter)
        if markup is None:
            missing.append(chapter)
        else:
            _write_chapter(builder, markup, titles.get(chapter))
        progress(number, len(chapters))
    if missing and not len(builder):
        raise damaged()
    return builder.finish(EPUB, title=book.title(), warnings=_notices(missing))


def _write_chapter(builder: CanonicalText, markup: str, title: str | None) -> None:
    builder.end_group()
    if title and not _HEADING_TAG.search(markup):
        builder.add_block(BlockKind.HEADING, title, level=1)
    write_html(_SELF_CLOSED.sub(r"<\1\2></\1>", markup), builder)


def _notices(missing: list[str]) -> list[Notice]:
    if not missing:
        return []
    more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
    return [
        Notice(
            "chapters_unreadable",
            f"Chapters that the book lists are missing or damaged: {', '.join(missing[:_SHOWN])}{more}.",
        )
    ]


@dataclass(frozen=True, slots=True)
class _Item:
    """An entry of the manifest: the path of a resource in the archive, its media type and properties."""

    path: str
    media_type: str
    properties: tuple[str, ...]


class _Book:
    """The package document of a book and the resources it names."""

    def __init__(self, archive: ZipReader) -> None:
        self._archive = archive
        self._entries = {entry.filename: entry for entry in archive.entries}
        rootfile = _first(self._xml(_CONTAINER), "rootfile")
        self._path = unquote(attribute(rootfile, "full-path") or "")
        package = self._xml(self._path)
        if package is None:
            raise damaged()
        self._package = package
        self._items = dict(self._manifest())

    def title(self) -> str | None:
        """Title and authors as people name a book: "The Duck, by A. Writer"."""
        metadata = child(self._package, "metadata")
        title = _text(next(children(metadata, "title"), None)) if metadata is not None else ""
        authors = [_text(each) for each in children(metadata, "creator")] if metadata is not None else []
        return f"{title}, by {', '.join(authors)}" if title and any(authors) else title or None

    def chapters(self) -> list[str]:
        """Paths of the text documents in reading order, each once, without the table of contents."""
        spine = child(self._package, "spine")
        found: dict[str, None] = {}
        for reference in children(spine, "itemref") if spine is not None else ():
            item = self._items.get(attribute(reference, "idref") or "")
            if item is not None and item.media_type in _CHAPTER_TYPES and "nav" not in item.properties:
                found[item.path] = None
        return list(found)

    def check_protection(self, chapters: list[str]) -> None:
        """Raise DocumentRejected (``encrypted``) if the text is protected against copying (DRM)."""
        root, protected = self._xml(_ENCRYPTION), frozenset(chapters)
        for data in _all(root, "EncryptedData"):
            reference = _first(data, "CipherReference")
            path = posixpath.normpath(unquote(attribute(reference, "URI") or "")).lstrip("/")
            method = attribute(_first(data, "EncryptionMethod"), "Algorithm")
            if path in protected and method not in _FONT_SCRAMBLING:
                raise DocumentRejected(
                    "encrypted", "The book is protected against copying (DRM); send a copy without it."
                )

    def titles(self) -> dict[str, str]:
        """The title of each chapter, by path, from the table of contents of EPUB 3 or else of EPUB 2."""
        found: dict[str, str] = {}
        contents = [item for item in self._items.values() if "nav" in item.properties]
        contents += [item for item in self._items.values() if item.media_type == "application/x-dtbncx+xml"]
        for item in contents:
            root = self._readable_xml(item.path)
            for target, title in _nav_entries(root) if "nav" in item.properties else _ncx_entries(root):
                found.setdefault(_resolve(item.path, target), title)
        return found

    def markup(self, path: str) -> str | None:
        """The text of a chapter; None if it is missing or damaged."""
        try:
            content = self._read(path)
        except DocumentRejected as error:
            if error.code != "corrupt":
                raise
            return None
        return None if content is None else decode(content)[0]

    def _manifest(self) -> Iterator[tuple[str, _Item]]:
        manifest = child(self._package, "manifest")
        for item in children(manifest, "item") if manifest is not None else ():
            yield (
                attribute(item, "id") or "",
                _Item(
                    _resolve(self._path, attribute(item, "href") or ""),
                    (attribute(item, "media-type") or "").lower(),
                    tuple((attribute(item, "properties") or "").split()),
                ),
            )

    def _readable_xml(self, path: str) -> etree._Element | None:
        """The root of a part the book can do without; None if it is damaged."""
        try:
            return self._xml(path)
        except DocumentRejected as error:
            if error.code != "corrupt":
                raise
            return None

    def _xml(self, path: str) -> etree._Element | None:
        content = self._read(path)
        return None if content is None else _parse_xml(content)

    def _read(self, path: str) -> bytes | None:
        entry = self._entries.get(path)
        return None if entry is None else self._archive.read(entry)


def _parse_xml(content: bytes) -> etree._Element:
    """The root element. No entity is resolved, no DTD loaded; a part that defines entities is refused."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise damaged() from error
    declarations = root.getroottree().docinfo.internalDTD
    if declarations is not None and any(True for _ in declarations.iterentities()):
        raise DocumentRejected(
            "corrupt", "The book declares XML entities; it was not read. Convert it first."
        )
    return root


def _nav_entries(root: etree._Element | None) -> Iterator[tuple[str, str]]:
    """Target and title of each entry of an EPUB 3 table of contents."""
    tables = [nav for nav in _all(root, "nav") if attribute(nav, "type") in ("toc", None)]
    for link in _all(tables[0], "a") if tables else ():
        yield attribute(link, "href") or "", _text(link)


def _ncx_entries(root: etree._Element | None) -> Iterator[tuple[str, str]]:
    """Target and title of each entry of an EPUB 2 table of contents."""
    for point in _all(root, "navPoint"):
        yield attribute(child(point, "content"), "src") or "", _text(child(point, "navLabel", "text"))


def _resolve(base: str, reference: str) -> str:
    """The path in the archive of what ``base`` refers to, without the place inside of it."""
    path = unquote(reference.partition("#")[0])
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), path)) if path else base


def _all(root: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """The elements called ``name`` below ``root``, itself included, in order."""
    if root is not None:
        yield from (element for element in root.iter() if local(element) == name)


def _first(root: etree._Element | None, name: str) -> etree._Element | None:
    return next(_all(root, name), None)


def _text(element: etree._Element | None) -> str:
    return "" if element is None else collapse("".join(element.itertext()))
