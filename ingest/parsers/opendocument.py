"""ODT and ODP by an own walk over their XML. Slides are pages; text documents have none before layout.

Deleted (tracked) and hidden text and hidden slides are left out: what a reader does not see must not be
cited. Headers and footers of pages follow once, at the end.
"""

from __future__ import annotations

import re
from io import BytesIO

from lxml import etree

from ingest.canonical import CanonicalText, collapse
from ingest.parsers import Progress
from ingest.parsers.limits import ParseLimits
from ingest.parsers.odf_text import OdfStyles, OdfWriter
from ingest.parsers.office_package import (
    Package,
    attribute,
    check_not_encrypted,
    child,
    children,
    local,
    open_document_title,
)
from ingest.parsers.slides import NOTES, Frame, check_slide_count, hidden_slides, reading_order
from ingest.sniffing import sniff
from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind, ParsedDocument

_FURNITURE = frozenset({"header", "footer", "date-time", "page-number"})
_LENGTH = re.compile(r"(-?\d{1,6}(?:\.\d{1,10})?)(cm|mm|in|pt|pc|px)")
_CENTIMETRES = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 2.54 / 72, "pc": 2.54 / 6, "px": 2.54 / 96}


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Headings, paragraphs, lists, tables, notes and comments in reading order."""
    media_type = sniff(BytesIO(data), name)
    package = Package(data, limits)
    check_not_encrypted(package)
    content, styles = package.xml("content.xml"), package.xml("styles.xml")
    body = child(content, "body")
    if content is None or body is None:
        raise DocumentRejected("corrupt", "The document has no content; save it again and send it once more.")
    builder = CanonicalText(limits)
    writer = OdfWriter(builder, OdfStyles(styles, content))
    title = open_document_title(package)
    slides = child(body, "presentation")
    if slides is not None:
        hidden = _write_slides(list(children(slides, "page")), content, builder, writer, limits, progress)
        return builder.finish(
            media_type, title=title, warnings=hidden_slides(hidden), page_kind=PageKind.SLIDE
        )
    for part in children(body):
        writer.write(part)
    if len(builder):  # page headers alone are no text
        for text in _page_headers_and_footers(styles, writer):
            builder.add_block(BlockKind.FURNITURE, text)
    return builder.finish(media_type, title=title)


def _page_headers_and_footers(styles: etree._Element | None, writer: OdfWriter) -> list[str]:
    """What stands on every page of a kind, each text once."""
    masters = child(styles, "master-styles")
    ends = [
        end
        for page in (children(masters, "master-page") if masters is not None else ())
        for end in children(page)
        if local(end).startswith(("header", "footer"))
    ]
    texts = dict.fromkeys(
        "\n".join(filter(None, (collapse(writer.text(each)) for each in children(end, "p")))) for end in ends
    )
    return [text for text in texts if any(map(str.isalpha, text))]  # a page number alone is no text


def _write_slides(
    slides: list[etree._Element],
    content: etree._Element,
    builder: CanonicalText,
    writer: OdfWriter,
    limits: ParseLimits,
    progress: Progress,
) -> list[int]:
    """Append all slides that are shown; returns the numbers of the others."""
    check_slide_count(len(slides), limits.max_pages)
    styles = child(content, "automatic-styles")
    hiding = {
        attribute(style, "name")
        for style in (children(styles, "style") if styles is not None else ())
        if attribute(child(style, "drawing-page-properties"), "visibility") == "hidden"
    }
    hidden = []
    for number, slide in enumerate(slides, start=1):
        if attribute(slide, "style-name") in hiding:
            hidden.append(number)
        else:
            _write_slide(slide, builder, writer)
        builder.close_page()
        progress(number, len(slides))
    return hidden


def _write_slide(slide: etree._Element, builder: CanonicalText, writer: OdfWriter) -> None:
    """Title, content, notes and footers, in that order."""
    shapes = {"title": list[etree._Element](), "notes": [], "furniture": [], "content": []}
    for shape in children(slide):
        kind = attribute(shape, "class") or ""
        if local(shape) == "notes":
            shapes["notes"] += [
                each for each in children(shape, "frame") if attribute(each, "class") == "notes"
            ]
        else:
            place = "furniture" if kind in _FURNITURE else "title" if kind == "title" else "content"
            shapes[place].append(shape)
    for shape in shapes["title"]:
        builder.add_block(BlockKind.HEADING, _text(shape, writer), level=1)
    for index in reading_order([_frame(shape) for shape in shapes["content"]]):
        writer.write_shape(shapes["content"][index])
    if any(_text(shape, writer) for shape in shapes["notes"]):
        builder.add_block(BlockKind.PARAGRAPH, NOTES)
        for shape in shapes["notes"]:
            writer.write_shape(shape)
    for text in (_text(shape, writer) for shape in shapes["furniture"]):
        if any(map(str.isalpha, text)):
            builder.add_block(BlockKind.FURNITURE, text)


def _text(shape: etree._Element, writer: OdfWriter) -> str:
    """All that a shape says, on one line."""
    return collapse(" ".join(writer.text(paragraph) for paragraph in shape.iter("{*}p")))


def _frame(shape: etree._Element) -> Frame | None:
    """Where a shape is, in centimetres."""
    found = [_LENGTH.fullmatch(attribute(shape, name) or "") for name in ("x", "y", "width", "height")]
    lengths = [float(match[1]) * _CENTIMETRES[match[2]] for match in found if match]
    if len(lengths) < len(found):
        return None
    x, y, width, height = lengths
    return x, y, x + width, y + height
