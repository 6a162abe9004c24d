"""Markdown by markdown-it-py (CommonMark with tables): readable text without the marks.

Links keep their text, code its spelling, and HTML goes through the HTML parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.canonical import CanonicalText, clean, collapse
from ingest.encodings import decode
from ingest.parsers import Progress
from ingest.parsers.html import write_html
from ingest.parsers.limits import ParseLimits
from ingest.parsers.tables import TableWriter
from ingest.sniffing import MARKDOWN
from rag.records import BlockKind, ParsedDocument

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:(?!---)[^\n]*\n){0,200}(?:---|\.\.\.)[ \t]*(?:\n|\Z)")
_TITLE = re.compile(r"^title:[ \t]*([^\n]+)", re.IGNORECASE | re.MULTILINE)
# From each open bracket the library looks for the end of a link, to the end of the paragraph at worst.
_MOST_STEPS_FOR_LINKS = 50_000_000
_BREAK_TAG = re.compile(r"<br\s*/?>", re.IGNORECASE)


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Headings, paragraphs, list items, table rows and code. Front matter only gives the title."""
    text, _ = decode(data)
    text = clean(text)
    title = None
    front_matter = _FRONT_MATTER.match(text)
    if front_matter:
        found = _TITLE.search(front_matter.group())
        title = found.group(1).strip().strip("\"'") if found else None
        text = text[front_matter.end() :]
    builder = CanonicalText(limits)
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    if _would_look_for_links_too_long(text):
        reader.disable(["link", "image"])
    _Writer(builder).write(reader.parse(text))
    return builder.finish(MARKDOWN, title=title)


def _would_look_for_links_too_long(text: str) -> bool:
    """Whether the brackets of a paragraph are so many that looking takes time; links then stay marks."""
    return any(part.count("[") * len(part) > _MOST_STEPS_FOR_LINKS for part in text.split("\n\n"))


class _Writer:
    """Turns the flat token stream of markdown-it into blocks."""

    def __init__(self, builder: CanonicalText) -> None:
        self._builder = builder
        self._kind = BlockKind.PARAGRAPH
        self._level = 0
        self._lists = 0
        self._marker = ""
        self._table: TableWriter | None = None
        self._cells: list[str] | None = None
        self._in_header = False

    def write(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            if token.type == "inline":
                self._write_inline(_plain(token.children or ()))
            elif token.type in ("fence", "code_block"):
                self._builder.add_block(BlockKind.CODE, token.content)
            elif token.type == "html_block":
                write_html(token.content, self._builder)
            else:
                self._follow(token)

    def _write_inline(self, text: str) -> None:
        if self._cells is not None:
            self._cells.append(collapse(text))
        elif self._level:
            self._builder.add_block(BlockKind.HEADING, collapse(text), level=self._level)
        elif self._marker:
            self._builder.add_block(BlockKind.LIST_ITEM, self._marker + text)
            self._marker = ""
        else:
            self._builder.add_block(BlockKind.PARAGRAPH, text)

    def _follow(self, token: Token) -> None:
        """Keep track of where in the structure the walk is."""
        match token.type:
            case "heading_open":
                self._level = int(token.tag[1:])
            case "heading_close":
                self._level = 0
            case "list_item_open":
                self._marker = f"{token.info}{token.markup} " if token.info else "- "
            case "list_item_close":
                self._marker = ""
            case "bullet_list_open" | "ordered_list_open":
                self._lists += 1
            case "bullet_list_close" | "ordered_list_close":
                self._lists -= 1
                if not self._lists:
                    self._builder.end_group()
            case "table_open":
                self._table = TableWriter(self._builder)
            case "thead_open" | "thead_close":
                self._in_header = token.type == "thead_open"
            case "tr_open":
                self._cells = []
            case "tr_close" if self._table is not None:
                self._table.write(self._cells or (), header=self._in_header)
                self._cells = None
            case "table_close" if self._table is not None:
                self._table.end()
                self._table = None


def _plain(tokens: Sequence[Token]) -> str:
    """What a reader sees of inline tokens: no marks, no targets, images by their description."""
    pieces = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            pieces.append(token.content)
        elif token.type == "softbreak":
            pieces.append(" ")
        elif token.type == "hardbreak" or (token.type == "html_inline" and _BREAK_TAG.match(token.content)):
            pieces.append("\n")
        elif token.type == "image":
            pieces.append(unescape(token.content))
    return "".join(pieces)
