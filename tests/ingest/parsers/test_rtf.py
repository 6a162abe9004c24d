from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.canonical import check
from ingest.parsers import rtf
from ingest.parsers.limits import ParseLimits
from rag.records import BlockKind, ParsedDocument
from tests.ingest.reading import read, texts

FONTS = (
    rb"{\fonttbl{\f0\fcharset0 Times;}{\f1\fcharset204 Arial;}{\f2\fcharset128 MS;}{\f3\fcharset2 Symbol;}}"
)


def page(body: bytes) -> ParsedDocument:
    return read(rb"{\rtf1\ansi\ansicpg1252\deff0" + FONTS + body + b"}", "a.rtf")


def test_paragraphs() -> None:
    parsed = page(
        rb"{\colortbl;\red0;}\pard One {\b bold} and" + b"\r\n" + rb" \i more\i0\line next\par Two\page Three"
    )
    assert texts(parsed) == ["One bold and more\nnext", "Two", "Three"]


def test_headings_by_outline_level_and_by_style() -> None:
    parsed = page(
        rb"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 Chapter;}{\s2 heading 2;}{\*\cs9 Character;}}"
        rb"\pard\s1 First\par\pard\s2 Second\par\pard\outlinelevel2 Third\par\pard\outlinelevel9 Body\par"
    )
    assert [(block.kind, block.level) for block in parsed.blocks] == [
        (BlockKind.HEADING, 1),
        (BlockKind.HEADING, 2),
        (BlockKind.HEADING, 3),
        (BlockKind.PARAGRAPH, 0),
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (rb"\'84Gr\'f6\'dfe\'93", "„Größe“"),
        (rb"{\f1 \'cc\'ee\'f1\'ea\'e2\'e0}", "Москва"),
        (rb"{\f2 \'93\'fa\'96\'7b \'83A}", "日本 ア"),
        (rb"caf\u233?s, \uc2\u8364\'80\'80.", "cafés, €."),
        (rb"\u-10179?\u-8704?", "😀"),
        (rb"\uc0\u1052\u1086  x", "Мо x"),
        (rb"a\~b\_c\-d\{e\}\\ \ldblquote f\rdblquote\emdash g", "a\u00a0b\u2011cd{e}\\ “f”—g"),
        (rb"\u999999999999999?x", None),
    ],
)
def test_characters(source: bytes, expected: str | None) -> None:
    parsed = page(source)
    assert expected is None or parsed.text == expected


def test_the_code_page_of_the_document() -> None:
    assert read(rb"{\rtf1\ansicpg1251 \'cc\'ee}", "a").text == "Мо"
    assert read(rb"{\rtf1\ansicpg99999 \'e9}", "a").text == "é"


def test_lists_keep_their_markers() -> None:
    parsed = page(
        rb"{\listtext\f3\'b7\tab}One\par{\pntext 2.\tab}Two\par{\listtext o\tab}Three\par After\par"
    )
    assert texts(parsed, BlockKind.LIST_ITEM) == ["- One", "2. Two", "- Three"]


def test_rows_repeat_the_header() -> None:
    parsed = page(
        rb"\trowd\trhdr\cellx1\cellx2\pard\intbl Item\cell Price\cell\row"
        rb"\trowd\cellx1\cellx2\pard\intbl Tea\par green\cell 3.50\cell\row\pard After\par"
    )
    assert texts(parsed, BlockKind.TABLE_ROW) == ["Item | Price", "Item: Tea green | Price: 3.50"]
    assert texts(parsed)[-1] == "After"


def test_notes_and_text_boxes_follow_their_paragraph() -> None:
    parsed = page(
        rb"Before{\footnote {\super\chftn} A note.\par} and"
        rb"{\shp{\*\shpinst{\sp{\sn x}{\sv y}}{\shptxt In a box\par}}{\shprslt twice}} after\par Next\par"
    )
    assert texts(parsed) == ["Before and after", "A note.", "In a box", "Next"]


@pytest.mark.parametrize(
    "hidden",
    [
        rb"{\v SECRET}",
        rb"\v SECRET\v0 ",
        rb"{\deleted SECRET}",
        rb"{\header SECRET\par}",
        rb"{\*\unknown SECRET {\b SECRET}}",
        rb"{\pict\wmetafile8 5ec2e7}",
        rb"{\pict\bin7 SE}{\b }",
        rb"{\object{\*\objdata 5ec2}{\*\objclass SECRET}}",
        rb"{\field{\*\fldinst HYPERLINK SECRET}{\fldrslt }}",
        rb"{\info{\author SECRET}{\doccomm SECRET}}",
    ],
)
def test_what_is_not_read_is_dropped(hidden: bytes) -> None:
    assert page(rb"before " + hidden + rb"after").text == "before after"


def test_links_keep_their_text_and_the_title_is_found() -> None:
    parsed = page(rb'{\info{\title On Ducks}}See {\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt here}}.')
    assert (parsed.title, parsed.text) == ("On Ducks", "See here.")


def test_what_follows_the_document_is_not_part_of_it() -> None:
    assert read(rb"{\rtf1 in}{\rtf1 out}", "a").text == "in"
    assert read(rb"{\rtf1 cut {\b off", "a").text == "cut off"


WORDS = r"""
{ } \par \cell \row \trowd\trhdr \intbl \footnote \shptxt \listtext \pard \u55357? \'83 \f1 \* \bin3 x \s1
\stylesheet \outlinelevel0 \info \title \fonttbl \fcharset128 \uc9
""".split()


@given(st.lists(st.sampled_from([word.encode() for word in WORDS])))
def test_any_soup_of_words_keeps_the_invariants(words: list[bytes]) -> None:
    check(rtf.parse(b"{\\rtf1" + b"".join(words), "a.rtf", ParseLimits(), lambda done, total: None))
