"""Canonical texts and page layouts as stored: the one place quotations are read from."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from sqlalchemy import func, insert, select

from rag.errors import NotFound
from rag.records import Box, Page, Word
from rag.stores.database import Tx
from rag.stores.tables import chunks, pages, text_pieces

PIECE = 16_384
"""Code points a stored piece of text holds."""

_BOX_SCALE = 20.0  # a twentieth of a point: far finer than a screen shows


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
    first = func.max(chunks.c.start - text_pieces.c.start, 0)
    length = chunks.c.end - text_pieces.c.start - first
    rows = tx.execute(
        select(chunks.c.id, func.substr(text_pieces.c.text, first + 1, length).label("part"))
        .join(text_pieces, text_pieces.c.version_id == chunks.c.version_id)
        .where(chunks.c.id.in_(chunk_ids))
        .where(text_pieces.c.start < chunks.c.end, text_pieces.c.end > chunks.c.start)
        .order_by(chunks.c.id, text_pieces.c.start)
    )
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
        }
        for page in all_pages
    ]
    if rows:
        tx.execute(insert(pages), rows)


def read_page(tx: Tx, version_id: int, number: int) -> Page:
    """Raises ``NotFound`` (``page_not_found``)."""
    row = tx.execute(select(pages).where(pages.c.version_id == version_id, pages.c.number == number)).first()
    if row is None:
        raise NotFound("page_not_found", f"There is no page {number} in this version; pages count from 1.")
    return Page(row.number, row.start, row.end, row.width, row.height, _unpack_words(row.words))


def pages_touching(tx: Tx, version_id: int, start: int, end: int) -> list[Page]:
    """The pages on which some of ``[start, end)`` stands, in order."""
    rows = tx.execute(
        select(pages)
        .where(pages.c.version_id == version_id, pages.c.start < end, pages.c.end > start)
        .order_by(pages.c.number)
    )
    return [
        Page(row.number, row.start, row.end, row.width, row.height, _unpack_words(row.words)) for row in rows
    ]


def line_boxes(words: Iterable[Word], start: int, end: int) -> tuple[Box, ...]:
    """One box a line for the words that overlap ``[start, end)``: what a viewer draws over a citation."""
    lines: list[Box] = []
    for word in words:
        if word.end <= start or word.start >= end:
            continue
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


def _pack_words(words: Sequence[Word]) -> bytes:
    """Six little-endian int32 columns (start, end, box in twentieths of a point), deflated."""
    if not words:
        return b""
    table = np.array([(w.start, w.end, *(round(v * _BOX_SCALE) for v in w.box)) for w in words], dtype="<i4")
    return zlib.compress(np.ascontiguousarray(table.T).tobytes(), 6)


def _unpack_words(packed: bytes) -> tuple[Word, ...]:
    if not packed:
        return ()
    table = np.frombuffer(zlib.decompress(packed), dtype="<i4").reshape(6, -1).T
    return tuple(
        Word(start, end, (x0 / _BOX_SCALE, y0 / _BOX_SCALE, x1 / _BOX_SCALE, y1 / _BOX_SCALE))
        for start, end, x0, y0, x1, y1 in table.tolist()
    )
