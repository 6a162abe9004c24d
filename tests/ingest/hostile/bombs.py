"""Files that are made to hurt whoever reads them, as small as they come."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.ingest.builders import archive, compound, docx, lines, open_document, paragraph, pdf

MIB = 2**20
TYPES = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
CONTAINER = (
    b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    b'<rootfile full-path="a.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


@dataclass(frozen=True)
class Bomb:
    """``make`` gives the file called ``name``; it ends with one of ``codes``, where ``read`` is success."""

    title: str
    name: str
    make: Callable[[], bytes]
    codes: tuple[str, ...]


def zeros(size: int) -> bytes:
    """``size`` zero bytes, raw deflated to about a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(size // MIB)) + packer.flush()


def packed(name: str, files: dict[str, bytes]) -> bytes:
    """A zip of ``files`` and of one called ``name`` that unpacks to 64 MiB of zeros."""
    return archive(files | {name: bytes(64 * MIB)})


def entry(name: bytes, at: int, packed_bytes: int, size: int, crc: int) -> bytes:
    """A record of the central directory (APPNOTE 6.3, 4.3.12) for a deflated file."""
    sizes = struct.pack("<HHHHHHIII", 20, 20, 0, 8, 0, 0, crc, packed_bytes, size)
    return b"PK\x01\x02" + sizes + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, at) + name


def local(name: bytes, content: bytes, size: int, crc: int) -> bytes:
    """A file with its header (4.3.7)."""
    header = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, crc, len(content), size, len(name), 0)
    return b"PK\x03\x04" + header + name + content


def closed(files: bytes, directory: bytes, count: int) -> bytes:
    """``files`` and ``directory`` with the end records of a zip64 archive (4.3.14 to 4.3.16)."""
    end64 = b"PK\x06\x06" + struct.pack(
        "<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, len(directory), len(files)
    )
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, len(files) + len(directory), 1)
    most = 0xFFFFFFFF
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, most, most, 0)
    return files + directory + end64 + locator + end


def million_entries(first: bytes = b"a.txt") -> bytes:
    """A directory of a million entries for one file of one byte."""
    content = zlib.compress(b"x")[2:-4]
    files = local(first, content, 1, zlib.crc32(b"x"))
    return closed(
        files,
        entry(first, 0, len(content), 1, zlib.crc32(b"x"))
        + entry(b"b", 0, len(content), 1, zlib.crc32(b"x")) * 999_999,
        1_000_000,
    )


def overlapping(count: int = 500) -> bytes:
    """Many entries that are one and the same megabyte (Fifield's "full overlap")."""
    content, crc = zeros(MIB), zlib.crc32(bytes(MIB))
    files = local(b"a", content, MIB, crc)
    directory = b"".join(entry(b"%d" % number, 0, len(content), MIB, crc) for number in range(count))
    return closed(files, directory, count)


def lying(claimed: int, name: bytes = b"a.txt", others: dict[str, bytes] | None = None) -> bytes:
    """An entry that unpacks to 64 MiB and says that it has ``claimed`` bytes."""
    content, crc = zeros(64 * MIB), zlib.crc32(bytes(64 * MIB))
    files, directory = b"", b""
    for other, body in (others or {}).items():
        raw = zlib.compress(body)[2:-4]
        directory += entry(other.encode(), len(files), len(raw), len(body), zlib.crc32(body))
        files += local(other.encode(), raw, len(body), zlib.crc32(body))
    directory += entry(name, len(files), len(content), claimed, crc)
    return closed(files + local(name, content, claimed, crc), directory, 1 + len(others or {}))


def nested(levels: int) -> bytes:
    """A zip in a zip in a zip."""
    content = b"at last"
    for level in range(levels):
        content = archive({f"{level}.zip" if level else "a.txt": content})
    return content


def laughs(root: str) -> bytes:
    """XML whose entities stand for each other ten times over ("billion laughs"), used in ``root``."""
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 10)
    )
    return f'<?xml version="1.0"?><!DOCTYPE x [{entities}]><{root}>&a9;</{root.split()[0]}>'.encode()


def quadratic(root: str) -> bytes:
    """XML with one long entity that is used again and again."""
    text = f'<!DOCTYPE x [<!ENTITY a "{"x" * 100_000}">]><{root}>{"&a;" * 10_000}</{root.split()[0]}>'
    return text.encode()


def deep_xml(root: str, element: str) -> bytes:
    return f"<{root}>{f'<{element}>' * 100_000}".encode()


