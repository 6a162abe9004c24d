from __future__ import annotations

from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from ingest.sniffing import ODP, ODT
from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind, ParsedDocument
from tests.ingest.parsers.office_files import odf
from tests.ingest.reading import read, text_of, texts

LISTS = (
    '<text:list-style style:name="L1">'
    '<text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>'
    '<text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix=")"'
    ' text:start-value="3"/></text:list-style>'
    '<text:list-style style:name="L2"><text:list-level-style-bullet text:level="1" text:bullet-char="•"/>'
    '</text:list-style><text:list-style style:name="L3">'
    '<text:list-level-style-number text:level="1" style:num-format=""/></text:list-style>'
    '<style:style style:name="T9"><style:text-properties text:display="none"/></style:style>'
    '<style:style style:name="P7" style:parent-style-name="Table_20_Heading"/>'
)


def odt(body: str, **more: str) -> ParsedDocument:
    return read(odf("text", body, styles=LISTS, **more))


def p(text: str, style: str = "") -> str:
    return f'<text:p text:style-name="{style}">{text}</text:p>'


def row(*cells: str) -> str:
    found = "".join(f"<table:table-cell>{cell}</table:table-cell>" for cell in cells)
    return f"<table:table-row>{found}</table:table-row>"


def test_headings_and_paragraphs() -> None:
    parsed = odt(
        '<text:h text:outline-level="2">On\n ducks</text:h>'
        + p('a<text:tab/>b<text:s text:c="3"/>c<text:line-break/>d <text:span>e</text:span> f')
        + "<text:section><text:p>in a section</text:p></text:section>"
        + '<text:section text:display="none"><text:p>hidden</text:p></text:section>'
    )
    assert [(block.kind, block.level) for block in parsed.blocks][:2] == [
        (BlockKind.HEADING, 2),
        (BlockKind.PARAGRAPH, 0),
    ]
    assert texts(parsed) == ["On ducks", "a\tb   c\nd e f", "in a section"]
    assert (parsed.media_type, parsed.pages) == (ODT, ())


def test_lists() -> None:
    inner = f"<text:list><text:list-item>{p('under')}</text:list-item></text:list>"
    parsed = odt(
        f'<text:list text:style-name="L1"><text:list-item>{p("one")}{inner}</text:list-item>'
        f"<text:list-item>{p('two')}{p('more of two')}</text:list-item></text:list>{p('between')}"
        f'<text:list text:style-name="L1" text:continue-numbering="true"><text:list-item>{p("three")}'
        f'</text:list-item></text:list><text:list text:style-name="L2"><text:list-item>{p("dot")}'
        f'</text:list-item></text:list><text:list text:style-name="L3"><text:list-item>{p("bare")}'
        f"</text:list-item></text:list>"
    )
    expected = ["1. one", "c) under", "2. two", "more of two", "between", "3. three", "- dot", "bare"]
    assert texts(parsed) == expected


def test_notes_and_comments_follow_their_paragraph() -> None:
    body = f"<text:note-citation>1</text:note-citation><text:note-body>{p('Source')}</text:note-body>"
    note = f"<text:note>{body}</text:note>"
    author = "<dc:creator>A. Weber</dc:creator><dc:date>x</dc:date>"
    comment = f"<office:annotation>{author}{p('Sure?')}</office:annotation>"
    parsed = odt(p(f"Claim{note}{comment}.") + p("Next"))
    assert texts(parsed) == ["Claim.", "Source", "Comment by A. Weber: Sure?", "Next"]


def test_deletions_and_hidden_text_are_left_out() -> None:
    deleted = (
        f"<text:tracked-changes><text:changed-region>{p('gone')}</text:changed-region></text:tracked-changes>"
    )
    parsed = odt(
        deleted + p('a<text:span text:style-name="T9">b</text:span>c<text:hidden-text>d</text:hidden-text>')
    )
    assert parsed.text == "ac"


def test_text_boxes_are_read_once() -> None:
    frame = f"<draw:frame><draw:text-box>{p('inside')}</draw:text-box></draw:frame>"
    assert texts(odt(p(f"outside{frame}") + frame.replace("inside", "apart"))) == [
        "outside",
        "inside",
        "apart",
    ]


@pytest.mark.parametrize(
    "header",
    [
        f"<table:table-header-rows>{row(p('Town'), p('River'))}</table:table-header-rows>",
        row(p("Town", "Table_20_Heading"), p("River", "P7")),
    ],
)
def test_tables(header: str) -> None:
    body = row(p("Rome") + p("city"), p("Tiber")) + row("", p("Rhine"))
    parsed = odt(p("before") + f"<table:table>{header}{body}</table:table>" + p("after"))
    assert texts(parsed, BlockKind.TABLE_ROW) == [
        "Town | River",
        "Town: Rome city | River: Tiber",
        "River: Rhine",
    ]


