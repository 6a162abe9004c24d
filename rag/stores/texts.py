"""Canonical texts and page layouts as stored: the one place quotations are read from."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Row, delete, func, insert, select

from rag.errors import NotFound
from rag.records import NO_WORDS, BlockKind, Box, Page, PageKind, ParsedDocument, WordTable
from rag.stores.database import Tx, fetch
from rag.stores.tables import headings, pages, text_pieces, versions

PIECE = 16_384
"""Code points a stored piece of text holds."""

MAX_HEADINGS = 20_000
MAX_HEADING_CHARS = 300

_QUICK = 1  # level of deflate: the usual one takes twice as long to save three per cent


_CHUNKS = """
SELECT chunks.id, substr(text, max(chunks.start - piece.start, 0) + 1,
                         chunks."end" - piece.start - max(chunks.start - piece.start, 0))
FROM chunks JOIN text_pieces AS piece ON piece.version_id = chunks.version_id
WHERE chunks.id IN (SELECT value FROM json_each(?))
      AND piece.start < chunks."end" AND piece."end" > chunks.start
ORDER BY chunks.id, piece.start
"""


def forget(tx: Tx, version_id: int) -> None:
    """Remove a version's text and everything about it, before it is read anew."""
    for table in (text_pieces, pages, headings):
        tx.execute(delete(table).where(table.c.version_id == version_id))


def write_text(tx: Tx, version_id: int, text: str) -> None:
    rows = [
        {
            "version_id": version_id,
            "start": at,
            "end": min(at + PIECE, len(text)),
            "text": text[at : at + PIECE],
        }
        for at in range(0, len(text), PIECE)
    ]
    if rows:
        tx.execute(insert(text_pieces), rows)


def read_text(tx: Tx, version_id: int, start: int, end: int) -> str:
    """``text[start:end]`` of a version; shorter where the text ends before ``end``."""
    if end <= start:
        return ""
    rows = tx.execute(
        select(text_pieces.c.start, text_pieces.c.text)
        .where(text_pieces.c.version_id == version_id)
        .where(text_pieces.c.start > start - PIECE, text_pieces.c.start < end)
        .order_by(text_pieces.c.start)
    ).all()
    if not rows:
        return ""
    joined, offset = "".join(row.text for row in rows), rows[0].start
    return joined[start - offset : end - offset]


def read_chunks(tx: Tx, chunk_ids: Sequence[int]) -> dict[int, str]:
    """The texts of chunks by id, in one query: a search reads a score of them."""
    rows = fetch(tx, _CHUNKS, json.dumps(list(chunk_ids)))
    bodies = dict.fromkeys(chunk_ids, "")
    for chunk_id, part in rows:
        bodies[chunk_id] += part
    return bodies


def write_pages(tx: Tx, version_id: int, all_pages: Sequence[Page]) -> None:
    rows = [
        {
            "version_id": version_id,
            "number": page.number,
            "start": page.start,
            "end": page.end,
            "width": page.width,
            "height": page.height,
            "words": _pack_words(page.words),
            "label": page.label,
            "rows": _pack_rows(page.rows),
        }
        for page in all_pages
    ]
    if rows:
        tx.execute(insert(pages), rows)


def write_headings(tx: Tx, version_id: int, parsed: ParsedDocument) -> None:
    found = [block for block in parsed.blocks if block.kind is BlockKind.HEADING][:MAX_HEADINGS]
    rows = [
        {
            "version_id": version_id,
            "start": block.start,
            "level": block.level,
            "text": " ".join(parsed.text[block.start : block.end].split())[:MAX_HEADING_CHARS],
        }
        for block in found
    ]
    if rows:
        tx.execute(insert(headings), rows)


def page_kind(tx: Tx, version_id: int) -> PageKind:
    """What the version is divided into."""
    return PageKind(
        tx.scalar(select(versions.c.page_kind).where(versions.c.id == version_id)) or PageKind.PAGE
    )


def headings_above(tx: Tx, version_id: int, start: int) -> tuple[str, ...]:
    """The headings that lead to the character ``start``, outermost first."""
    rows = tx.execute(
        select(headings.c.level, headings.c.text, func.max(headings.c.start).label("at"))
        .where(headings.c.version_id == version_id, headings.c.start <= start)
        .group_by(headings.c.level)
    ).all()
    path: list[str] = []
    level = 7
    for row in sorted(rows, key=lambda row: -row.at):
        if row.level < level:
            path.append(row.text)
            level = row.level
    return tuple(reversed(path))


def read_page(tx: Tx, version_id: int, number: int) -> Page:
    """Raises ``NotFound`` (``page_not_found``)."""
    row = tx.execute(select(pages).where(pages.c.version_id == version_id, pages.c.number == number)).first()
    if row is None:
        raise NotFound("page_not_found", f"There is no page {number} in this version; pages count from 1.")
    return _page(row)


def pages_touching(tx: Tx, version_id: int, start: int, end: int) -> list[Page]:
    """The pages on which some of ``[start, end)`` stands, in order."""
    rows = tx.execute(
        select(pages)
        .where(pages.c.version_id == version_id, pages.c.start < end, pages.c.end > start)
        .order_by(pages.c.number)
    )
    return [_page(row) for row in rows]


def line_boxes(words: WordTable, start: int, end: int) -> tuple[Box, ...]:
    """One box a line for the words that overlap ``[start, end)``: what a viewer draws over a citation."""
    lines: list[Box] = []
    for word in words.between(start, end):
        x0, y0, x1, y1 = word.box
        if lines:
            left, bottom, right, top = lines[-1]
            overlap = min(top, y1) - max(bottom, y0)
            follows = x0 >= left and x0 - right < 3 * (y1 - y0)
            if follows and overlap > 0.5 * min(top - bottom, y1 - y0):
                lines[-1] = (left, min(bottom, y0), max(right, x1), max(top, y1))
                continue
        lines.append(word.box)
    return tuple(lines)


def _page(row: Row[Any]) -> Page:
    return Page(
        number=row.number,
        start=row.start,
        end=row.end,
        width=row.width,
        height=row.height,
        words=_unpack_words(row.words),
        label=row.label,
        rows=_unpack_rows(row.rows),
    )


def _pack_rows(rows: Sequence[tuple[int, int]]) -> bytes:
    """Two little-endian int32 columns of differences (offsets, numbers), deflated: both mostly repeat."""
    if not rows:
        return b""
    table = np.array(rows, dtype="<i4")
    steps = np.diff(table, axis=0, prepend=np.zeros((1, 2), dtype="<i4"))
    return zlib.compress(np.ascontiguousarray(steps.T).tobytes(), 6)


def _unpack_rows(packed: bytes) -> tuple[tuple[int, int], ...]:
    if not packed:
        return ()
    steps = np.frombuffer(zlib.decompress(packed), dtype="<i4").reshape(2, -1)
    return tuple((start, number) for start, number in np.cumsum(steps, axis=1).T.tolist())


def _pack_words(words: WordTable) -> bytes:
    """Six little-endian int32 columns (start, end, box in twentieths of a point), deflated."""
    return zlib.compress(words.rows.T.astype("<i4").tobytes(), _QUICK) if words else b""


def _unpack_words(packed: bytes) -> WordTable:
    if not packed:
        return NO_WORDS
    columns = np.frombuffer(zlib.decompress(packed), dtype="<i4").reshape(WordTable.COLUMNS, -1)
    return WordTable(np.ascontiguousarray(columns.T, dtype=np.int32))
