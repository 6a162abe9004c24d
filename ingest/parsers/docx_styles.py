"""What the styles and numbering of a Word document say about its paragraphs (ECMA-376 part 1, 17.7, 17.9)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lxml import etree

from ingest.parsers.list_numbers import Form, written
from ingest.parsers.office_package import attribute, child, children, value, whole_number

_MAX_CHAIN = 32
_HEADING_NAME = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop) ?([1-9])", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"%([1-9])")
_FORMS = {
    "lowerLetter": Form.LOWER_LETTER,
    "upperLetter": Form.UPPER_LETTER,
    "lowerRoman": Form.LOWER_ROMAN,
    "upperRoman": Form.UPPER_ROMAN,
}


@dataclass(frozen=True, slots=True)
class Style:
    """One style: the heading level (0 for none) and the list of its paragraphs, the look of its tables."""

    based_on: str | None
    level: int | None
    numbering: tuple[str, int] | None
    sets_off_first_row: bool


class Styles:
    """Paragraph and table styles by id, with what they inherit."""

    def __init__(self, root: etree._Element | None) -> None:
        self._styles: dict[str, Style] = {}
        for element in children(root, "style") if root is not None else ():
            identifier = attribute(element, "styleId")
            if identifier:
                self._styles[identifier] = _style(element)

    def level(self, identifier: str | None) -> int:
        """1-9 for heading styles, 0 for others."""
        return next((style.level for style in self._chain(identifier) if style.level is not None), 0)

    def numbering(self, identifier: str | None) -> tuple[str, int] | None:
        """The list and its depth that paragraphs of this style belong to."""
        return next((style.numbering for style in self._chain(identifier) if style.numbering), None)

    def sets_off_first_row(self, identifier: str | None) -> bool:
        """Whether tables of this style show their first row in another way than the rest."""
        return any(style.sets_off_first_row for style in self._chain(identifier))

    def _chain(self, identifier: str | None) -> list[Style]:
        chain: list[Style] = []
        while identifier in self._styles and len(chain) < _MAX_CHAIN:  # a style may name itself
            chain.append(self._styles[identifier])
            identifier = chain[-1].based_on
        return chain


def outline_level(properties: etree._Element | None) -> int | None:
    """The level a paragraph's or style's own properties give it; 0 says body text."""
    found = whole_number(value(properties, "outlineLvl"), -1)
    if found < 0:
        return None
    return found + 1 if found < 9 else 0


def numbering_of(properties: etree._Element | None) -> tuple[str, int] | None:
    """List id and depth in paragraph properties; the id ``"0"`` takes a paragraph out of any list."""
    identifier = value(properties, "numPr", "numId")
    if identifier is None:
        return None
    return identifier, min(8, max(0, whole_number(value(properties, "numPr", "ilvl"), 0)))


def _style(element: etree._Element) -> Style:
    properties = child(element, "pPr")
    level = outline_level(properties)
    name = value(element, "name") or ""
    heading = _HEADING_NAME.fullmatch(name)
    if level is None and heading:
        level = int(heading.group(1))
    if level is None and name.lower() == "title":
        level = 1
    parts = {attribute(part, "type") for part in children(element, "tblStylePr")}
    return Style(value(element, "basedOn"), level, numbering_of(properties), "firstRow" in parts)


@dataclass(slots=True)
class _Level:
    """How one depth of a list is numbered."""

    form: str = "decimal"
    text: str = "%1."
    start: int = 1


@dataclass(slots=True)
class _List:
    levels: dict[int, _Level] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts list items as Word does and gives their labels."""

    def __init__(self, root: etree._Element | None) -> None:
        self._lists: dict[str, _List] = {}
        if root is None:
            return
        abstract = {attribute(element, "abstractNumId"): element for element in children(root, "abstractNum")}
        shared: dict[str | None, _List] = {}
        for element in children(root, "num"):
            reference = value(element, "abstractNumId")
            found = shared.setdefault(reference, _List(_levels(abstract.get(reference))))
            overrides = {_depth(each): _start(each) for each in children(element, "lvlOverride")}
            if any(start is not None for start in overrides.values()):
                found = _List(dict(found.levels))
                for depth, start in overrides.items():
                    known = found.levels.get(depth, _Level())
                    found.levels[depth] = _Level(
                        known.form, known.text, known.start if start is None else start
                    )
            self._lists[attribute(element, "numId") or ""] = found

    def label(self, identifier: str, depth: int) -> str:
        """The label of the next item of a list at ``depth``, with a space behind it; ``""`` for none."""
        found = self._lists.get(identifier)
        if found is None:
            return ""
        level = found.levels.get(depth, _Level())
        if level.form == "bullet":
            return "- "
        found.counts = {key: count for key, count in found.counts.items() if key <= depth}
        found.counts[depth] = found.counts.get(depth, level.start - 1) + 1
        text = _PLACEHOLDER.sub(lambda match: _number(found, int(match.group(1)) - 1), level.text).strip()
        return f"{text} " if text and level.form != "none" else ""


def _levels(element: etree._Element | None) -> dict[int, _Level]:
    found = {}
    for level in children(element, "lvl") if element is not None else ():
        found[_depth(level)] = _Level(
            form=value(level, "numFmt") or "decimal",
            text=(value(level, "lvlText") or "")[:100],
            start=whole_number(value(level, "start"), 1),
        )
    return found


def _depth(element: etree._Element) -> int:
    return whole_number(attribute(element, "ilvl"), 0)


def _start(override: etree._Element) -> int | None:
    found = value(override, "startOverride")
    return None if found is None else whole_number(found, 1)


def _number(found: _List, depth: int) -> str:
    level = found.levels.get(depth, _Level())
    count = found.counts.get(depth, level.start)
    return written(count, _FORMS.get(level.form, Form.DECIMAL))
