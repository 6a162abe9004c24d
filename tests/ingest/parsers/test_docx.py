from __future__ import annotations

from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from rag.records import BlockKind
from tests.ingest.builders import archive, docx, paragraph
from tests.ingest.reading import read, text_of, texts

STYLES = """
<w:style w:type="paragraph" w:styleId="H1">
 <w:name w:val="heading 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr>
</w:style>
<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H1"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="heading 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>
"""
NUMBERING = """
<w:abstractNum w:abstractNumId="1">
 <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
 <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="2">
 <w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="x"/></w:lvl>
</w:abstractNum>
<w:num w:numId="7"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="8"><w:abstractNumId w:val="2"/></w:num>
"""
ALTERNATIVES = (
    '<w:r xmlns:mc="mc"><mc:AlternateContent>'
    "<mc:Choice><w:drawing><w:txbxContent>{0}</w:txbxContent></w:drawing></mc:Choice>"
    "<mc:Fallback><w:pict><w:txbxContent>{0}</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)


def style(name: str) -> str:
    return f'<w:pStyle w:val="{name}"/>'


def item(number: int, depth: int = 0) -> str:
    return f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'


def row(*cells: str, properties: str = "") -> str:
    return f"<w:tr>{properties}{''.join(f'<w:tc>{cell}</w:tc>' for cell in cells)}</w:tr>"


def test_headings_by_style_inheritance_and_name() -> None:
    body = "".join(paragraph(name, style(name)) for name in ("H1", "Mine", "H2", "Loop", "Unknown"))
    parsed = read(docx(body, styles=STYLES))
    assert [(block.kind, block.level) for block in parsed.blocks] == [
        (BlockKind.HEADING, 1),
        (BlockKind.HEADING, 1),
        (BlockKind.HEADING, 2),
        (BlockKind.PARAGRAPH, 0),
        (BlockKind.PARAGRAPH, 0),
    ]


def test_lists_get_the_labels_word_shows() -> None:
    body = (
        paragraph("one", item(7))
        + paragraph("under", item(7, 1))
        + paragraph("under too", item(7, 1))
        + paragraph("two", item(7))
        + paragraph("under two", item(7, 1))
        + paragraph("bullet", item(8))
        + paragraph("no list", item(0))
    )
    parsed = read(docx(body, numbering=NUMBERING))
    assert parsed.text == "1. one\n1.a) under\n1.b) under too\n2. two\n2.a) under two\n- bullet\n\nno list"


def test_tables_become_rows_with_their_header_and_merged_labels() -> None:
    joined = '<w:tcPr><w:vMerge w:val="restart"/></w:tcPr>'
    below = "<w:tcPr><w:vMerge/></w:tcPr>"
    table = (
        "<w:tbl>"
        + row(paragraph("Item"), paragraph("Price"), properties="<w:trPr><w:tblHeader/></w:trPr>")
        + row(joined + paragraph("Tea"), paragraph("2"))
        + row(below + paragraph(""), paragraph("3") + paragraph("net"))
        + "</w:tbl>"
    )
    parsed = read(docx(paragraph("before") + table + paragraph("after")))
    rows = "Item | Price\nItem: Tea | Price: 2\nItem: Tea | Price: 3 net"
    assert parsed.text == f"before\n\n{rows}\n\nafter"
    assert not any(block.header for block in parsed.blocks)  # every row has what it needs of it


PLAIN_LOOK = '<w:tblPr><w:tblStyle w:val="{}"/><w:tblLook w:firstRow="1"/></w:tblPr>'
TABLE_STYLES = """
<w:style w:type="table" w:styleId="Grid"><w:name w:val="Table Grid"/></w:style>
<w:style w:type="table" w:styleId="Fancy"><w:tblStylePr w:type="firstRow"/></w:style>
<w:style w:type="table" w:styleId="Mine"><w:basedOn w:val="Fancy"/></w:style>
"""


@pytest.mark.parametrize(
    ("style", "expected"),
    [("Mine", ["Name | Anna", "Name: City | Anna: Rome"]), ("Grid", ["Name | Anna", "City | Rome"])],
)
def test_a_first_row_is_a_header_where_the_style_sets_it_off(style: str, expected: list[str]) -> None:
    rows = row(paragraph("Name"), paragraph("Anna")) + row(paragraph("City"), paragraph("Rome"))
    table = f"<w:tbl>{PLAIN_LOOK.format(style)}{rows}</w:tbl>"
    assert texts(read(docx(table, styles=TABLE_STYLES))) == expected


def test_a_bold_first_row_is_a_header() -> None:
    bold = "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>{}</w:t></w:r></w:p>"
    first = row(bold.format("Town"), bold.format("River"))
    table = f"<w:tbl>{first}{row(paragraph('Rome'), paragraph('Tiber'))}</w:tbl>"
    assert texts(read(docx(table))) == ["Town | River", "Town: Rome | River: Tiber"]


def test_an_unmarked_header_is_told_by_the_figures_below_it() -> None:
    rows = [("Plant", "Power (kW)"), ("Hydro", "640"), ("Wind", "900")]
    table = "".join(row(*map(paragraph, each)) for each in rows)
    assert texts(read(docx(f"<w:tbl>{table}</w:tbl>")))[1:] == [
        "Plant: Hydro | Power (kW): 640",
        "Plant: Wind | Power (kW): 900",
    ]


def test_skipped_and_spanned_columns_keep_the_columns_apart() -> None:
    header = row(*map(paragraph, ("A", "B", "C")), properties="<w:trPr><w:tblHeader/></w:trPr>")
    wide = '<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>'
    body = row(wide + paragraph("ab"), paragraph("c")) + row(
        paragraph("b"), paragraph("c"), properties='<w:trPr><w:gridBefore w:val="1"/></w:trPr>'
    )
    assert texts(read(docx(f"<w:tbl>{header}{body}</w:tbl>")))[1:] == ["A: ab | C: c", "B: b | C: c"]


def test_comments_follow_their_paragraph_with_their_author() -> None:
    body = '<w:p><w:r><w:t>Claim.</w:t></w:r><w:r><w:commentReference w:id="3"/></w:r></w:p>'
    comment = (
        f'<w:comment w:id="3" w:author="A. Weber">{paragraph("Is it?")}{paragraph("Check.")}</w:comment>'
    )
    parsed = read(docx(body + paragraph("Next."), comments=comment))
    assert texts(parsed) == ["Claim.", "Comment by A. Weber: Is it? Check.", "Next."]


def test_page_headers_and_footers_stand_once_at_the_end() -> None:
    ends = (
        '<w:headerReference xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
        'w:type="{}" r:id="{}"/>'
    )
    section = "<w:sectPr>{}</w:sectPr>"
    first = f"<w:p><w:pPr>{section.format(ends.format('default', 'rheader1'))}</w:pPr></w:p>"
    last = section.format("".join(ends.format("even", name) for name in ("rheader1", "rheader2", "rfooter1")))
    parts = {
        "header1": paragraph("Annual report"),
        "header2": paragraph("Annual  report"),
        "footer1": paragraph("7"),
    }
    parsed = read(docx(paragraph("Text") + first + last, **parts))
    assert texts(parsed) == ["Text", "Annual report"]
    assert parsed.blocks[-1].kind is BlockKind.FURNITURE
    with pytest.raises(DocumentRejected, match="no_text"):
        read(docx(first, **parts))


def test_a_table_with_one_column_only_frames_its_text() -> None:
    table = "<w:tbl>" + row(paragraph("Title", style("H1")) + paragraph("body")) + "</w:tbl>"
    parsed = read(docx(table, styles=STYLES))
    assert [block.kind for block in parsed.blocks] == [BlockKind.HEADING, BlockKind.PARAGRAPH]


def test_text_boxes_are_read_once() -> None:
    boxed = f"<w:p><w:r><w:t>outside</w:t></w:r>{ALTERNATIVES.format(paragraph('inside'))}</w:p>"
    assert texts(read(docx(boxed))) == ["outside", "inside"]


def test_notes_follow_their_paragraph_and_separators_are_dropped() -> None:
    reference = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    body = f"<w:p><w:r><w:t>Claim</w:t></w:r>{reference}<w:r><w:t>.</w:t></w:r></w:p>"
    notes = (
        f'<w:footnote w:type="separator" w:id="-1">{paragraph("line")}</w:footnote>'
        f'<w:footnote w:id="2">{paragraph("Source")}</w:footnote>'
    )
    assert texts(read(docx(body + paragraph("Next"), footnotes=notes))) == ["Claim.", "Source", "Next"]


def test_deleted_and_hidden_text_is_left_out_and_insertions_kept() -> None:
    body = (
        "<w:p><w:r><w:t>a</w:t></w:r><w:del><w:r><w:delText>b</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>c</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>d</w:t></w:r>"
        '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>e</w:t></w:r>'
        "<w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"
    )
    assert read(docx(body)).text == "ace"


def test_breaks_tabs_and_content_controls() -> None:
    inside = "<w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r>"
    body = f"<w:sdt><w:sdtPr/><w:sdtContent><w:p>{inside}</w:p></w:sdtContent></w:sdt>"
    assert read(docx(body)).text == "a\nb\tc-d"


def test_documents_of_the_strict_kind_are_read_as_well() -> None:
    data = docx(paragraph("Title", style("H1")), styles=STYLES)
    files = {
        name: content.replace(b"schemas.openxmlformats.org", b"purl.oclc.org")
        for name, content in _unzip(data)
    }
    parsed = read(archive(files))
    assert [(block.level, text_of(parsed, block)) for block in parsed.blocks] == [(1, "Title")]


def _unzip(data: bytes) -> list[tuple[str, bytes]]:
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as reader:
        return [(name, reader.read(name)) for name in reader.namelist()]


def test_external_entities_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    xml = (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
        '<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>'
    )
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(archive({"word/document.xml": xml.encode()}), "a.docx")


def test_entity_bombs_are_refused() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 20))
    body = '<w:document xmlns:w="w"><w:body>&e19;</w:body></w:document>'
    xml = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>{body}'
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(archive({"word/document.xml": xml.encode()}), "a.docx")


