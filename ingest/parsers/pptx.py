"""PPTX by an own walk over its XML: each slide is a page, its title a heading, its notes at its end.

python-pptx would do, but it unpacks every picture and takes 0.13 s to import, for each upload. Hidden
slides are left out, and said to be; they keep their numbers. What is hidden on a slide is left out too.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from ingest.canonical import CanonicalText
from ingest.parsers import Progress
from ingest.parsers.charts import write_chart
from ingest.parsers.drawing_text import body_text, write_body, write_table
from ingest.parsers.limits import ParseLimits
from ingest.parsers.office_package import (
    Package,
    attribute,
    child,
    children,
    local,
    package_title,
    reference,
    whole_number,
)
from ingest.parsers.slides import NOTES, Frame, check_slide_count, hidden_slides, reading_order
from ingest.sniffing import PPTX
from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind, ParsedDocument

_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "sldNum", "hdr"})
_OUTLINES = frozenset({"body", "obj", ""})  # placeholders whose paragraphs are items by default
_EVERY_PROGRAMS_TITLE = "powerpoint"  # "PowerPoint Presentation", in the language of the program


def parse(data: bytes, name: str, limits: ParseLimits, progress: Progress) -> ParsedDocument:
    """Titles, texts, lists, tables, charts and notes of all slides that are shown."""
    package = Package(data, limits)
    main = package.relations("").get("officeDocument", "ppt/presentation.xml")
    root = package.xml(main)
    if root is None:
        raise DocumentRejected("corrupt", "The presentation has no slides part; save it again and send it.")
    targets = package.targets(main)
    listed = child(root, "sldIdLst")
    slides = [targets.get(reference(each), "") for each in children(listed)] if listed is not None else []
    check_slide_count(len(slides), limits.max_pages)
    builder = CanonicalText(limits)
    layouts: dict[str, _Layout] = {}
    hidden = []
    for number, part in enumerate(slides, start=1):
        slide = package.xml(part)
        if slide is not None and slide.get("show") in ("0", "false"):
            hidden.append(number)
        elif slide is not None:
            _Slide(package, part, layouts, builder).write(slide)
        builder.close_page()
        progress(number, len(slides))
    title = package_title(package)
    if title and _EVERY_PROGRAMS_TITLE in title.casefold():
        title = None
    return builder.finish(PPTX, title=title, warnings=hidden_slides(hidden), page_kind=PageKind.SLIDE)


@dataclass(frozen=True, slots=True)
class _Placeholder:
    """What a layout says about one of its placeholders."""

    frame: Frame | None
    bulleted: bool


class _Layout:
    """The placeholders of a slide layout, which slides fill without repeating where they are."""

    def __init__(self, root: etree._Element | None) -> None:
        self._by_index: dict[str, _Placeholder] = {}
        self._by_kind: dict[str, _Placeholder] = {}
        tree = child(root, "cSld", "spTree")
        for shape in children(tree, "sp") if tree is not None else ():
            mark = _mark(shape)
            if mark is not None:
                unmarked = child(shape, "txBody", "lstStyle", "lvl1pPr", "buNone") is None
                placeholder = _Placeholder(_own_frame(shape), unmarked)
                self._by_index[attribute(mark, "idx") or ""] = placeholder
                self._by_kind.setdefault(attribute(mark, "type") or "", placeholder)

    def find(self, mark: etree._Element) -> _Placeholder:
        """The placeholder that ``mark`` (a ``p:ph`` on a slide) fills."""
        index, kind = attribute(mark, "idx") or "", attribute(mark, "type") or ""
        found = self._by_index.get(index) if index else None
        return found or self._by_kind.get(kind) or _Placeholder(None, True)


class _Slide:
    """Writes one slide."""

    def __init__(
        self, package: Package, part: str, layouts: dict[str, _Layout], builder: CanonicalText
    ) -> None:
        self._package = package
        self._targets = package.targets(part)
        related = package.relations(part)
        self._notes = related.get("notesSlide", "")
        layout = related.get("slideLayout", "")
        if layout not in layouts:
            layouts[layout] = _Layout(package.xml(layout))
        self._layout = layouts[layout]
        self._builder = builder
        self._furniture: list[str] = []

    def write(self, slide: etree._Element) -> None:
        """Title, content, notes and footers, in that order."""
        tree = child(slide, "cSld", "spTree")
        if tree is None:
            return
        for shape in children(tree, "sp"):
            if _kind(shape) in _TITLES and not _is_hidden(shape):
                self._builder.add_block(BlockKind.HEADING, body_text(child(shape, "txBody")), level=1)
        self._write_tree(tree)
        self._write_notes()
        for text in self._furniture:
            self._builder.add_block(BlockKind.FURNITURE, text)

    def _write_tree(self, tree: etree._Element) -> None:
        """The shapes of a slide or group. XML is not read deeper than 256 elements, so neither are groups."""
        shapes = [shape for each in children(tree) for shape in _alternatives(each) if not _is_hidden(shape)]
        for index in reading_order([self._frame(shape) for shape in shapes]):
            shape = shapes[index]
            match local(shape):
                case "sp":
                    self._write_shape(shape)
                case "grpSp":
                    self._write_tree(shape)
                case "graphicFrame":
                    self._write_graphic(shape)

    def _write_shape(self, shape: etree._Element) -> None:
        body = child(shape, "txBody")
        kind = _kind(shape)
        if body is None or kind in _TITLES:
            return
        if kind in _FURNITURE:
            text = body_text(body)
            if any(map(str.isalpha, text)):  # the number of a slide is that of its page
                self._furniture.append(text)
            return
        mark = _mark(shape)
        own = child(body, "lstStyle", "lvl1pPr", "buNone") is None
        bulleted = mark is not None and kind in _OUTLINES and own and self._layout.find(mark).bulleted
        write_body(body, self._builder, bulleted=bulleted)

    def _write_graphic(self, shape: etree._Element) -> None:
        """A table, chart or diagram (SmartArt)."""
        content = child(shape, "graphic", "graphicData")
        for element in children(content) if content is not None else ():
            match local(element):
                case "tbl":
                    write_table(element, self._builder)
                case "chart":
                    chart = self._package.xml(self._targets.get(reference(element), ""))
                    if chart is not None:
                        write_chart(chart, self._builder)
                case "relIds":
                    diagram = self._package.xml(self._targets.get(attribute(element, "dm") or "", ""))
                    points = diagram.iter("{*}pt") if diagram is not None else ()
                    for body in (child(point, "t") for point in points):
                        if body is not None:
                            write_body(body, self._builder, bulleted=True)

    def _write_notes(self) -> None:
        tree = child(self._package.xml(self._notes), "cSld", "spTree")
        bodies = [
            body
            for shape in (children(tree, "sp") if tree is not None else ())
            if _kind(shape) == "body" and (body := child(shape, "txBody")) is not None and body_text(body)
        ]
        if bodies:
            self._builder.add_block(BlockKind.PARAGRAPH, NOTES)
        for body in bodies:
            write_body(body, self._builder, bulleted=False)

    def _frame(self, shape: etree._Element) -> Frame | None:
        mark = _mark(shape)
        return _own_frame(shape) or (self._layout.find(mark).frame if mark is not None else None)


def _alternatives(element: etree._Element) -> list[etree._Element]:
    """``element``, or the shapes of the first of several renderings of the same."""
    if local(element) != "AlternateContent":
        return [element]
    chosen = child(element, "Choice")
    return list(children(chosen)) if chosen is not None else []


def _mark(shape: etree._Element) -> etree._Element | None:
    """The ``p:ph`` of a shape that fills a placeholder."""
    return next((mark for each in children(shape) if (mark := child(each, "nvPr", "ph")) is not None), None)


def _kind(shape: etree._Element) -> str | None:
    mark = _mark(shape)
    return None if mark is None else attribute(mark, "type") or ""


def _is_hidden(shape: etree._Element) -> bool:
    return any(attribute(child(each, "cNvPr"), "hidden") in ("1", "true") for each in children(shape))


def _own_frame(shape: etree._Element) -> Frame | None:
    """Where a shape says itself that it is."""
    for holder in (shape, child(shape, "spPr"), child(shape, "grpSpPr")):
        place, size = child(holder, "xfrm", "off"), child(holder, "xfrm", "ext")
        if place is not None and size is not None:
            x, y = (whole_number(place.get(name), 0) for name in ("x", "y"))
            width, height = (whole_number(size.get(name), 0) for name in ("cx", "cy"))
            return x, y, x + width, y + height
    return None
