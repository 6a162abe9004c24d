"""PDFs that are made to take all time or memory of whoever reads them (ISO 32000-1 allows most of it)."""

from __future__ import annotations

import zlib

from ingest.parsers.image import pdf_file
from tests.ingest.builders import lines
from tests.ingest.hostile.bombs import MIB, Bomb

_TEXT = lines("Hello there.")
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_STOPPED = ("limit_exceeded",)
_HARMLESS = ("read", "no_text", "corrupt")
_EITHER = (*_HARMLESS, "limit_exceeded")


def packed(data: bytes, layers: int = 1) -> bytes:
    for _ in range(layers):
        data = zlib.compress(data, 9)
    return data


def spaces(mebibytes: int, layers: int) -> bytes:
    """So many MiB of spaces, deflated so many times over; never held in memory unpacked."""
    packer = zlib.compressobj(9)
    first = b"".join(packer.compress(b" " * MIB) for _ in range(mebibytes)) + packer.flush()
    return packed(first, layers - 1)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def document(
    contents: bytes, *more: bytes, page: bytes = b"", catalog: bytes = b"", pages: bytes | None = None
) -> bytes:
    """A page with the stream object ``contents``; further objects are numbered from 6."""
    tree = pages or b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    resources = b"/Resources << /Font << /F1 5 0 R >> /XObject << /X 6 0 R >> >>"
    return pdf_file(
        [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            tree,
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R %s %s >>"
            % (page, resources),
            contents,
            _FONT,
            *more,
        ]
    )


def deflated(mebibytes: int, layers: int) -> bytes:
    filters = b"/Filter [%s]" % (b" /FlateDecode" * layers)
    return document(stream(spaces(mebibytes, layers), filters))


def run_length(mebibytes: int) -> bytes:
    """RunLengthDecode makes 128 bytes of two, and Flate makes nearly nothing of those."""
    pairs = b"\x81 " * (mebibytes * MIB // 128)
    return document(stream(packed(pairs), b"/Filter [/FlateDecode /RunLengthDecode]"))


def hexadecimal(mebibytes: int) -> bytes:
    return document(stream(packed(b"20" * mebibytes * MIB), b"/Filter [/FlateDecode /ASCIIHexDecode]"))


def nested_forms(levels: int, uses: int) -> bytes:
    """Forms that draw the next one several times: ``uses ** levels`` pieces of text."""
    forms = [
        stream(
            b"/X Do " * uses,
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>"
            % (7 + level),
        )
        for level in range(levels)
    ]
    last = stream(
        _TEXT,
        b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /Font << /F1 5 0 R >> >>",
    )
    return document(stream(b"/X Do"), *forms, last)


def form_cycle() -> bytes:
    entries = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >>"
    return document(stream(_TEXT + b"/X Do"), stream(b"/X Do /X Do", entries))


def many_kids(count: int) -> bytes:
    """The same page over and over."""
    kids = b"3 0 R " * count
    return document(stream(_TEXT), pages=b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count))


def tree_cycle() -> bytes:
    """A page tree whose only node is its own child."""
    return document(stream(_TEXT), pages=b"<< /Type /Pages /Kids [2 0 R] /Count 5 >>")


def outline(count: bytes, first: bytes, items: list[bytes]) -> bytes:
    catalog = b"/Outlines 6 0 R"
    root = b"<< /Type /Outlines /First %s /Last %s /Count %s >>" % (first, first, count)
    return document(stream(_TEXT), root, *items, catalog=catalog)


def outline_cycle() -> bytes:
    return outline(b"2", b"7 0 R", [b"<< /Title (a) /Parent 6 0 R /Next 7 0 R /First 7 0 R >>"])


def deep_outline(levels: int) -> bytes:
    items = [
        b"<< /Title (a) /Parent %d 0 R /First %d 0 R >>" % (6 + level, 8 + level) for level in range(levels)
    ]
    return outline(b"1", b"7 0 R", items)


def object_stream_cycle() -> bytes:
    """A cross-reference stream that says an object stream lies inside itself (7.5.7)."""
    data = bytearray(b"%PDF-1.5\n")
    at = len(data)
    body = packed(b"2 0 << >>")
    data += b"2 0 obj\n%s\nendobj\n" % stream(
        body, b"/Type /ObjStm /N 1 /First 4 /Extends 2 0 R /Filter /FlateDecode"
    )
    start = len(data)
    rows = b"".join(
        kind.to_bytes(1) + place.to_bytes(4) + index.to_bytes(1)
        for kind, place, index in [(0, 0, 0), (2, 2, 0), (2, 2, 0), (1, at, 0)]
    )
    entries = b"/Type /XRef /Size 4 /W [1 4 1] /Root 1 0 R"
    data += b"3 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(rows, entries), start)
    return bytes(data)


def reference_cycle() -> bytes:
    """A cross-reference table whose predecessor is itself (7.5.8)."""
    made = document(stream(_TEXT))
    start = made.rindex(b"xref\n0 ", 0, made.rindex(b"startxref"))
    return made.replace(b"trailer\n<<", b"trailer\n<< /Prev %d" % start)


def huge_size() -> bytes:
    return document(stream(_TEXT)).replace(b"/Size 6", b"/Size 2147483647")


def huge_table() -> bytes:
    """A cross-reference section that announces two billion entries."""
    return document(stream(_TEXT)).replace(b"xref\n0 6", b"xref\n0 2000000000")


