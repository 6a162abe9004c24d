"""HTML by resiliparse, whose tree is built in linear time however deeply it is nested.

The tree is walked once, without recursion: hostile pages nest hundreds of thousands of elements.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from resiliparse.parse.html import ElementNode, HTMLTree, Node, NodeType

from ingest.canonical import CanonicalText, clean, collapse
from ingest.encodings import decode
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.table_headers import is_name
from ingest.parsers.tables import Cell, TableWriter
from ingest.sniffing import HTML
from rag.records import BlockKind, ParsedDocument

_DROPPED = frozenset({
    "script", "style", "noscript", "template", "svg", "iframe", "object", "embed", "canvas", "audio", "video",
    "map", "nav", "head", "button", "select", "input", "textarea", "datalist", "dialog",
})  # fmt: skip
# Marked by their authors as no part of what is read: print style sheets and screen reader conventions.
_DROPPED_CLASSES = frozenset(
    {"noprint", "mw-editsection", "mw-jump-link", "sr-only", "visually-hidden", "skip-link"}
)
_DROPPED_ROLES = frozenset({"navigation", "search", "menu", "menubar"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "legend", "main",
    "ol", "p", "section", "summary", "ul",
})  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_TABLE_PARTS = frozenset({"table", "thead", "tr", "td", "th"})
_WHOLE_NUMBER = re.compile(r"\d{1,5}")
_TO_THE_END = 65534  # rows that a cell spans at most; the standard's 0 stands for "to the end of the table"
_TELLING = frozenset({"hidden", "aria-hidden", "role", "hreflang", "style", "class"})
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DECLARED = re.compile(
    rb"""<meta[^>]{1,512}?charset\s*=\s*["']?\s*([\w:.-]{1,40})|^\s*<\?xml[^>]{1,200}?encoding=["']([\w.-]{1,40})""",
    re.IGNORECASE,
)
_DECLARED_WITHIN = 4096
_LINE_BREAK = "\v"  # stands for <br> until white space is collapsed


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Headings, paragraphs, list items, table rows and code; navigation, scripts and the like dropped."""
    declared = _DECLARED.search(data[:_DECLARED_WITHIN])
    charset = next(filter(None, declared.groups())).decode("ascii", "replace") if declared else None
    text, _ = decode(data, charset)
    builder = CanonicalText(limits)
    title = write_html(text, builder)
    return builder.finish(HTML, title=title)


def write_html(markup: str, builder: CanonicalText) -> str | None:
    """Append what a page or a piece of one says to ``builder``; returns the page's title."""
    # resiliparse takes UTF-8, which has no place for lone surrogates.
    tree = HTMLTree.parse(clean(markup))
    if tree.body is None:
        return None
    writer = _Writer(builder)
    writer.walk(tree.body)
    writer.flush()
    return tree.title or None


@dataclass
class _List:
    """A list being read; ``number`` is None where items are not counted."""

    number: int | None


@dataclass
class _Table:
    """A table being read. A table within a table shows that the outer one only arranges things."""

    writer: TableWriter
    is_layout: bool = False
    in_head: bool = False
    cells: list[Cell] | None = None
    columns: int = 1
    rows: int = 1
    all_headers: bool = True
    has_body: bool = False

    def is_header(self, cells: Sequence[Cell]) -> bool:
        """Whether a row of header cells is a header: neither labels of the rows beside it nor their sum."""
        if all(cell.rows > 1 for cell in cells):
            return False
        return not self.has_body or all(is_name(cell.text) for cell in cells)