def test_spans_and_repetitions() -> None:
    table = (
        f"<table:table><table:table-header-rows>{row(p('Year'), p('A'), p('B'))}</table:table-header-rows>"
        f'<table:table-row><table:table-cell table:number-rows-spanned="2">{p("2025")}</table:table-cell>'
        f'<table:table-cell table:number-columns-repeated="2">{p("x")}</table:table-cell></table:table-row>'
        f'<table:table-row><table:covered-table-cell/><table:table-cell table:number-columns-spanned="2">'
        f"{p('y')}</table:table-cell><table:covered-table-cell/></table:table-row>"
        f'<table:table-row table:number-rows-repeated="2">'
        f"<table:table-cell/><table:table-cell/><table:table-cell>{p('z')}</table:table-cell></table:table-row>"
        "</table:table>"
    )
    assert texts(odt(table))[1:] == ["Year: 2025 | A: x | B: x", "Year: 2025 | A: y", "B: z", "B: z"]


def test_endless_repetitions_are_written_once() -> None:
    cell = f'<table:table-cell table:number-columns-repeated="999999999">{p("x")}</table:table-cell>'
    line = f'<table:table-row table:number-rows-repeated="999999999">{cell}{cell}</table:table-row>'
    assert texts(odt(f"<table:table>{line}</table:table>")) == ["x | x"]


def test_a_table_with_one_column_only_frames_its_text() -> None:
    table = f"<table:table>{row('<text:h>Title</text:h>' + p('body'))}</table:table>"
    assert [block.kind for block in odt(table).blocks] == [BlockKind.HEADING, BlockKind.PARAGRAPH]


def test_page_headers_and_footers_stand_once_at_the_end() -> None:
    ends = f"<style:header>{p('Annual report')}</style:header><style:footer>{p('7')}</style:footer>"
    masters = f"<style:master-page>{ends}</style:master-page>" * 2
    parsed = odt(p("Text"), masters=masters)
    assert [(block.kind, text_of(parsed, block)) for block in parsed.blocks] == [
        (BlockKind.PARAGRAPH, "Text"),
        (BlockKind.FURNITURE, "Annual report"),
    ]


def frame(text: str, y: int = 1, x: int = 1, kind: str = "") -> str:
    place = f'svg:x="{x}cm" svg:y="{y}cm" svg:width="5cm" svg:height="10mm" presentation:class="{kind}"'
    return f"<draw:frame {place}><draw:text-box>{p(text)}</draw:text-box></draw:frame>"


HIDING = (
    '<style:style style:name="dp9">'
    '<style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
)


def test_slides() -> None:
    below = frame("2", kind="page") + frame("Say this.", kind="notes")
    notes = f"<presentation:notes>{below}</presentation:notes>"
    place = 'svg:x="1cm" svg:y="3cm" svg:width="1cm" svg:height="1cm"'
    shape = f"<draw:custom-shape {place}>{p('shape')}</draw:custom-shape>"
    first = (
        f"{frame('low', 8)}{shape}{frame('Ducks', 1, kind='title')}{frame('Acme', 9, kind='footer')}{notes}"
    )
    slides = (
        f"<draw:page>{first}</draw:page>"
        f'<draw:page draw:style-name="dp9">{frame("secret")}</draw:page>'
        f"<draw:page>{frame('last')}</draw:page>"
    )
    parsed = read(odf("presentation", slides, styles=HIDING))
    pages = [parsed.text[page.start : page.end] for page in parsed.pages]
    assert pages == ["Ducks\n\nshape\n\nlow\n\nNotes:\n\nSay this.\n\nAcme", "", "last"]
    assert (parsed.media_type, parsed.page_kind, parsed.title) == (ODP, PageKind.SLIDE, "Ducks")
    assert [notice.code for notice in parsed.warnings] == ["hidden_slides"]
    assert parsed.blocks[5].kind is BlockKind.FURNITURE
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(odf("presentation", slides), limits=ParseLimits(max_pages=2))


def test_protected_and_damaged_files() -> None:
    data = odf("text", p("text"))
    with pytest.raises(DocumentRejected, match="encrypted"):
        read(odf("text", p("text"), manifest="<manifest:encryption-data/>"))
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(data[: len(data) // 2], "a.odt")
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(odf("text", "<text:p>"))
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(odf("text", p("text" + " " * 40_000_000)))
    with pytest.raises(DocumentRejected, match="no_text"):
        read(odf("text", p(" ")))


def test_deep_nesting_is_refused_or_read() -> None:
    deep = "<text:section>" * 5000 + p("x") + "</text:section>" * 5000
    with pytest.raises(DocumentRejected, match="corrupt"):
        odt(deep)
    assert odt("<text:section>" * 200 + p("x") + "</text:section>" * 200).text == "x"


def test_a_real_presentation(shared: Path) -> None:
    parsed = read(shared / "fixtures/odf_presentation_01.odp")
    assert texts(parsed, BlockKind.HEADING) == ["Test Table Slide", "Second slide title"]
    third = parsed.pages[2]
    assert parsed.text[third.start : third.end].startswith("1. List item4\n2. List item5")
    assert "R1 | Class1: True | Class1: False | Class2: False | Class2: True | Class2: True" in texts(parsed)
    assert "Some notes on the second slide." in parsed.text[parsed.pages[1].start : parsed.pages[1].end]
