"""DOCX by an own walk over its XML: headings, lists with their numbers, tables, text boxes, notes, comments.

Word documents have no pages before they are laid out, so there are none here; what stands at the top and
bottom of each page follows once, at the end. Deleted (tracked) and hidden text is left out: what a
reader does not see must not be cited.
"""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from ingest.canonical import CanonicalText, collapse
from ingest.parsers import Progress
from ingest.parsers.docx_styles import Numbering, Styles, numbering_of, outline_level
from ingest.parsers.docx_tables import TRANSPARENT, header_rows, paragraphs, rows
from ingest.parsers.limits import ParseLimits
from ingest.parsers.office_package import (
    Package,
    attribute,
    child,
    children,
    is_on,
    local,
    package_title,
    reference,
    value,
)
from ingest.parsers.tables import TableWriter
from ingest.sniffing import DOCX
from rag.errors import DocumentRejected
from rag.records import BlockKind, ParsedDocument

_LEFT_OUT = frozenset({"del", "moveFrom", "pPr", "rPr", "instrText", "delText", "rt", "sdtPr", "fldData"})
_NOTE_KINDS = {
    "footnoteReference": "footnotes",
    "endnoteReference": "endnotes",
    "commentReference": "comments",
}
_PAGE_ENDS = ("headerReference", "footerReference")
_CHARACTERS = {"tab": "\t", "cr": "\n", "noBreakHyphen": "-"}


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """The main part in order; text boxes, notes and comments follow the paragraph they belong to."""
    package = Package(data, limits)
    main = package.relations("").get("officeDocument", "word/document.xml")
    body = child(package.xml(main), "body")
    if body is None:
        raise DocumentRejected(
            "corrupt", "The document has no text part; save it again and send it once more."
        )
    related = package.relations(main)
    notes = {kind: _notes(package, related.get(kind, "")) for kind in _NOTE_KINDS.values()}
    styles = Styles(package.xml(related.get("styles", "word/styles.xml")))
    numbering = Numbering(package.xml(related.get("numbering", "word/numbering.xml")))
    builder = CanonicalText(limits)
    _Writer(builder, styles, numbering, notes).write(body)
    if len(builder):  # page headers alone are no text
        for text in _page_headers_and_footers(package, main, body):
            builder.add_block(BlockKind.FURNITURE, text)
    return builder.finish(DOCX, title=package_title(package))


def _page_headers_and_footers(package: Package, main: str, body: etree._Element) -> list[str]:
    """What stands on every page of a section, each text once."""
    targets = package.targets(main)
    parts = dict.fromkeys(
        targets.get(reference(each), "")
        for section in body.iter("{*}sectPr")
        for each in children(section)
        if local(each) in _PAGE_ENDS
    )
    texts = dict[str, None]()
    for part in parts:
        root = package.xml(part)
        if root is not None:
            lines = [collapse(_visible_text(each)) for each in root.iter("{*}p")]
            texts["\n".join(filter(None, lines))] = None
    return [text for text in texts if any(map(str.isalpha, text))]  # a page number alone is no text


def _visible_text(paragraph: etree._Element) -> str:
    """The text of a paragraph itself, without boxes and notes."""
    pieces: list[str] = []
    _collect(paragraph, pieces.append, lambda element: None)
    return "".join(pieces)


def _notes(package: Package, part: str) -> dict[str, etree._Element]:
    """Foot- or endnotes or comments by id, without the separators Word keeps among them."""
    root = package.xml(part)
    return {
        identifier: note
        for note in (children(root) if root is not None else ())
        if (identifier := attribute(note, "id")) and attribute(note, "type") in (None, "normal")
    }