def word(document: bytes) -> bytes:
    return archive({"[Content_Types].xml": TYPES, "word/document.xml": document})


def book(package: bytes, **chapters: bytes) -> bytes:
    return archive({"META-INF/container.xml": CONTAINER, "a.opf": package, **chapters})


def sheet(cells: bytes, before: bytes = b"") -> bytes:
    """A workbook of one sheet with these rows, and ``before`` the root of the sheet."""
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packaged = b"http://schemas.openxmlformats.org/package/2006/relationships"
    return archive(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": b'<Relationships xmlns="%s"><Relationship Id="r" Type="%s/officeDocument" '
            b'Target="xl/workbook.xml"/></Relationships>' % (packaged, relations),
            "xl/workbook.xml": b'<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="S" sheetId="1" '
            b'r:id="r1"/></sheets></workbook>' % (main, relations),
            "xl/_rels/workbook.xml.rels": b'<Relationships xmlns="%s"><Relationship Id="r1" '
            b'Type="%s/worksheet" Target="worksheets/sheet1.xml"/></Relationships>' % (packaged, relations),
            "xl/worksheets/sheet1.xml": b'%s<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>'
            % (before, main, cells),
        }
    )


def far_corner() -> bytes:
    """Two cells as far apart as a sheet is wide and long: 17 billion empty ones between them."""
    return sheet(
        b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )


def many_parts(count: int) -> bytes:
    head = b"From: a@b.c\nSubject: parts\nContent-Type: multipart/mixed; boundary=x\n\n"
    return head + b"--x\n\nhello\n" * count + b"--x--\n"


def nested_parts(depth: int) -> bytes:
    return b"From: a@b.c\nSubject: levels\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth)
    )


def hidden_macros(data: bytes) -> bytes:
    """``data``, an office file, with a macro part added."""
    target = io.BytesIO(data)
    with zipfile.ZipFile(target, "a") as writer:
        writer.writestr("word/vbaProject.bin", compound("VBA"))
    return target.getvalue()


_WORD = 'w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_ODF = 'office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
_HELLO = docx(paragraph("Hello there."))