def picture(width: int, height: int, pixels: bytes, entries: bytes) -> bytes:
    made = b"/Type /XObject /Subtype /Image /Width %d /Height %d %s" % (width, height, entries)
    return document(stream(_TEXT + b" q 600 0 0 700 0 0 cm /X Do Q"), stream(pixels, made))


def huge_picture() -> bytes:
    grey = b"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
    return picture(1_000_000, 1_000_000, packed(b"\0" * MIB), grey)


def many_pictures() -> bytes:
    """A thousand drawings of a picture of 64 megapixels."""
    pixels = spaces(64, 1)
    entries = b"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
    made = b"/Type /XObject /Subtype /Image /Width 8192 /Height 8192 %s" % entries
    return document(stream(_TEXT + b" /X Do" * 1000), stream(pixels, made))


def metadata_entities() -> bytes:
    entities = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 10)
    )
    xmp = b'<?xpacket begin=""?><!DOCTYPE x [%s]><x>&a9;</x><?xpacket end="w"?>' % entities
    made = stream(xmp, b"/Type /Metadata /Subtype /XML")
    return document(stream(_TEXT), made, catalog=b"/Metadata 6 0 R")


def deep(opening: bytes, closing: bytes, levels: int) -> bytes:
    return document(stream(_TEXT), opening * levels + closing * levels, catalog=b"/PieceInfo 6 0 R")


def giant_page() -> bytes:
    return document(stream(_TEXT), page=b"/UserUnit 1e30").replace(b"612 792", b"1e38 1e38")


def tiny_type(count: int) -> bytes:
    """Very many words, each at the same place."""
    return document(stream(packed(b"BT /F1 1 Tf " + b"(a ) Tj " * count + b"ET"), b"/Filter /FlateDecode"))


def deep_states() -> bytes:
    return document(stream(packed(b"q " * 2_000_000 + _TEXT), b"/Filter /FlateDecode"))


def endless_dashes() -> bytes:
    return document(stream(_TEXT + b"[0.00001 0.00001] 0 d 0 0 m 1e9 1e9 l S"))


def pattern_cycle() -> bytes:
    entries = (
        b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 .01 .01] /XStep .01 /YStep .01 "
        b"/Resources << /Pattern << /P 6 0 R >> >>"
    )
    contents = stream(_TEXT + b"/Pattern cs /P scn 0 0 612 792 re f")
    made = document(contents, stream(b"/Pattern cs /P scn 0 0 9 9 re f", entries))
    return made.replace(b"/XObject << /X 6 0 R >>", b"/Pattern << /P 6 0 R >>", 1)


BOMBS = [
    Bomb("pdf flate bomb", "a.pdf", lambda: deflated(600, 1), _EITHER),
    Bomb("pdf flate bomb in two layers", "a.pdf", lambda: deflated(1500, 2), _EITHER),
    Bomb("pdf flate bomb in three layers", "a.pdf", lambda: deflated(3000, 3), _EITHER),
    Bomb("pdf run-length bomb", "a.pdf", lambda: run_length(1000), _EITHER),
    Bomb("pdf hexadecimal bomb", "a.pdf", lambda: hexadecimal(400), _EITHER),
    Bomb("pdf of nested forms", "a.pdf", lambda: nested_forms(9, 10), _EITHER),
    Bomb("pdf of deep forms", "a.pdf", lambda: nested_forms(5000, 1), _EITHER),
    Bomb("pdf with a form that draws itself", "a.pdf", form_cycle, _EITHER),
    Bomb("pdf of a million pages that are one", "a.pdf", lambda: many_kids(1_000_000), _STOPPED),
    Bomb("pdf whose page tree is a cycle", "a.pdf", tree_cycle, _HARMLESS),
    Bomb("pdf with an outline that is a cycle", "a.pdf", outline_cycle, ("read",)),
    Bomb("pdf with a deep outline", "a.pdf", lambda: deep_outline(50_000), ("read",)),
    Bomb("pdf with an object stream in itself", "a.pdf", object_stream_cycle, _HARMLESS),
    Bomb("pdf whose cross-references are a cycle", "a.pdf", reference_cycle, _HARMLESS),
    Bomb("pdf that claims two billion objects", "a.pdf", huge_size, _HARMLESS),
    Bomb("pdf with a table of two billion objects", "a.pdf", huge_table, _HARMLESS),
    Bomb("pdf with a picture of a terapixel", "a.pdf", huge_picture, ("read",)),
    Bomb("pdf that draws a large picture often", "a.pdf", many_pictures, _EITHER),
    Bomb("pdf with entities in its metadata", "a.pdf", metadata_entities, ("read",)),
    Bomb("pdf of deep arrays", "a.pdf", lambda: deep(b"[", b"]", 500_000), _HARMLESS),
    Bomb("pdf of deep dictionaries", "a.pdf", lambda: deep(b"<</a", b">>", 300_000), _HARMLESS),
    Bomb("pdf of a giant page", "a.pdf", giant_page, _HARMLESS),
    Bomb("pdf of three million words in a place", "a.pdf", lambda: tiny_type(3_000_000), _EITHER),
    Bomb("pdf of two million saved states", "a.pdf", deep_states, _EITHER),
    Bomb("pdf of endless dashes", "a.pdf", endless_dashes, ("read",)),
    Bomb("pdf with a pattern that is made of itself", "a.pdf", pattern_cycle, ("read",)),
]