class _Writer:
    """Walks block-level elements and appends their blocks."""

    def __init__(
        self,
        builder: CanonicalText,
        styles: Styles,
        numbering: Numbering,
        notes: dict[str, dict[str, etree._Element]],
    ) -> None:
        self._builder = builder
        self._styles = styles
        self._numbering = numbering
        self._notes = notes
        self._aside: list[etree._Element] = []

    def write(self, parent: etree._Element) -> None:
        """Everything in ``parent``, a body, cell, text box or note."""
        for element in children(parent):
            match local(element):
                case "p":
                    self._write_paragraph(element)
                case "tbl":
                    self._write_table(element)
                case name if name in TRANSPARENT:
                    self.write(element)
                case "AlternateContent":
                    self.write(_choice(element))
            self._write_aside()

    def _write_aside(self) -> None:
        """Text boxes, notes and comments met in the paragraph or table just written."""
        aside, self._aside = self._aside, []
        for element in aside:
            if local(element) == "comment":
                self._write_comment(element)
            else:
                self.write(element)

    def _write_comment(self, comment: etree._Element) -> None:
        """Who reads it must see that it is not the text that says so."""
        lines = [collapse(_visible_text(each)) for each in paragraphs(comment)]
        text = " ".join(filter(None, lines))
        if text:
            author = collapse(attribute(comment, "author") or "")
            name = f"Comment by {author}" if author else "Comment"
            self._builder.add_block(BlockKind.PARAGRAPH, f"{name}: {text}")

    def _write_paragraph(self, paragraph: etree._Element) -> None:
        properties = child(paragraph, "pPr")
        style = value(properties, "pStyle")
        own_level = outline_level(properties)
        level = self._styles.level(style) if own_level is None else own_level
        text = self._text(paragraph)
        listed = numbering_of(properties) or self._styles.numbering(style)
        # Empty items are not counted, as they are not shown.
        label = self._numbering.label(*listed) if listed and text.strip() else ""
        if level:
            self._builder.add_block(BlockKind.HEADING, label + collapse(text), level=min(6, level))
        elif label:
            self._builder.add_block(BlockKind.LIST_ITEM, label + text.strip())
        else:
            self._builder.add_block(BlockKind.PARAGRAPH, text)

    def _write_table(self, table: etree._Element) -> None:
        found = rows(table)
        if all(len(row.cells) < 2 for row in found):  # a frame around ordinary text
            for row in found:
                for cell in row.cells:
                    self.write(cell)
            return
        cells = [list(row.read(self._cell_text)) for row in found]
        headers = header_rows(table, found, cells, self._styles)
        writer = TableWriter(self._builder)
        for index, row_cells in enumerate(cells):
            writer.write_cells(row_cells, header=index in headers)
        writer.end()

    def _cell_text(self, cell: etree._Element) -> str:
        return collapse(" ".join(self._text(each) for each in paragraphs(cell)))

    def _text(self, paragraph: etree._Element) -> str:
        pieces: list[str] = []
        _collect(paragraph, pieces.append, self._set_aside)
        return "".join(pieces)

    def _set_aside(self, element: etree._Element) -> None:
        name = local(element)
        if name == "txbxContent":
            self._aside.append(element)
            return
        note = self._notes[_NOTE_KINDS[name]].get(attribute(element, "id") or "")
        if note is not None:
            self._aside.append(note)


def _collect(
    parent: etree._Element, add: Callable[[str], None], set_aside: Callable[[etree._Element], None]
) -> None:
    """Pass the visible text below ``parent`` to ``add``, text boxes and note references to ``set_aside``."""
    for element in children(parent):
        name = local(element)
        if name == "t":
            add(element.text or "")
        elif name in _CHARACTERS:
            add(_CHARACTERS[name])
        elif name == "br":
            add("\n" if attribute(element, "type") in (None, "textWrapping") else " ")
        elif name in _NOTE_KINDS or name == "txbxContent":
            set_aside(element)
        elif name == "AlternateContent":
            _collect(_choice(element), add, set_aside)
        elif name not in _LEFT_OUT and not (name == "r" and is_on(child(element, "rPr"), "vanish")):
            _collect(element, add, set_aside)


def _choice(alternatives: etree._Element) -> etree._Element:
    """One of the renderings of the same content; taking all would repeat it."""
    choice = child(alternatives, "Choice")
    if choice is None:
        choice = child(alternatives, "Fallback")
    return alternatives if choice is None else choice
