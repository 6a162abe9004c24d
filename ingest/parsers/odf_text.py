"""The text content of OpenDocument files, whatever it stands in (OpenDocument 1.3, part 3, 5 and 6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from ingest.canonical import CanonicalText, collapse
from ingest.parsers.list_numbers import Form, written
from ingest.parsers.office_package import attribute, child, children, local, whole_number
from ingest.parsers.table_headers import SAMPLE_ROWS, header_index
from ingest.parsers.tables import Cell, TableWriter
from rag.records import BlockKind

_CHARACTERS = {"tab": "\t", "line-break": "\n"}
_ASIDE = frozenset({"note", "annotation", "frame", "custom-shape", "text-box", "g", "rect", "ellipse"})
# Deletions that are tracked, what marks a place only, and the readings above ruby text.
_LEFT_OUT = frozenset({"tracked-changes", "soft-page-break", "ruby-text", "hidden-text", "hidden-paragraph"})
_AROUND = frozenset(
    {"section", "table-of-content", "index-body", "index-title", "frame", "text-box", "g"}
    | {"custom-shape", "rect", "ellipse"}
)
_WHITE = re.compile(r"[ \t\r\n]+")
_MOST_REPEATED = 1_000  # equal cells or rows in succession; a longer row of them is written as one
_MOST_COLUMNS = 1_024
_MOST_SPACES = 100


@dataclass(frozen=True, slots=True)
class _Level:
    """How one depth of a list is marked: by numbers of a form, by a bullet, or not at all."""

    form: Form | None
    has_bullet: bool
    prefix: str
    suffix: str
    start: int


class OdfStyles:
    """List and text styles by name, from ``content.xml`` and ``styles.xml``."""

    def __init__(self, *roots: etree._Element | None) -> None:
        self._lists: dict[str, dict[int, _Level]] = {}
        self._hidden: set[str] = set()
        self._parents: dict[str, str] = {}
        for root in roots:
            for section in ("styles", "automatic-styles"):
                for style in children(found) if (found := child(root, section)) is not None else ():
                    self._add(style)

    def level(self, name: str | None, depth: int) -> _Level | None:
        """How items at ``depth`` (from 1) of lists of this style are marked."""
        return self._lists.get(name or "", {}).get(depth)

    def hides(self, element: etree._Element) -> bool:
        """Whether the style of ``element`` keeps its text from being shown."""
        return attribute(element, "style-name") in self._hidden

    def is_table_heading(self, paragraph: etree._Element) -> bool:
        """Whether ``paragraph`` has the style that Writer gives to the cells of a header."""
        name = attribute(paragraph, "style-name") or ""
        return "Table_20_Heading" in (name, self._parents.get(name))

    def _add(self, style: etree._Element) -> None:
        name = attribute(style, "name") or ""
        if local(style) == "list-style":
            self._lists[name] = {
                whole_number(attribute(level, "level"), 1): _list_level(level) for level in children(style)
            }
        elif local(style) == "style":
            self._parents[name] = attribute(style, "parent-style-name") or ""
            if attribute(child(style, "text-properties"), "display") == "none":
                self._hidden.add(name)


def _list_level(level: etree._Element) -> _Level:
    written_as = attribute(level, "num-format") or ""
    numbered = local(level) == "list-level-style-number" and written_as in {form.value for form in Form}
    return _Level(
        Form(written_as) if numbered else None,
        bool((attribute(level, "bullet-char") or "").strip()) or local(level) == "list-level-style-image",
        (attribute(level, "num-prefix") or "")[:10],
        (attribute(level, "num-suffix") or "")[:10],
        whole_number(attribute(level, "start-value"), 1),
    )


class OdfWriter:
    """Walks block-level elements and appends their blocks."""

    def __init__(self, builder: CanonicalText, styles: OdfStyles) -> None:
        self._builder = builder
        self._styles = styles
        self._aside: list[etree._Element] = []
        self._counts: dict[tuple[str | None, int], int] = {}

    def write(self, parent: etree._Element) -> None:
        """Everything in ``parent``: a document's body, a text box, a note."""
        for element in children(parent):
            match local(element):
                case "h":
                    level = max(1, min(6, whole_number(attribute(element, "outline-level"), 1)))
                    self._builder.add_block(BlockKind.HEADING, collapse(self.text(element)), level=level)
                case "p":
                    self._builder.add_block(BlockKind.PARAGRAPH, self.text(element))
                case "list":
                    self._builder.end_group()
                    self._write_list(element, attribute(element, "style-name"), 1)
                    self._builder.end_group()
                case "table":
                    self._write_table(element)
                case name if name in _AROUND and attribute(element, "display") != "none":
                    self.write(element)
            self._write_aside()

    def write_shape(self, shape: etree._Element) -> None:
        """A shape with whatever it holds."""
        if local(shape) in _AROUND:
            self.write(shape)

    def text(self, paragraph: etree._Element) -> str:
        """The visible text of a paragraph; notes, comments and boxes in it follow the block."""
        pieces: list[str] = []
        self._collect(paragraph, pieces)
        return "".join(pieces)

    def _collect(self, parent: etree._Element, pieces: list[str]) -> None:
        if self._styles.hides(parent):
            return
        pieces.append(_spaced(parent.text))
        for element in parent:
            name = local(element)
            if name == "s":
                pieces.append(" " * max(1, min(_MOST_SPACES, whole_number(attribute(element, "c"), 1))))
            elif name in _CHARACTERS:
                pieces.append(_CHARACTERS[name])
            elif name in _ASIDE:
                self._aside.append(element)
            elif name and name not in _LEFT_OUT:
                self._collect(element, pieces)
            pieces.append(_spaced(element.tail))

    def _write_aside(self) -> None:
        aside, self._aside = self._aside, []
        for element in aside:
            if local(element) == "annotation":
                self._write_comment(element)
            elif local(element) == "note":
                body = child(element, "note-body")
                if body is not None:
                    self.write(body)
            else:
                self.write(element)

    def _write_comment(self, comment: etree._Element) -> None:
        """Who reads it must see that it is not the text that says so."""
        author = child(comment, "creator")
        name = collapse(author.text or "") if author is not None else ""
        text = collapse(" ".join(self.text(each) for each in children(comment, "p")))
        if text:
            self._builder.add_block(BlockKind.PARAGRAPH, f"Comment{name and f' by {name}'}: {text}")

    def _write_list(self, parent: etree._Element, style: str | None, depth: int) -> None:
        level = self._styles.level(style, depth)
        place = style, depth
        if attribute(parent, "continue-numbering") != "true" or place not in self._counts:
            self._counts[place] = level.start if level is not None else 1
        for item in children(parent):
            marker = "" if local(item) == "list-header" else _marker(level, self._counts[place])
            for element in children(item):
                if local(element) == "list":
                    self._write_list(element, attribute(element, "style-name") or style, depth + 1)
                elif local(element) in ("p", "h"):
                    text = self.text(element).strip()
                    if text and marker:
                        self._builder.add_block(BlockKind.LIST_ITEM, marker + text)
                        self._counts[place] += 1
                        marker = ""
                    else:
                        self._builder.add_block(BlockKind.PARAGRAPH, text)
            self._write_aside()

    def _write_table(self, table: etree._Element) -> None:
        rows = list(_rows(table))
        if all(len(list(children(row, "table-cell"))) < 2 for row, _ in rows):  # a frame around ordinary text
            for row, _ in rows:
                for cell in children(row, "table-cell"):
                    self.write(cell)
            return
        cells = [list(islice(self._cells(row), _MOST_COLUMNS)) for row, _ in rows]
        headers = {index for index, (_, repeats) in enumerate(rows) if repeats}
        if not headers and len(rows) > 1 and self._is_header(table, rows[0][0], cells):
            headers = {0}
        writer = TableWriter(self._builder)
        for index, (row, _) in enumerate(rows):
            for _ in range(_times(row, "number-rows-repeated")):
                if writer.write_cells(cells[index], header=index in headers) is None:
                    break
        writer.end()

    def _is_header(self, table: etree._Element, row: etree._Element, cells: Sequence[Sequence[Cell]]) -> bool:
        """Whether the first row is a header though it is not repeated on each page: by its style or look."""
        if attribute(table, "use-first-row-styles") == "true":
            return True
        paragraphs = [each for cell in children(row, "table-cell") for each in children(cell, "p")]
        if paragraphs and all(map(self._styles.is_table_heading, paragraphs)):
            return True
        texts = [[cell.text for cell in each] for each in cells[:SAMPLE_ROWS]]
        return header_index(texts, fewest_columns=3) == 0

    def _cells(self, row: etree._Element) -> Iterator[Cell]:
        for cell in children(row, "table-cell"):  # covered cells are counted by the one that spans them
            text = collapse(" ".join(self.text(each) for each in _paragraphs(cell)))
            columns = whole_number(attribute(cell, "number-columns-spanned"), 1)
            rows = whole_number(attribute(cell, "number-rows-spanned"), 1)
            for _ in range(_times(cell, "number-columns-repeated")):
                yield Cell(text, columns, max(1, rows))


