"""The figures of a chart as a table, from what Office keeps of them beside the picture (ECMA-376, 21.2)."""

from __future__ import annotations

from lxml import etree

from ingest.canonical import CanonicalText, collapse
from ingest.parsers.drawing_text import body_text
from ingest.parsers.office_package import attribute, child, children, whole_number
from ingest.parsers.tables import TableWriter
from rag.records import BlockKind

_MOST_SERIES = 100  # more lines than that nobody reads in a chart


def write_chart(chart_space: etree._Element, builder: CanonicalText) -> None:
    """Append title and data: a row for each category, a column for each series."""
    chart = child(chart_space, "chart")
    title = body_text(child(chart, "title", "tx", "rich"))
    if title:
        builder.add_block(BlockKind.PARAGRAPH, title)
    series = list(chart.iter("{*}ser"))[:_MOST_SERIES] if chart is not None else []
    if not series:
        return
    categories: dict[int, str] = {}
    for each in series:
        categories = _points(each, "cat", "xVal") | categories
    values = [_points(each, "val", "yVal") for each in series]
    table = TableWriter(builder)
    table.write(["", *(_name(each) for each in series)], header=True)
    for index in sorted(categories.keys() | set().union(*values)):
        table.write([categories.get(index, ""), *(points.get(index, "") for points in values)])
    table.end()


def _name(series: etree._Element) -> str:
    found = child(series, "tx")
    text = next(found.iter("{*}v"), None) if found is not None else None
    return collapse(text.text or "") if text is not None else ""


def _points(series: etree._Element, *names: str) -> dict[int, str]:
    """The values kept under the first of ``names``, by their place."""
    found: dict[int, str] = {}
    for name in names:
        for kept in children(series, name):
            for point in kept.iter("{*}pt"):
                content = child(point, "v")
                if content is not None:
                    found[whole_number(attribute(point, "idx"), 0)] = collapse(content.text or "")
    return found
