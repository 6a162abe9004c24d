from __future__ import annotations

from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from rag.records import BlockKind, ParsedDocument
from tests.ingest.builders import archive
from tests.ingest.reading import read, texts

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)
NAV = '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
NCX = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'


def book(chapters: dict[str, str], contents: str = "", **files: str) -> bytes:
    """A book with ``chapters`` (markup by path) in this order; ``contents`` are more manifest items."""
    items = "".join(
        f'<item id="c{number}" href="{path.replace(" ", "%20")}" media-type="application/xhtml+xml"/>'
        for number, path in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>On Ducks</dc:title><dc:creator>A. Writer</dc:creator></metadata>"
        f'<manifest>{items}{contents}</manifest><spine><itemref idref="nav"/>{spine}</spine></package>'
    )
    parts = {f"OEBPS/{path}": markup for path, markup in chapters.items() if markup}
    texts = {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": package, **parts, **files}
    return archive({"mimetype": b"application/epub+zip"} | {name: it.encode() for name, it in texts.items()})


def page(body: str) -> str:
    return (
        f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>{body}</html>'
    )


def read_book(data: bytes) -> ParsedDocument:
    return read(data, "book.epub")


def test_chapters_in_reading_order() -> None:
    parsed = read_book(
        book({"z.xhtml": page("<body><h1>One</h1><p>first"), "a b.xhtml": page("<p>second</p>")})
    )
    assert parsed.title == "On Ducks, by A. Writer"
    assert parsed.text == "One\n\nfirst\n\nsecond"
    assert parsed.warnings == ()


def test_titles_of_the_contents_stand_in_for_missing_headings() -> None:
    chapters = {
        "1.xhtml": page("<h2>Own</h2><p>a</p>"),
        "2.xhtml": page("<p>b</p>"),
        "3.xhtml": page("<p>c</p>"),
    }
    nav = (
        '<html xmlns:epub="http://www.idpf.org/2007/ops">'
        '<nav epub:type="page-list"><a href="3.xhtml">9</a></nav><nav epub:type="toc"><ol><li>'
        '<a href="1.xhtml">One</a><a href="2.xhtml#x">Two\n is here</a></li></ol></nav></html>'
    )
    ncx = (
        '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Three</text>'
        '</navLabel><content src="3.xhtml"/></navPoint></navMap></ncx>'
    )
    data = book(chapters, NAV + NCX, **{"OEBPS/nav.xhtml": nav, "OEBPS/toc.ncx": ncx})
    assert texts(read_book(data), BlockKind.HEADING) == ["Own", "Two is here", "Three"]


def test_elements_closed_at_once_do_not_swallow_the_rest() -> None:
    body = page('<body><script src="x"/><p>a<a id="1"/>b<br/>c</p><div class="x" /><p>d</p></body>')
    assert texts(read_book(book({"1.xhtml": body}))) == ["ab\nc", "d"]


def encryption(method: str, path: str) -> dict[str, str]:
    return {
        "META-INF/encryption.xml": '<encryption xmlns="x"><EncryptedData>'
        f'<EncryptionMethod Algorithm="{method}"/><CipherData><CipherReference URI="{path}"/></CipherData>'
        "</EncryptedData></encryption>"
    }


def test_protected_books_say_so_scrambled_fonts_do_not_matter() -> None:
    chapters = {"1.xhtml": page("<p>a</p>")}
    aes = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
    with pytest.raises(DocumentRejected, match="encrypted"):
        read_book(book(chapters, **encryption(aes, "OEBPS/1.xhtml")))
    assert read_book(book(chapters, **encryption(aes, "OEBPS/font.otf"))).text == "a"
    assert (
        read_book(book(chapters, **encryption("http://www.idpf.org/2008/embedding", "OEBPS/1.xhtml"))).text
        == "a"
    )


def test_missing_chapters_are_named() -> None:
    parsed = read_book(book({"1.xhtml": page("<p>a</p>"), "2.xhtml": ""}))
    assert [(notice.code, "2.xhtml" in notice.detail) for notice in parsed.warnings] == [
        ("chapters_unreadable", True)
    ]
    with pytest.raises(DocumentRejected, match="corrupt"):
        read_book(book({"1.xhtml": ""}))


@pytest.mark.parametrize(
    "files",
    [
        {"META-INF/container.xml": CONTAINER},
        {"META-INF/container.xml": "<container/>"},
        {"META-INF/container.xml": "no xml"},
        {"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": "<package>"},
    ],
)
def test_damaged_books(files: dict[str, str]) -> None:
    with pytest.raises(DocumentRejected, match="corrupt"):
        read_book(archive({name: content.encode() for name, content in files.items()}))


def test_limits() -> None:
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(book({"1.xhtml": page("<p>a</p>")}), "a.epub", ParseLimits(max_unpacked_bytes=500))


def test_a_real_book(shared: Path) -> None:
    parsed = read(shared / "fixtures/epub_purvis_poetry.epub")
    assert parsed.title == "Poetry, by Sarah Louisa Forten Purvis"
    assert "The Grave of the Slave" in texts(parsed, BlockKind.HEADING)
    assert "The cold storms of winter shall chill him no more," in parsed.text
