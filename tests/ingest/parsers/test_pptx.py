from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Cm

from ingest.parsers.limits import ParseLimits
from ingest.sniffing import PPTX
from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind, ParsedDocument
from tests.ingest.parsers.office_files import saved
from tests.ingest.reading import read, text_of, texts

TITLE_AND_CONTENT, TITLE_ONLY, BLANK = 1, 5, 6


def slide(presentation: Any, layout: int = BLANK, title: str = "") -> Any:
    added = presentation.slides.add_slide(presentation.slide_layouts[layout])
    if title:
        added.shapes.title.text = title
    return added


def box(target: Any, text: str, left: float = 1, top: float = 1, width: float = 5, height: float = 1) -> Any:
    frame = target.shapes.add_textbox(Cm(left), Cm(top), Cm(width), Cm(height)).text_frame
    frame.text = text
    return frame


def parsed_slides(presentation: Any) -> tuple[ParsedDocument, list[str]]:
    """The document and the text of each of its pages."""
    parsed = read(saved(presentation), "talk.pptx")
    return parsed, [parsed.text[page.start : page.end] for page in parsed.pages]


def test_slides_are_pages_with_title_list_and_notes() -> None:
    deck = Presentation()
    first = slide(deck, TITLE_AND_CONTENT, "Ducks")
    first.placeholders[1].text = "They swim\nThey fly"
    first.notes_slide.notes_text_frame.text = "Mention geese.\nAnd swans."
    slide(deck, TITLE_ONLY, "The end")
    parsed, pages = parsed_slides(deck)
    assert pages == ["Ducks\n\n- They swim\n- They fly\n\nNotes:\n\nMention geese.\n\nAnd swans.", "The end"]
    assert (parsed.page_kind, parsed.media_type, parsed.title) == (PageKind.SLIDE, PPTX, "Ducks")
    assert [(block.kind, block.level) for block in parsed.blocks][:2] == [
        (BlockKind.HEADING, 1),
        (BlockKind.LIST_ITEM, 0),
    ]


def test_numbered_items_are_counted_at_their_level() -> None:
    deck = Presentation()
    frame = box(slide(deck), "one\nunder\nunder too\ntwo\nplain\nthree")
    for paragraph, level in zip(frame.paragraphs, (0, 1, 1, 0, 0, 0), strict=True):
        paragraph.level = level
        if paragraph.text != "plain":
            properties = paragraph._p.get_or_add_pPr()
            number = properties.makeelement(
                "{http://schemas.openxmlformats.org/drawingml/2006/main}buAutoNum",
                {"type": "alphaLcParenR" if level else "arabicPeriod"},
            )
            properties.append(number)
    expected = ["1. one", "a) under", "b) under too", "2. two", "plain", "1. three"]
    assert texts(parsed_slides(deck)[0]) == expected


def test_tables_have_their_header_with_each_row_and_merged_labels() -> None:
    deck = Presentation()
    table = slide(deck).shapes.add_table(3, 3, Cm(1), Cm(1), Cm(9), Cm(3)).table
    for row, values in enumerate((("Year", "Month", "Cost"), ("2025", "May", "3"), ("", "June", "4"))):
        for column, value in enumerate(values):
            table.cell(row, column).text = value
    table.cell(1, 0).merge(table.cell(2, 0))
    assert texts(parsed_slides(deck)[0], BlockKind.TABLE_ROW) == [
        "Year | Month | Cost",
        "Year: 2025 | Month: May | Cost: 3",
        "Year: 2025 | Month: June | Cost: 4",
    ]
    table.first_row = False
    assert "2025 | May | 3" in texts(parsed_slides(deck)[0])


def test_charts_become_tables() -> None:
    deck = Presentation()
    data = CategoryChartData()
    data.categories = ["North", "South"]
    data.add_series("Sales", (5, 6.5))
    data.add_series("Cost", (1, None))
    frame = slide(deck).shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Cm(1), Cm(1), Cm(9), Cm(9), data)
    frame.chart.has_title = True
    frame.chart.chart_title.text_frame.text = "Regions"
    assert texts(parsed_slides(deck)[0]) == [
        "Regions",
        "Sales | Cost",
        "North | Sales: 5 | Cost: 1",
        "South | Sales: 6.5",
    ]


