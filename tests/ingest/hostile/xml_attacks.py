"""XML that asks its reader for files and addresses, in every kind of file that has XML inside.

``CANARY`` stands in a file of this machine, and whoever opens the address is seen: neither may happen.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.ingest.builders import archive, open_document
from tests.ingest.hostile.bombs import CONTAINER, TYPES, sheet

CANARY = "canary-5e2f1b"

_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_SLIDE = (
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)
_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)
_XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGED = "http://schemas.openxmlformats.org/package/2006/relationships"
_INCLUDE = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="{}"/>'

Holder = Callable[[str, str], bytes]
"""Makes a file from what comes before the root element and what stands among its text."""


def docx(before: str, inside: str) -> bytes:
    body = f"<w:body><w:p><w:r><w:t>Seen {inside} here.</w:t></w:r></w:p></w:body>"
    document = f"{before}<w:document {_WORD}>{body}</w:document>"
    return archive({"[Content_Types].xml": TYPES, "word/document.xml": document.encode()})


def xlsx(before: str, inside: str) -> bytes:
    cells = f'<row r="1"><c r="A1" t="inlineStr"><is><t>Seen {inside} here.</t></is></c></row>'
    return sheet(cells.encode(), before.encode())


def pptx(before: str, inside: str) -> bytes:
    text = f"<a:p><a:r><a:t>Seen {inside} here.</a:t></a:r></a:p>"
    shape = f"<p:sp><p:txBody>{text}</p:txBody></p:sp>"
    presentation = (
        f'<p:presentation {_SLIDE} xmlns:r="{_RELATION}"><p:sldIdLst><p:sldId id="256" r:id="s"/>'
        "</p:sldIdLst></p:presentation>"
    )
    relations = (
        f'<Relationships xmlns="{_PACKAGED}"><Relationship Id="s" Type="{_RELATION}/slide" '
        'Target="slides/slide1.xml"/></Relationships>'
    )
    slide = f"{before}<p:sld {_SLIDE}><p:cSld><p:spTree>{shape}</p:spTree></p:cSld></p:sld>"
    return archive(
        {
            "[Content_Types].xml": TYPES,
            "ppt/presentation.xml": presentation.encode(),
            "ppt/_rels/presentation.xml.rels": relations.encode(),
            "ppt/slides/slide1.xml": slide.encode(),
        }
    )


def odt(before: str, inside: str) -> bytes:
    body = f"<office:body><office:text><text:p>Seen {inside} here.</text:p></office:text></office:body>"
    root = f"<office:document-content {_ODF}>{body}</office:document-content>"
    return open_document("text", content=before + root)


def epub_package(before: str, inside: str) -> bytes:
    package = (
        f'{before}<package xmlns="http://www.idpf.org/2007/opf"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>Seen {inside} here.</dc:title></metadata><manifest>"
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    chapter = f"<html {_XHTML}><body><p>A chapter.</p></body></html>"
    return archive(
        {"META-INF/container.xml": CONTAINER, "a.opf": package.encode(), "c.xhtml": chapter.encode()}
    )


def epub_chapter(before: str, inside: str) -> bytes:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    chapter = f"{before}<html {_XHTML}><body><p>Seen {inside} here.</p></body></html>"
    return archive(
        {"META-INF/container.xml": CONTAINER, "a.opf": package.encode(), "c.xhtml": chapter.encode()}
    )


def html(before: str, inside: str) -> bytes:
    return f"{before}<html {_XHTML}><body><p>Seen {inside} here.</p></body></html>".encode()


def svg(before: str, inside: str) -> bytes:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg"><text>Seen {inside} here.</text></svg>'.encode()


HOLDERS: dict[str, Holder] = {
    "a.docx": docx,
    "a.xlsx": xlsx,
    "a.pptx": pptx,
    "a.odt": odt,
    "a.epub": epub_package,
    "b.epub": epub_chapter,
    "a.html": html,
    "a.svg": svg,
}


def attacks(file: str, address: str) -> dict[str, tuple[str, str]]:
    """What comes before the root and what stands in its text, by the attack's name.

    ``file`` is the URL of the file with the canary, ``address`` that of somebody who listens.
    """
    wrapper = f"<!ENTITY % f SYSTEM '{file}'><!ENTITY % w \"<!ENTITY e '%f;'>\">%w;"
    return {
        "entity from a file": (f"<!DOCTYPE x [<!ENTITY e SYSTEM '{file}'>]>", "&e;"),
        "entity from an address": (f"<!DOCTYPE x [<!ENTITY e SYSTEM '{address}/e'>]>", "&e;"),
        "external DTD": (f"<!DOCTYPE x SYSTEM '{address}/x.dtd'>", "&e;"),
        "external DTD with a public name": (f"<!DOCTYPE x PUBLIC '-//X' '{address}/x.dtd'>", "nothing"),
        "parameter entity": (f"<!DOCTYPE x [<!ENTITY % p SYSTEM '{address}/p'> %p;]>", "nothing"),
        "nested parameter entities": (f"<!DOCTYPE x [{wrapper}]>", "&e;"),
        "inclusion of a file": ("", _INCLUDE.format(file)),
        "inclusion of an address": ("", _INCLUDE.format(f"{address}/i")),
        "style sheet": (f"<?xml-stylesheet type='text/xsl' href='{address}/s.xsl'?>", "nothing"),
        "schema": ("", f"<y xmlns:s='http://www.w3.org/2001/XMLSchema-instance' "
                       f"s:noNamespaceSchemaLocation='{address}/s.xsd'/>"),
    }  # fmt: skip