@dataclass
class _Writer:
    """Turns the elements of a walk into blocks."""

    builder: CanonicalText
    pieces: list[str] = field(default_factory=list)
    code: int = 0
    heading: int = 0
    marker: str = ""
    lists: list[_List] = field(default_factory=list)
    tables: list[_Table] = field(default_factory=list)

    def walk(self, root: Node) -> None:
        """Visit everything below ``root`` in document order, leaving out what is dropped."""
        open_elements: list[Node] = []
        node: Node | None = root
        while node is not None:
            is_open = self._visit(node)
            child = node.first_child if is_open else None
            if child is not None:
                open_elements.append(node)
                node = child
                continue
            if is_open:
                self._leave_element(node.tag or "")
            while (following := node.next_sibling) is None and open_elements:
                node = open_elements.pop()
                self._leave_element(node.tag or "")
            node = following if open_elements else None

    def _visit(self, node: Node) -> bool:
        """Take note of ``node``; whether it is an element whose content counts."""
        if node.type is NodeType.TEXT:
            self.pieces.append(node.value or "")
        elif isinstance(node, ElementNode):
            tag = node.tag or ""
            if tag not in _DROPPED and not _is_hidden(tag, node):
                self._enter_element(tag, node)
                return True
        return False

    def _enter_element(self, tag: str, node: ElementNode) -> None:
        if tag == "br":
            self.pieces.append("\n" if self.code else _LINE_BREAK)
        elif tag in _TABLE_PARTS:
            self._enter_table(tag, node)
        elif tag in _BLOCKS or tag in _HEADINGS or tag in ("li", "pre"):
            self._break()
            self.code += tag == "pre"
            if not self._in_cell():
                self.heading = _HEADINGS.get(tag, self.heading)
            if tag in ("ul", "ol", "menu"):
                self.lists.append(_List(_start_number(node) if tag == "ol" else None))
            elif tag == "li":
                self.marker = self._next_marker()

    def _leave_element(self, tag: str) -> None:
        if tag in _TABLE_PARTS:
            self._leave_table(tag)
        elif tag in _BLOCKS or tag in _HEADINGS or tag in ("li", "pre"):
            self._break()
            if tag == "pre":
                self.code -= 1
            if tag in _HEADINGS:
                self.heading = 0
            if tag in ("ul", "ol", "menu") and self.lists:
                self.lists.pop()
                if not self.lists:
                    self.builder.end_group()
            elif tag == "li":
                self.marker = ""

    def _enter_table(self, tag: str, node: ElementNode) -> None:
        if tag == "table":
            if self.tables:
                self._dissolve(self.tables[-1])
            self.flush()
            self.tables.append(_Table(TableWriter(self.builder)))
        elif self.tables and not self.tables[-1].is_layout:
            table = self.tables[-1]
            if tag == "thead":
                table.in_head = True
            elif tag == "tr":
                self.flush()
                table.cells, table.all_headers = [], True
            elif table.cells is not None:
                self.pieces.clear()
                table.all_headers &= tag == "th"
                table.columns = _whole_number(node, "colspan")
                table.rows = _whole_number(node, "rowspan") or _TO_THE_END
        else:
            self._break()

    def _leave_table(self, tag: str) -> None:
        if not self.tables or self.tables[-1].is_layout:
            self._break()
        if not self.tables:
            return
        table = self.tables[-1]
        if tag in ("td", "th") and table.cells is not None:
            table.cells.append(Cell(collapse("".join(self.pieces)), table.columns, table.rows))
            self.pieces.clear()
        elif tag == "tr" and table.cells is not None:
            header = table.in_head or (table.all_headers and table.is_header(table.cells))
            table.writer.write_cells(table.cells, header=header)
            table.has_body |= not header
            table.cells = None
        elif tag == "thead":
            table.in_head = False
        elif tag == "table":
            self.flush()
            self.tables.pop()
            table.writer.end()

    def _dissolve(self, table: _Table) -> None:
        """``table`` only arranges other things: what its row held so far becomes paragraphs."""
        for cell in table.cells or ():
            self.builder.add_block(BlockKind.PARAGRAPH, cell.text)
        table.is_layout, table.cells = True, None

    def _in_cell(self) -> bool:
        return bool(self.tables) and self.tables[-1].cells is not None

    def _break(self) -> None:
        """The end of a block; inside a cell merely a space."""
        if self._in_cell():
            self.pieces.append(" ")
        else:
            self.flush()

    def flush(self) -> None:
        """Write what was collected as one block."""
        text = "".join(self.pieces)
        self.pieces.clear()
        if self.code:
            self.builder.add_block(BlockKind.CODE, text)
            return
        lines = [collapse(line) for line in text.split(_LINE_BREAK)]
        text = "\n".join(line for line in lines if line)
        if not text:
            return
        if self.heading:
            self.builder.add_block(BlockKind.HEADING, collapse(text), level=self.heading)
        elif self.marker:
            self.builder.add_block(BlockKind.LIST_ITEM, self.marker + text)
            self.marker = ""
        else:
            self.builder.add_block(BlockKind.PARAGRAPH, text)

    def _next_marker(self) -> str:
        if not self.lists or (number := self.lists[-1].number) is None:
            return "- "
        self.lists[-1].number = number + 1
        return f"{number}. "


def _is_hidden(tag: str, node: ElementNode) -> bool:
    attributes = node.attrs
    if not attributes:
        return False
    values = {name: node.getattr(name) or "" for name in attributes if name in _TELLING}
    if "hidden" in values or values.get("aria-hidden") == "true" or values.get("role") in _DROPPED_ROLES:
        return True
    if tag == "a" and "hreflang" in values:  # a link to the same page in another language
        return True
    if _INVISIBLE.search(values.get("style", "")):
        return True
    return not _DROPPED_CLASSES.isdisjoint(values.get("class", "").split())


def _whole_number(node: ElementNode, attribute: str) -> int:
    found = node.getattr(attribute) or "1"
    return int(found) if _WHOLE_NUMBER.fullmatch(found) else 1


def _start_number(node: ElementNode) -> int:
    start = node.getattr("start") or "1"
    return int(start) if re.fullmatch(r"-?\d{1,9}", start) else 1