def _marker(level: _Level | None, count: int) -> str:
    if level is None:
        return "- "
    if level.form is None:
        return "- " if level.has_bullet else ""
    return f"{level.prefix}{written(count, level.form)}{level.suffix}".strip() + " "


def _times(element: etree._Element, name: str) -> int:
    times = whole_number(attribute(element, name), 1)
    return times if 1 <= times <= _MOST_REPEATED else 1


def _rows(parent: etree._Element, repeats: bool = False) -> Iterator[tuple[etree._Element, bool]]:
    """The rows of a table, and whether they are repeated as its header."""
    for element in children(parent):
        match local(element):
            case "table-row":
                yield element, repeats
            case "table-header-rows":
                yield from _rows(element, True)
            case "table-rows" | "table-row-group":
                yield from _rows(element, repeats)


def _paragraphs(parent: etree._Element) -> Iterator[etree._Element]:
    """The paragraphs of a cell, those of lists and tables inside it included."""
    for element in children(parent):
        if local(element) in ("p", "h"):
            yield element
        elif local(element) in ("list", "list-item", "table", "table-row", "table-cell"):
            yield from _paragraphs(element)


def _spaced(text: str | None) -> str:
    """White space counts as one space in ODF; what is meant to be more has elements of its own."""
    return _WHITE.sub(" ", text) if text else ""
