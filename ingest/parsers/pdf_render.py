"""A picture of a PDF page: PDFium renders, and the PNG is written here (no imaging library needed)."""

from __future__ import annotations

import math
import struct
import zlib

import pypdfium2 as pdfium

from ingest.parsers.pdf import open_document
from rag.errors import DocumentRejected, NotFound

_MAX_SCALE = 8.0
_TRUECOLOUR = 2
_COMPRESSION = 6


def render(data: bytes, page_number: int, scale: float, max_pixels: int) -> bytes:
    """Page ``page_number`` (from 1) as an RGB PNG of ``scale`` pixels to a point, at most ``max_pixels``.

    Raises:
        NotFound: ``page_not_found``.
        DocumentRejected: as ``open_document``; ``page_unreadable``.
    """
    document = open_document(data)
    if not 1 <= page_number <= len(document):
        raise NotFound(
            "page_not_found", f"The document has {len(document)} pages; ask for one between 1 and that."
        )
    try:
        page = document[page_number - 1]
        bitmap = page.render(
            scale=_fitting_scale(page, scale, max_pixels), rev_byteorder=True, prefer_bgrx=False
        )
    except pdfium.PdfiumError as error:
        raise DocumentRejected(
            "page_unreadable", f"Page {page_number} is damaged and cannot be shown; open the original file."
        ) from error
    return _png(bitmap)


def _fitting_scale(page: pdfium.PdfPage, scale: float, max_pixels: int) -> float:
    area = max(1.0, page.get_width() * page.get_height())
    return max(1e-6, min(scale, _MAX_SCALE, math.sqrt(max_pixels / area)))


def _png(bitmap: pdfium.PdfBitmap) -> bytes:
    """``bitmap`` (three bytes a pixel) as PNG (ISO/IEC 15948), every line unfiltered."""
    pixels = memoryview(bytes(bitmap.buffer))
    row_bytes = bitmap.width * 3
    rows = bytearray()
    for row in range(bitmap.height):
        rows += b"\x00"
        rows += pixels[row * bitmap.stride : row * bitmap.stride + row_bytes]
    header = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, 8, _TRUECOLOUR, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, _COMPRESSION)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
