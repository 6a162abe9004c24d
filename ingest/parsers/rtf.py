"""RTF by an own reader of its control words, in time linear in the file.

Known libraries search it with patterns that are quadratic on hostile files and give flat text; this one
keeps headings, lists, tables and notes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple

from ingest.canonical import CanonicalText, collapse
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.rtf_words import (
    CHARACTERS,
    PARAGRAPH_ENDS,
    READ_THOUGH_OPTIONAL,
    SKIPPED,
    SYMBOLS,
    codec_of_charset,
    codec_of_page,
)
from ingest.parsers.tables import TableWriter
from ingest.sniffing import RTF
from rag.records import BlockKind, ParsedDocument

_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,9})?\d*+ ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}]+)", re.DOTALL
)
_HEADING_STYLE = re.compile(r"heading (\d)", re.IGNORECASE)
_LINE_ENDS = str.maketrans("", "", "\r\n")
_BODY_LEVEL = 9  # as \outlinelevel: no heading


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Headings by outline level or style, paragraphs, list items and tables; notes follow their paragraph.

    Hidden and deleted text, headers, footers and pictures are left out.
    """
    builder = CanonicalText(limits)
    reader = _Reader(_Writer(builder))
    reader.read(data.decode("latin-1"))
    return builder.finish(RTF, title=reader.title)


class _Into(Enum):
    """Where text goes that is met in a group."""

    TEXT = auto()
    NOTHING = auto()
    FONTS = auto()
    STYLES = auto()
    INFO = auto()
    TITLE = auto()
    MARKER = auto()
    ASIDE = auto()


class _State(NamedTuple):
    """What a group inherits and its end takes back. ``fallback`` characters follow each ``\\u``."""

    into: _Into = _Into.TEXT
    codec: str | None = None
    fallback: int = 1
    hidden: bool = False
    level: int = 0
    in_table: bool = False


@dataclass
class _Writer:
    """Collects paragraphs and rows and hands them to the builder."""

    builder: CanonicalText
    pieces: list[str] = field(default_factory=list)
    marker: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    is_header: bool = False
    table: TableWriter | None = None

    def end_paragraph(self, level: int) -> None:
        text, marker = _joined(self.pieces), collapse(_joined(self.marker))
        if text.strip():
            self._end_table()
            if level:
                self.builder.add_block(BlockKind.HEADING, collapse(f"{marker} {text}"), level=min(level, 6))
            elif marker:
                is_bullet = marker == "o" or not any(char.isalnum() for char in marker)
                bullet = "-" if is_bullet else marker
                self.builder.add_block(BlockKind.LIST_ITEM, f"{bullet} {text.strip()}")
            else:
                self.builder.add_block(BlockKind.PARAGRAPH, text)
        self._write_asides()

    def end_cell(self) -> None:
        self.marker.clear()
        self.cells.append(collapse(_joined(self.pieces)))

    def end_row(self) -> None:
        if self.cells:
            self.table = self.table or TableWriter(self.builder)
            self.table.write(self.cells, header=self.is_header)
            self.cells = []

    def end_aside(self) -> None:
        self.asides.append(_joined(self.aside))

    def end(self) -> None:
        """Write what a file without its end has left open."""
        self.end_row()
        self.end_paragraph(0)
        self._end_table()

    def _write_asides(self) -> None:
        if self.asides:
            self._end_table()
        for text in self.asides:
            self.builder.add_block(BlockKind.PARAGRAPH, text)
        self.asides.clear()

    def _end_table(self) -> None:
        if self.table is not None:
            self.table.end()
            self.table = None


