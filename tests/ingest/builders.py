"""Small documents made by code, for what no real file shows so plainly."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from ingest.parsers.image import pdf_file

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def pdf(*contents: bytes, size: tuple[int, int] = (612, 792), compressed: bool = False) -> bytes:
    """A PDF whose pages have these content streams, with Helvetica as /F1 and Helvetica-Bold as /F2."""
    pages = [3 + 2 * number for number in range(len(contents))]
    fonts = 3 + 2 * len(contents)
    kids = " ".join(f"{page} 0 R" for page in pages)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
    ]
    for page, content in zip(pages, contents, strict=True):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {page + 1} 0 R "
            f"/Resources << /Font << /F1 {fonts} 0 R /F2 {fonts + 1} 0 R >> >> >>".encode()
        )
        body = zlib.compress(content) if compressed else content
        code = b" /Filter /FlateDecode" if compressed else b""
        objects.append(b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(body), code, body))
    for name in (b"Helvetica", b"Helvetica-Bold"):
        objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /%s >>" % name)
    return pdf_file(objects)


def lines(
    *texts: str, x: float = 72, y: float = 720, size: float = 10, leading: float = 12, font: str = "F1"
) -> bytes:
    """A content stream that sets ``texts`` one below the other; brackets must not occur in them."""
    shown = "".join(f"({text}) Tj 0 {-leading} Td " for text in texts)
    return f"BT /{font} {size} Tf {x} {y} Td {shown}ET\n".encode("latin-1")


def docx(body: str, **parts: str) -> bytes:
    """A Word document with this XML in its body; ``parts`` adds for instance ``styles`` or ``footnotes``."""
    wrapped = {
        "document": f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>',
        **{name: f'<w:{name} xmlns:w="{_WORD}">{content}</w:{name}>' for name, content in parts.items()},
    }
    relations = "".join(
        f'<Relationship Id="r{name}" Type="http://example.org/{name}" Target="{name}.xml"/>' for name in parts
    )
    rels = "http://schemas.openxmlformats.org/package/2006/relationships"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"/>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{rels}">{relations}</Relationships>',
        **{f"word/{name}.xml": content for name, content in wrapped.items()},
    }
    return archive({name: content.encode() for name, content in files.items()})


def archive(files: dict[str, bytes]) -> bytes:
    """A zip archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return target.getvalue()


def paragraph(text: str, properties: str = "") -> str:
    """A Word paragraph with one run."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def open_document(kind: str, **parts: str) -> bytes:
    """An OpenDocument file of ``kind`` (``text``, ``presentation`` …) with parts such as ``content``."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr(
            "mimetype", f"application/vnd.oasis.opendocument.{kind}", compress_type=zipfile.ZIP_STORED
        )
        for name, content in parts.items():
            writer.writestr(f"{name}.xml", content)
    return target.getvalue()


def compound(*streams: str, below: tuple[str, ...] = ()) -> bytes:
    """The header and the directory of an OLE file with empty streams, ``below`` in a storage of its own."""
    free = 0xFFFFFFFF
    names = ["Root Entry", *streams, *(["Storage", *below] if below else [])]
    entries = b""
    for number, name in enumerate(names):
        top = number <= len(streams) and bool(below or number < len(streams))
        is_storage = below and number == len(streams) + 1
        follows = number + 1 if number and (top or len(streams) + 1 < number < len(names) - 1) else free
        child = number + 1 if number == 0 or is_storage else free
        encoded = name.encode("utf-16-le")
        entry = encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded) + 2, 2 if number else 5, 1)
        entries += (entry + struct.pack("<III", free, follows, child)).ljust(128, b"\0")
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", header, 30, 9)
    struct.pack_into("<I", header, 48, 0)
    return bytes(header) + entries