def test_zip_bombs_are_refused_before_unpacking() -> None:
    data = archive({"word/document.xml": b" " * 40_000_000})
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(data, "a.docx")
    small = archive({"word/document.xml": b" " * 5000})
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(small, "a.docx", limits=ParseLimits(max_unpacked_bytes=4000))
    many = {f"word/{number}.xml": b"" for number in range(20)}
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(archive(many), "a.docx", limits=ParseLimits(max_zip_entries=10))


def test_a_size_that_lies_does_not_help() -> None:
    data = archive({"word/document.xml": b" " * 5_000_000})
    lying = data.replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(DocumentRejected) as caught:
        read(lying, "a.docx", limits=ParseLimits(max_unpacked_bytes=1_000_000))
    assert caught.value.code in ("corrupt", "limit_exceeded")


def test_an_encrypted_entry_is_encrypted() -> None:
    data = docx(paragraph("x")).replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
    )
    with pytest.raises(DocumentRejected, match="encrypted"):
        read(data)


def test_truncated_files_are_corrupt(shared: Path) -> None:
    with pytest.raises(DocumentRejected, match="corrupt"):
        read(shared / "hostile/truncated.docx")


def test_a_document_without_words_is_refused() -> None:
    with pytest.raises(DocumentRejected, match="no_text"):
        read(docx(paragraph(" ")))


