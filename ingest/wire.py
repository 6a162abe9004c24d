"""How a parsed document crosses from the parsing child to its parent: plain JSON, never pickle.

Long lists of numbers (the words of a page, the rows of a sheet) cross as base64 of little-endian int32.
The child has read hostile bytes, so its words are checked too: whatever does not have the expected
shape raises, and the parent runs ``ingest.canonical.check`` on the rest.
"""

from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.records import Block, BlockKind, Member, Notice, Page, PageKind, ParsedDocument, WordTable

_NUMBER = np.dtype("<i4")
_ROW_COLUMNS = 2


def encode_document(parsed: ParsedDocument) -> dict[str, Any]:
    """``parsed`` as JSON-serialisable values."""
    return {
        "text": parsed.text,
        "media_type": parsed.media_type,
        "title": parsed.title,
        "pages": [_encode_page(page) for page in parsed.pages],
        "blocks": [[each.kind, each.start, each.end, each.level, each.header] for each in parsed.blocks],
        "warnings": [[notice.code, notice.detail] for notice in parsed.warnings],
        "page_count": parsed.page_count,
        "pages_without_text": list(parsed.pages_without_text),
        "page_kind": parsed.page_kind,
        "members": [[member.name, member.size] for member in parsed.members],
        "pages_recognised": list(parsed.pages_recognised),
    }


def decode_document(message: dict[str, Any]) -> ParsedDocument:
    """The inverse of :func:`encode_document`. Raises KeyError, TypeError or ValueError on another shape."""
    return ParsedDocument(
        text=_string(message["text"]),
        media_type=_string(message["media_type"]),
        title=None if message["title"] is None else _string(message["title"]),
        pages=tuple(_decode_page(number, fields) for number, fields in enumerate(message["pages"], start=1)),
        blocks=tuple(
            Block(BlockKind(kind), _count(start), _count(end), level=_count(level), header=header is True)
            for kind, start, end, level, header in message["blocks"]
        ),
        warnings=tuple(Notice(_string(code), _string(detail)) for code, detail in message["warnings"]),
        page_count=_count(message["page_count"]),
        pages_without_text=tuple(map(_count, message["pages_without_text"])),
        page_kind=PageKind(message["page_kind"]),
        members=tuple(Member(_string(name), _count(size)) for name, size in message["members"]),
        pages_recognised=tuple(map(_count, message["pages_recognised"])),
    )


def to_line(message: dict[str, Any]) -> bytes:
    """One message as one line. Surrogates must be gone: they do not survive UTF-8."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> dict[str, Any]:
    """The message of a line. Raises ValueError when it is none."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object")
    return message


def _encode_page(page: Page) -> list[Any]:
    rows = np.array(page.rows, dtype=np.int32) if page.rows else np.empty((0, _ROW_COLUMNS), dtype=np.int32)
    words = _pack(page.words.rows)
    return [page.start, page.end, page.width, page.height, page.label, words, _pack(rows)]


def _decode_page(number: int, fields: list[Any]) -> Page:
    start, end, width, height, label, words, rows = fields
    return Page(
        number=number,
        start=_count(start),
        end=_count(end),
        width=_length(width),
        height=_length(height),
        words=WordTable(_unpack(words, WordTable.COLUMNS)),
        label=_string(label),
        rows=tuple((offset, row) for offset, row in _unpack(rows, _ROW_COLUMNS).tolist()),
    )


def _pack(table: NDArray[np.int32]) -> str:
    return b64encode(table.astype(_NUMBER, order="C").tobytes()).decode("ascii")


def _unpack(packed: object, columns: int) -> NDArray[np.int32]:
    """A table of so many columns; ValueError if the numbers do not fill its last row."""
    numbers = np.frombuffer(b64decode(_string(packed), validate=True), dtype=_NUMBER)
    return numbers.astype(np.int32, copy=False).reshape(-1, columns)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"expected a count, got {value!r:.40}")
    return value


def _length(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise TypeError(f"expected a length, got {value!r:.40}")
    return float(value)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value
