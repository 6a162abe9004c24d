"""How a parsed document crosses from the parsing child to its parent: plain JSON, never pickle.

The child has read hostile bytes, so its words are checked too: whatever does not have the expected
shape raises, and the parent runs ``ingest.canonical.check`` on the rest.
"""

from __future__ import annotations

import json
from typing import Any

from rag.records import Block, BlockKind, Notice, Page, ParsedDocument, Word

_WORD_FIELDS = 6


def encode_document(parsed: ParsedDocument) -> dict[str, Any]:
    """``parsed`` as JSON-serialisable values; the words of a page as one flat list of numbers."""
    return {
        "text": parsed.text,
        "media_type": parsed.media_type,
        "title": parsed.title,
        "pages": [
            [each.start, each.end, each.width, each.height, _flat(each.words)] for each in parsed.pages
        ],
        "blocks": [[each.kind, each.start, each.end, each.level, each.header] for each in parsed.blocks],
        "warnings": [[notice.code, notice.detail] for notice in parsed.warnings],
        "page_count": parsed.page_count,
        "pages_without_text": list(parsed.pages_without_text),
    }


def decode_document(message: dict[str, Any]) -> ParsedDocument:
    """The inverse of :func:`encode_document`. Raises KeyError, TypeError or ValueError on another shape."""
    return ParsedDocument(
        text=_string(message["text"]),
        media_type=_string(message["media_type"]),
        title=None if message["title"] is None else _string(message["title"]),
        pages=tuple(_page(number, fields) for number, fields in enumerate(message["pages"], start=1)),
        blocks=tuple(
            Block(BlockKind(kind), int(start), int(end), level=int(level), header=bool(header))
            for kind, start, end, level, header in message["blocks"]
        ),
        warnings=tuple(Notice(_string(code), _string(detail)) for code, detail in message["warnings"]),
        page_count=int(message["page_count"]),
        pages_without_text=tuple(int(number) for number in message["pages_without_text"]),
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


def _flat(words: tuple[Word, ...]) -> list[float]:
    numbers: list[float] = []
    for word in words:
        numbers += (word.start, word.end, *word.box)
    return numbers


def _page(number: int, fields: list[Any]) -> Page:
    start, end, width, height, numbers = fields
    if len(numbers) % _WORD_FIELDS:
        raise ValueError(f"page {number} holds a word that is cut off")
    words = tuple(
        Word(int(numbers[at]), int(numbers[at + 1]), (*map(float, numbers[at + 2 : at + _WORD_FIELDS]),))  # type: ignore[arg-type]  # four numbers, by the slice
        for at in range(0, len(numbers), _WORD_FIELDS)
    )
    return Page(number, int(start), int(end), width=float(width), height=float(height), words=words)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value
