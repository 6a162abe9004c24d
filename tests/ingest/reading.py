"""Parsing in the test's own process, for looking at what comes out."""

from __future__ import annotations

import io
from pathlib import Path

from ingest.canonical import check
from ingest.parsers import parse
from ingest.parsers.limits import ParseLimits
from rag.records import Block, BlockKind, ParsedDocument


def read(data: bytes | Path, name: str = "file", limits: ParseLimits | None = None) -> ParsedDocument:
    """``data`` or the file at that path, sniffed, parsed and checked."""
    content = data.read_bytes() if isinstance(data, Path) else data
    parsed = parse(
        io.BytesIO(content),
        data.name if isinstance(data, Path) else name,
        limits or ParseLimits(),
        lambda done, total: None,
    )
    check(parsed)
    return parsed


def texts(parsed: ParsedDocument, kind: BlockKind | None = None) -> list[str]:
    """The texts of all blocks, or of those of one kind."""
    return [text_of(parsed, block) for block in parsed.blocks if kind in (None, block.kind)]


def text_of(parsed: ParsedDocument, block: Block) -> str:
    return parsed.text[block.start : block.end]