class _Reader:
    """Follows groups and control words and tells the writer what it meets."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer
        self._state = _State()
        self._stack: list[_State] = []
        self._pending = bytearray()  # characters of more than one byte come in several tokens
        self._to_skip = 0
        self._optional = False
        self._codec = codec_of_page(0)
        self._fonts: dict[int, str | None] = {}
        self._styles: dict[int, int] = {}
        self._defined = 0  # the font or style that is being defined
        self._default_font = 0
        self._name: list[str] = []
        self._title: list[str] = []
        self._targets = {
            _Into.TEXT: writer.pieces,
            _Into.MARKER: writer.marker,
            _Into.ASIDE: writer.aside,
            _Into.STYLES: self._name,
            _Into.TITLE: self._title,
        }

    @property
    def title(self) -> str | None:
        return _joined(list(self._title)) or None

    def read(self, text: str) -> None:
        """Read a whole file, given as one character a byte."""
        position = 0
        while (token := _TOKEN.match(text, position)) is not None:
            position = token.end()
            word, number, byte, symbol, brace, plain = token.groups()
            if plain is not None:
                self._take(plain.translate(_LINE_ENDS).encode("latin-1"))
            elif word == "bin":
                position += max(0, int(number or 0))
            elif word is not None:
                self._follow(word, None if number is None else int(number))
            elif byte is not None:
                self._take(bytes.fromhex(byte))
            elif symbol is not None:
                self._follow_symbol(symbol)
            elif brace == "{":
                self._flush()
                self._stack.append(self._state)
            else:
                self._flush()
                self._close()
                if not self._stack:
                    break  # what follows is no part of the document
        self._flush()
        self._writer.end()

    def _close(self) -> None:
        inner, self._state = self._state, self._stack.pop() if self._stack else _State()
        if inner.into is _Into.ASIDE and self._state.into is not _Into.ASIDE:
            self._writer.end_aside()
        if inner.into is _Into.STYLES:
            named = _HEADING_STYLE.match(_joined(self._name).strip())
            self._styles.setdefault(self._defined, int(named.group(1)) if named else 0)

    def _take(self, raw: bytes) -> None:
        skipped = min(self._to_skip, len(raw))
        self._to_skip -= skipped
        self._optional = self._optional and not raw
        if self._state.into is not _Into.NOTHING and not self._state.hidden:
            self._pending += raw[skipped:]

    def _flush(self) -> None:
        """Write the text read so far; what follows a character in place of it ends here too."""
        self._to_skip = 0
        if self._pending:
            self._put(self._pending.decode(self._state.codec or self._codec, "replace"))
            self._pending.clear()

    def _put(self, text: str) -> None:
        if not self._state.hidden:
            target = self._targets.get(self._state.into)
            if target is not None:
                target.append(text)

    def _follow_symbol(self, symbol: str) -> None:
        self._flush()
        if symbol == "*":
            self._optional = True
        elif symbol in SYMBOLS:
            self._put(SYMBOLS[symbol])
        elif symbol in "\r\n":
            self._end_paragraph()

    def _follow(self, word: str, number: int | None) -> None:
        self._flush()
        optional, self._optional = self._optional, False
        if self._state.into is _Into.NOTHING or self._enter(word, optional):
            return
        if word in CHARACTERS:
            self._put(CHARACTERS[word])
        elif word in PARAGRAPH_ENDS:
            self._end_paragraph()
        elif word in _FOLLOWED:
            _FOLLOWED[word](self, word, number)

    def _enter(self, word: str, optional: bool) -> bool:
        """Whether ``word`` says where the text of its group goes."""
        into = _DESTINATIONS.get(word)
        if into is None:
            if not optional or word in READ_THOUGH_OPTIONAL:
                return False
            into = _Into.NOTHING
        if into is _Into.TITLE and self._state.into is not _Into.INFO:
            return False
        if into is not _Into.MARKER or self._state.into is _Into.TEXT:
            self._change(into=into)
        return True

    def _follow_character(self, word: str, number: int | None) -> None:
        if word == "uc":
            self._change(fallback=max(0, number or 0))
        elif number is not None:
            self._put(chr(number % 0x10000))
            self._to_skip = self._state.fallback

    def _follow_table(self, word: str, number: int | None) -> None:
        if self._state.into is not _Into.TEXT:
            self._put(" ")
        elif word == "cell":
            self._writer.end_cell()
        elif word == "row":
            self._writer.end_row()
        else:
            self._writer.is_header = word == "trhdr"

    def _follow_font(self, word: str, number: int | None) -> None:
        number = number or 0
        defining = self._state.into is _Into.FONTS
        if word == "ansicpg":
            self._codec = codec_of_page(number)
        elif word == "mac":
            self._codec = codec_of_page(10000)
        elif word == "deff":
            self._default_font = number
        elif word == "f" and defining:
            self._defined = number
        elif word == "f":
            self._change(codec=self._fonts.get(number))
        elif defining:
            self._fonts[self._defined] = (
                codec_of_charset(number) if word == "fcharset" else codec_of_page(number)
            )

    def _follow_style(self, word: str, number: int | None) -> None:
        defining = self._state.into is _Into.STYLES
        if word == "s" and defining:
            self._defined = number or 0
            self._name.clear()
        elif word == "s":
            self._change(level=self._styles.get(number or 0, 0))
        elif number is not None:
            level = number + 1 if 0 <= number < _BODY_LEVEL else 0
            if defining:
                self._styles[self._defined] = level
            else:
                self._change(level=level)

    def _follow_format(self, word: str, number: int | None) -> None:
        if word == "pard":
            self._change(level=0, in_table=False)
        elif word == "intbl":
            self._change(in_table=True)
        elif word == "plain":
            self._change(hidden=False, codec=self._fonts.get(self._default_font))
        else:
            self._change(hidden=number != 0)

    def _end_paragraph(self) -> None:
        if self._state.into is _Into.ASIDE:
            self._writer.aside.append("\n")
        elif self._state.into is _Into.TEXT and self._state.in_table:
            self._writer.pieces.append(" ")
        elif self._state.into is _Into.TEXT:
            self._writer.end_paragraph(self._state.level)

    def _change(self, **changes: Any) -> None:
        self._state = self._state._replace(**changes)


_DESTINATIONS = dict.fromkeys(SKIPPED, _Into.NOTHING) | {
    "fonttbl": _Into.FONTS,
    "stylesheet": _Into.STYLES,
    "info": _Into.INFO,
    "title": _Into.TITLE,
    "listtext": _Into.MARKER,
    "pntext": _Into.MARKER,
    "footnote": _Into.ASIDE,
    "shptxt": _Into.ASIDE,
}
_FOLLOWED: Mapping[str, Callable[[_Reader, str, int | None], None]] = (
    dict.fromkeys(("u", "uc"), _Reader._follow_character)
    | dict.fromkeys(("cell", "row", "trowd", "trhdr"), _Reader._follow_table)
    | dict.fromkeys(("f", "deff", "fcharset", "cpg", "ansicpg", "mac"), _Reader._follow_font)
    | dict.fromkeys(("s", "outlinelevel"), _Reader._follow_style)
    | dict.fromkeys(("pard", "intbl", "plain", "v", "deleted"), _Reader._follow_format)
)


def _joined(pieces: list[str]) -> str:
    """The text of ``pieces``, which are emptied. Characters beyond U+FFFF come as two halves."""
    text = "".join(pieces)
    pieces.clear()
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if text else text
