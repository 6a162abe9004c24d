"""Text frames and tables of DrawingML, the language of PowerPoint's slides (ECMA-376 part 1, 21.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from ingest.canonical import CanonicalText, collapse
from ingest.parsers.list_numbers import Form, written
from ingest.parsers.office_package import attribute, child, children, local, whole_number
from ingest.parsers.tables import CONTINUES, Cell, TableWriter
from rag.records import BlockKind

_AUTO_NUMBER = re.compile(r"(arabic|alphaLc|alphaUc|romanLc|romanUc)(Period|ParenR|ParenBoth|Plain)")
_FORMS = {
    "arabic": Form.DECIMAL,
    "alphaLc": Form.LOWER_LETTER,
    "alphaUc": Form.UPPER_LETTER,
    "romanLc": Form.LOWER_ROMAN,
    "romanUc": Form.UPPER_ROMAN,
}
_AROUND = {"Period": "{}. ", "ParenR": "{}) ", "ParenBoth": "({}) ", "Plain": "{} "}
_LEVELS = 9


def paragraph_text(paragraph: etree._Element) -> str:
    """What an ``a:p`` says; fields by what they last showed."""
    pieces = []
    for element in children(paragraph):
        match local(element):
            case "r" | "fld":
                text = child(element, "t")
                pieces.append((text.text or "") if text is not None else "")
            case "br":
                pieces.append("\n")
    return "".join(pieces)


def body_text(body: etree._Element | None) -> str:
    """All paragraphs of a text body on one line."""
    if body is None:
        return ""
    return collapse(" ".join(paragraph_text(each) for each in children(body, "p")))


def write_body(body: etree._Element, builder: CanonicalText, *, bulleted: bool) -> None:
    """Append the paragraphs of a text body; ``bulleted``: they are items unless they say otherwise."""
    builder.end_group()
    counts = [0] * _LEVELS
    for paragraph in children(body, "p"):
        text = paragraph_text(paragraph).strip()
        if not text:
            continue
        marker = _marker(child(paragraph, "pPr"), counts, bulleted)
        if marker:
            builder.add_block(BlockKind.LIST_ITEM, marker + text)
        else:
            builder.add_block(BlockKind.PARAGRAPH, text)
    builder.end_group()


def _marker(properties: etree._Element | None, counts: list[int], bulleted: bool) -> str:
    """The label of an item, ``""`` for a plain paragraph; ``counts`` are the items at each level so far."""
    level = min(max(0, whole_number(attribute(properties, "lvl"), 0)), _LEVELS - 1)
    counts[level + 1 :] = [0] * (_LEVELS - level - 1)
    number = child(properties, "buAutoNum")
    kind = _AUTO_NUMBER.fullmatch(attribute(number, "type") or "")
    if kind:
        first = whole_number(attribute(number, "startAt"), 1)
        counts[level] = max(counts[level] + 1, first)
        return _AROUND[kind[2]].format(written(counts[level], _FORMS[kind[1]]))
    counts[level] = 0
    if child(properties, "buNone") is not None:
        return ""
    return "- " if bulleted or child(properties, "buChar") is not None else ""


def write_table(table: etree._Element, builder: CanonicalText) -> None:
    """Append an ``a:tbl``; its first row is the header if the table sets it off."""
    has_header = attribute(child(table, "tblPr"), "firstRow") in ("1", "true")
    writer = TableWriter(builder)
    for index, row in enumerate(children(table, "tr")):
        writer.write_cells(_cells(row), header=has_header and index == 0)
    writer.end()


def _cells(row: etree._Element) -> Iterator[Cell]:
    for cell in children(row, "tc"):
        if attribute(cell, "hMerge") in ("1", "true"):
            continue  # counted by the cell that spans it
        columns = whole_number(attribute(cell, "gridSpan"), 1)
        if attribute(cell, "vMerge") in ("1", "true"):
            yield Cell("", columns, CONTINUES)
        else:
            yield Cell(body_text(child(cell, "txBody")), columns)