BOMBS = [
    Bomb("zip in zip", "a.zip", lambda: nested(50), ("read",)),
    Bomb("zip of a million entries", "a.zip", million_entries, ("limit_exceeded",)),
    Bomb("overlapping entries", "a.zip", overlapping, ("corrupt",)),
    Bomb("flate bomb", "a.zip", lambda: packed("a.txt", {}), ("limit_exceeded",)),
    Bomb("entry that claims too little", "a.zip", lambda: lying(10), ("corrupt",)),
    Bomb("entry that claims terabytes", "a.zip", lambda: lying(0xFFFFFFFE), ("limit_exceeded",)),
    Bomb("zip cut off", "a.zip", lambda: archive({"a.txt": b"x" * 1000})[:-30], ("corrupt",)),
    Bomb("empty zip", "a.zip", lambda: archive({}), ("no_text",)),
    Bomb("docx of a million entries", "a.docx", lambda: million_entries(b"[Content_Types].xml"),
         ("limit_exceeded",)),
    Bomb("flate bomb in docx", "a.docx", lambda: packed("word/document.xml", {"[Content_Types].xml": b""}),
         ("limit_exceeded",)),
    Bomb("flate bomb in xlsx", "a.xlsx", lambda: packed("xl/workbook.xml", {"[Content_Types].xml": b""}),
         ("limit_exceeded",)),
    Bomb("flate bomb in pptx", "a.pptx", lambda: packed("ppt/presentation.xml", {"[Content_Types].xml": b""}),
         ("limit_exceeded",)),
    Bomb("flate bomb in odt", "a.odt", lambda: open_document("text", content="\0" * 64 * MIB),
         ("limit_exceeded",)),
    Bomb("flate bomb in epub", "a.epub", lambda: packed("a.opf", {"META-INF/container.xml": CONTAINER}),
         ("limit_exceeded",)),
    Bomb("docx that claims too little", "a.docx",
         lambda: lying(10, b"word/document.xml", {"[Content_Types].xml": b""}), ("corrupt",)),
    Bomb("billion laughs in docx", "a.docx", lambda: word(laughs(_WORD)), ("corrupt",)),
    Bomb("billion laughs in odt", "a.odt", lambda: open_document("text", content=laughs(_ODF).decode()),
         ("corrupt",)),
    Bomb("billion laughs in epub", "a.epub", lambda: book(laughs("package")), ("corrupt",)),
    Bomb("billion laughs in xlsx", "a.xlsx",
         lambda: sheet(b'<row><c t="str"><v>&a9;</v></c></row>', laughs("x").partition(b"<x>")[0]),
         ("read", "corrupt", "no_text")),
    Bomb("quadratic entities in docx", "a.docx", lambda: word(quadratic(_WORD)), ("corrupt",)),
    Bomb("quadratic entities in odt", "a.odt",
         lambda: open_document("text", content=quadratic(_ODF).decode()), ("corrupt",)),
    Bomb("quadratic entities in epub", "a.epub", lambda: book(quadratic("package")), ("corrupt",)),
    Bomb("deep docx", "a.docx", lambda: word(deep_xml(_WORD, "w:p")), ("corrupt",)),
    Bomb("deep odt", "a.odt", lambda: open_document("text", content=deep_xml(_ODF, "p").decode()),
         ("corrupt",)),
    Bomb("sheet with a far corner", "a.xlsx", far_corner, ("read", "limit_exceeded")),
    Bomb("deep html", "a.html", lambda: b"<html>" + b"<div>" * 50_000 + b"end", ("read",)),
    Bomb("html of open tags", "a.html", lambda: b"<html>" + b"<a b='" * 100_000 + b"end",
         ("read", "no_text")),
    Bomb("deep json", "a.json", lambda: b"[" * 1_000_000, ("limit_exceeded",)),
    Bomb("deep json objects", "a.json", lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
         ("limit_exceeded",)),
    Bomb("long names nested in json", "a.json",
         lambda: (b'{"%s":' % (b"k" * 10_000)) * 500 + b"[%s]" % b",".join([b"{}"] * 50_000) + b"}" * 500,
         ("read",)),
    Bomb("number of a million digits", "a.json", lambda: b'{"n": %s}' % (b"9" * 1_000_000), ("read",)),
    Bomb("deep rtf", "a.rtf", lambda: b"{\\rtf1" + b"{" * 500_000 + b"end", ("read",)),
    Bomb("rtf with endless binary data", "a.rtf", lambda: b"{\\rtf1 a{\\pict\\bin999999999 ", ("read",)),
    Bomb("rtf of fields", "a.rtf", lambda: b"{\\rtf1 a" + b'{\\field{\\*\\fldinst HYPERLINK "x"}' * 20_000,
         ("read",)),
    Bomb("mail of many parts", "a.eml", lambda: many_parts(100_000), ("limit_exceeded",)),
    Bomb("mail of nested parts", "a.eml", lambda: nested_parts(10_000), ("limit_exceeded",)),
    Bomb("mail with comments in an address", "a.eml", lambda: b"From: %s\nTo: a\n\nhello" % (b"(" * 15_000),
         ("read",)),
    Bomb("mail with an endless header", "a.eml", lambda: b"From: a\n" + b"X: y\n" * 500_000, ("read",)),
    Bomb("csv of a single line", "a.csv", lambda: b"a" + b"," * 1_000_000 + b"b", ("read", "limit_exceeded")),
    Bomb("csv of an open quotation", "a.csv", lambda: b'a,b\n1,"' + b"x,\n" * 300_000, ("read",)),
    Bomb("deep markdown", "a.md", lambda: b">" * 20_000 + b" end", ("read", "no_text")),
    Bomb("code without line ends", "a.js", lambda: b"f(" * 500_000, ("read",)),
    Bomb("damaged xls", "a.xls", lambda: compound("Workbook"), ("corrupt",)),
    Bomb("damaged msg", "a.msg", lambda: compound("__properties_version1.0"), ("corrupt",)),
    Bomb("docx called pdf", "a.pdf", lambda: _HELLO, ("read",)),
    Bomb("pdf called docx", "a.docx", lambda: pdf(lines("Hello there.")), ("read",)),
    Bomb("pdf and zip in one", "a.zip", lambda: pdf(lines("Hello there.")) + archive({"a": b"b"}), ("read",)),
    Bomb("html and zip in one", "a.zip",
         lambda: b"<html><body>Hello there." + b" " * 9000 + archive({"a": b"b"}), ("read",)),
    Bomb("gif and script in one", "a.js", lambda: b"GIF89a/*\0*/=1;alert(1)", ("unsupported_type",)),
    Bomb("docm with macros", "a.docm", lambda: hidden_macros(_HELLO), ("read",)),
    Bomb("program called docx", "a.docx", lambda: b"MZ\x90\0" + bytes(1000), ("unsupported_type",)),
]  # fmt: skip
