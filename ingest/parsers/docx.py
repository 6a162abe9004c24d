"""DOCX by an own walk over its XML: headings, lists with their numbers, tables, text boxes, notes.

Word documents have no pages before they are laid out, so there are none here. Deleted (tracked) and
hidden text is left out: what a reader does not see must not be cited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lxml import etree

from ingest.canonical import CanonicalText, collapse
from ingest.parsers import Progress
from ingest.parsers.docx_styles import Numbering, Styles, numbering_of, outline_level
from ingest.parsers.limits import ParseLimits
from ingest.parsers.office_package import Package, attribute, child, children, is_on, local, value
from ingest.sniffing import DOCX
from rag.errors import DocumentRejected
from rag.records import BlockKind, ParsedDocument

CELL_SEPARATOR = " | "
_TRANSPARENT = frozenset({"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo"})
_LEFT_OUT = frozenset({"del", "moveFrom", "pPr", "rPr", "instrText", "delText", "rt", "sdtPr", "fldData"})
_NOTE_KINDS = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}
_CHARACTERS = {"tab": "\t", "cr": "\n", "noBreakHyphen": "-"}


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """The main part in order; text boxes and notes follow the paragraph they belong to."""
    package = Package(data, limits)
    main = package.relations("").get("officeDocument", "word/document.xml")
    body = child(package.xml(main), "body")
    if body is None:
        raise DocumentRejected(
            "corrupt", "The document has no text part; save it again and send it once more."
        )
    related = package.relations(main)
    notes = {kind: _notes(package, related.get(kind, "")) for kind in ("footnotes", "endnotes")}
    styles = Styles(package.xml(related.get("styles", "word/styles.xml")))
    numbering = Numbering(package.xml(related.get("numbering", "word/numbering.xml")))
    builder = CanonicalText(limits)
    _Writer(builder, styles, numbering, notes).write(body)
    return builder.finish(DOCX, title=_title(package))


def _title(package: Package) -> str | None:
    core = package.xml(package.relations("").get("core-properties", "docProps/core.xml"))
    title = child(core, "title")
    return title.text if title is not None else None


def _notes(package: Package, part: str) -> dict[str, etree._Element]:
    """Foot- or endnotes by id, without the separators Word keeps among them."""
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
                case name if name in _TRANSPARENT:
                    self.write(element)
                case "AlternateContent":
                    self.write(_choice(element))
            self._write_aside()

    def _write_aside(self) -> None:
        """Text boxes and notes met in the paragraph or table just written."""
        aside, self._aside = self._aside, []
        for element in aside:
            self.write(element)

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
        rows = list(_rows(table))
        if all(len(cells) < 2 for _, cells in rows):  # a frame around ordinary text
            for _, cells in rows:
                for cell in cells:
                    self.write(cell)
            return
        self._builder.end_group()
        marked = _first_row_is_marked(table)
        for number, (properties, cells) in enumerate(rows):
            texts = [self._cell_text(cell) for cell in cells]
            header = is_on(properties, "tblHeader") or (marked and number == 0 and len(rows) > 1)
            if any(texts):
                self._builder.add_block(BlockKind.TABLE_ROW, CELL_SEPARATOR.join(texts), header=header)
        self._builder.end_group()

    def _cell_text(self, cell: etree._Element) -> str:
        """The text of a cell on one line; empty where a cell merely continues the one above."""
        merge = child(cell, "tcPr", "vMerge")
        if merge is not None and attribute(merge, "val") != "restart":
            return ""
        return collapse(" ".join(self._text(each) for each in _paragraphs(cell)))

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


def _rows(table: etree._Element) -> Iterator[tuple[etree._Element | None, list[etree._Element]]]:
    """Properties and cells of each row, looking through content controls."""
    for row in _through(table, "tr"):
        yield child(row, "trPr"), list(_through(row, "tc"))


def _through(parent: etree._Element, wanted: str) -> Iterator[etree._Element]:
    for element in children(parent):
        name = local(element)
        if name == wanted:
            yield element
        elif name in _TRANSPARENT:
            yield from _through(element, wanted)


def _paragraphs(cell: etree._Element) -> Iterator[etree._Element]:
    """The paragraphs of a cell, those of tables inside it included."""
    for element in children(cell):
        name = local(element)
        if name == "p":
            yield element
        elif name in _TRANSPARENT or name in ("tbl", "tr", "tc"):
            yield from _paragraphs(element)


def _first_row_is_marked(table: etree._Element) -> bool:
    look = child(table, "tblPr", "tblLook")
    if look is None or child(table, "tblPr", "tblStyle") is None:
        return False
    flag = attribute(look, "firstRow")
    if flag is not None:
        return flag in ("1", "true", "on")
    bits = attribute(look, "val") or "0"
    return bool(int(bits, 16) & 0x20) if all(char in "0123456789abcdefABCDEF" for char in bits) else False
