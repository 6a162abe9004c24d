"""Small spreadsheets, presentations and OpenDocument files made by hand."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence

from pptx.presentation import Presentation

from tests.ingest.builders import archive, open_document

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_ODF = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("style", "style"),
        ("svg", "svg-compatible"),
        ("presentation", "presentation"),
        ("manifest", "manifest"),
    )
)
_DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'


def xlsx(
    sheets: Mapping[str, str], *, hidden: Sequence[str] = (), shared: Sequence[str] = (), title: str = ""
) -> bytes:
    """A workbook whose sheets have this XML after their start tag, see :func:`cells`."""
    names, states = list(sheets), ("visible", "hidden")
    entries = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="r{number}" state="{states[name in hidden]}"/>'
        for number, name in enumerate(names, start=1)
    )
    targets = (
        "".join(
            f'<Relationship Id="r{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in range(1, len(names) + 1)
        )
        + f'<Relationship Id="s" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    )
    strings = "".join(f"<si><t>{text}</t></si>" for text in shared)
    formats = '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy-mm-dd hh:mm"/></numFmts>'
    styles = (
        f'{formats}<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs>'
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"/>',
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "docProps/core.xml": f'<p xmlns:dc="dc"><dc:title>{title}</dc:title></p>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<sheets>{entries}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{targets}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">{styles}</styleSheet>',
    } | {
        f"xl/worksheets/sheet{number}.xml": f'<worksheet xmlns="{_MAIN}">{content}</worksheet>'
        for number, content in enumerate(sheets.values(), start=1)
    }
    return archive({name: content.encode() for name, content in files.items()})


def cells(rows: Mapping[int, Sequence[object]], merged: Sequence[str] = ()) -> str:
    """The XML of a sheet with these rows; None leaves a cell out, a tuple is a number and its style."""
    lines = []
    for number, values in rows.items():
        found = "".join(
            _cell(f"{chr(ord('A') + column)}{number}", value)
            for column, value in enumerate(values)
            if value is not None
        )
        lines.append(f'<row r="{number}">{found}</row>')
    spans = "".join(f'<mergeCell ref="{each}"/>' for each in merged)
    ending = f'<mergeCells count="{len(merged)}">{spans}</mergeCells>' if merged else ""
    return f"<sheetData>{''.join(lines)}</sheetData>{ending}"


def _cell(place: str, value: object) -> str:
    if isinstance(value, tuple):
        number, style = value
        return f'<c r="{place}" s="{style}"><v>{number}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def odf(
    kind: str, body: str, *, styles: str = "", more: str = "", masters: str = "", manifest: str = ""
) -> bytes:
    """An OpenDocument file with this XML in its body and ``styles`` among its automatic styles.

    ``more`` and ``masters`` are common styles and master pages.
    """
    content = (
        f"<office:document-content {_ODF} {_DC}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    common = (
        f"<office:document-styles {_ODF}><office:styles>{more}</office:styles>"
        f"<office:master-styles>{masters}</office:master-styles></office:document-styles>"
    )
    parts = {"content": content, "styles": common, "META-INF/manifest": f"<manifest>{manifest}</manifest>"}
    return open_document(kind, **parts)


def saved(presentation: Presentation) -> bytes:
    """The bytes of a python-pptx presentation."""
    target = io.BytesIO()
    presentation.save(target)
    return target.getvalue()


def xls(rows: Sequence[Sequence[str | float]], *, password: bool = False) -> bytes:
    """An Excel 97 workbook (BIFF8, [MS-XLS]) with one sheet; ``password`` only announces encryption."""

    def record(kind: int, content: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def begin(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0))

    sheet = begin(0x10) + record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, len(rows[0]), 0))
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            place = struct.pack("<HHH", row, column, 0)
            if isinstance(value, str):
                text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
                sheet += record(0x204, place + text)
            else:
                sheet += record(0x203, place + struct.pack("<d", value))
    protection = record(0x2F, struct.pack("<HHH", 1, 1, 1)) if password else b""
    start = begin(5) + protection + record(0x42, struct.pack("<H", 1200))
    offset = len(start) + 18 + 4
    start += record(0x85, struct.pack("<IBBBB", offset, 0, 0, 6, 0) + b"Prices") + record(0xA)
    return _compound("Workbook", start + sheet + record(0xA))


def _compound(name: str, stream: bytes) -> bytes:
    """An OLE file with one stream ([MS-CFB]): header, allocation table, directory, stream."""
    free, end, own = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIII", header, 40, 0, 1, 1, 0, 4096, end, 0, end, 0)
    struct.pack_into("<109I", header, 76, 0, *[free] * 108)
    table = [own, end, *range(3, 2 + len(stream) // 512), end]
    table += [free] * (128 - len(table))

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        encoded = title.encode("utf-16-le")
        about = struct.pack("<HBBIII", len(encoded) + 2, kind, 1, free, free, child)
        return (encoded.ljust(64, b"\0") + about).ljust(116, b"\0") + struct.pack("<IQ", start, size)

    directory = entry("Root Entry", 5, 1, end, 0) + entry(name, 2, free, 2, len(stream))
    return bytes(header) + struct.pack("<128I", *table) + directory.ljust(512, b"\0") + stream