def test_groups_are_looked_into() -> None:
    deck = Presentation()
    group = slide(deck).shapes.add_group_shape()
    box(group, "inside")
    box(group.shapes.add_group_shape(), "deeper")
    assert texts(parsed_slides(deck)[0]) == ["inside", "deeper"]


def test_what_stands_above_comes_first() -> None:
    deck = Presentation()
    target = slide(deck)
    box(target, "bottom", top=10)
    box(target, "right", left=8, top=4)
    box(target, "left", left=1, top=4)
    assert texts(parsed_slides(deck)[0]) == ["left", "right", "bottom"]


def test_columns_are_read_one_after_the_other_as_they_were_drawn() -> None:
    deck = Presentation()
    target = slide(deck)
    for left, top, text in ((1, 1, "a"), (1, 5, "b"), (9, 1, "c"), (9, 5, "d")):
        box(target, text, left, top)
    assert texts(parsed_slides(deck)[0]) == ["a", "b", "c", "d"]


def test_hidden_slides_are_left_out_and_keep_their_number() -> None:
    deck = Presentation()
    for text in ("one", "two", "three"):
        box(slide(deck), text)
    deck.slides[1]._element.set("show", "0")
    parsed, pages = parsed_slides(deck)
    assert pages == ["one", "", "three"]
    (notice,) = parsed.warnings
    assert notice.code == "hidden_slides"
    assert "left out: 2." in notice.detail


def test_hidden_shapes_are_left_out_and_footers_are_furniture() -> None:
    deck = Presentation()
    target = slide(deck, TITLE_ONLY, "Title")
    box(target, "seen")
    box(target, "unseen")
    target.shapes[-1]._element.nvSpPr.cNvPr.set("hidden", "1")
    for kind, text in (("ftr", "Acme internal"), ("sldNum", "7")):
        box(target, text)
        properties = target.shapes[-1]._element.nvSpPr.nvPr
        properties.append(
            properties.makeelement(
                "{http://schemas.openxmlformats.org/presentationml/2006/main}ph", {"type": kind}
            )
        )
    parsed, _ = parsed_slides(deck)
    assert [(block.kind, text_of(parsed, block)) for block in parsed.blocks] == [
        (BlockKind.HEADING, "Title"),
        (BlockKind.PARAGRAPH, "seen"),
        (BlockKind.FURNITURE, "Acme internal"),
    ]


def test_the_title_every_presentation_gets_is_none() -> None:
    deck = Presentation()
    box(slide(deck), "text")
    assert parsed_slides(deck)[0].title is None
    deck.core_properties.title = "On ducks"
    assert parsed_slides(deck)[0].title == "On ducks"


def test_limits_and_damage() -> None:
    deck = Presentation()
    for _ in range(3):
        box(slide(deck), "text")
    data = saved(deck)
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(data, limits=ParseLimits(max_pages=2))
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(data, limits=ParseLimits(max_unpacked_bytes=10_000))
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(data[:-2000], "talk.pptx")
    with pytest.raises(DocumentRejected, match="no_text"):
        read(saved(Presentation()))


def test_a_real_presentation(shared: Path) -> None:
    parsed = read(shared / "fixtures/powerpoint_sample.pptx")
    assert texts(parsed, BlockKind.HEADING) == ["Test Table Slide", "Second slide title"]
    third = parsed.pages[2]
    assert parsed.text[third.start : third.end].startswith("1. List item4\n2. List item5")
    assert "R1 | Class1: True | Class1: False | Class2: False | Class2: True | Class2: True" in texts(parsed)
    assert "Some notes on the second slide." in parsed.text[parsed.pages[1].start : parsed.pages[1].end]