def test_a_real_document(shared: Path) -> None:
    parsed = read(shared / "fixtures/word_sample.docx")
    assert "You can relax and look around" in parsed.text
    assert "Grain | Food: Corn, Buckwheat, Barley | Calories per portion: 200" in texts(
        parsed, BlockKind.TABLE_ROW
    )
    assert parsed.title == "Swimming in the lake"
    assert parsed.pages == ()


def test_heading_levels_of_a_real_document(shared: Path) -> None:
    parsed = read(shared / "fixtures/unit_test_headers.docx")
    levels = {
        text_of(parsed, block): block.level for block in parsed.blocks if block.kind is BlockKind.HEADING
    }
    assert levels["Section 1"] == 1
    assert levels["Section 1.2"] == 2
    assert levels["Section 1.2.3"] == 3


def test_spans_of_real_tables(shared: Path) -> None:
    rows = texts(read(shared / "fixtures/word_tables.docx"), BlockKind.TABLE_ROW)
    assert "Header 0.0: Cell 1.0 | Header 0.1: Merged Cell 1.1 1.2 | Header 0.3: Cell 1.3" in rows
    both = [text for text in rows if "Header 0.1: Merged Cell 3.1 4.1" in text]
    assert len(both) == 4  # in both rows it spans, in two tables
    assert both[1].endswith("Header 0.0: Cell 4.0 | Header 0.1: Merged Cell 3.1 4.1 | Header 0.2: Cell 4.2")
