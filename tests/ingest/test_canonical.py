from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.canonical import CanonicalText, check, clean, collapse
from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from rag.records import Block, BlockKind, Page, ParsedDocument, Word, WordTable

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # surrogates and control characters too
KINDS = st.sampled_from(BlockKind)


def test_line_ends_become_one_kind() -> None:
    assert clean("a\r\nb\rc\vd\u2028e") == "a\nb\nc\nd\ne"


def test_characters_without_meaning_become_replacement_characters() -> None:
    assert clean("a\x00b\x1bc\x7fd\x90e\ud800f\ufffe") == "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffd"


def test_normal_form_is_left_alone() -> None:
    assert clean("e\u0301 \u00e9 \ufb01") == "e\u0301 \u00e9 \ufb01"


@given(ANY_TEXT)
def test_cleaning_is_idempotent_and_encodable(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode("utf-8")


@given(ANY_TEXT)
def test_collapsed_text_is_one_line(text: str) -> None:
    assert collapse(text) == " ".join(collapse(text).split())


@given(st.lists(st.tuples(KINDS, ANY_TEXT, st.booleans())))
def test_whatever_is_added_keeps_the_invariants_and_its_place(
    parts: list[tuple[BlockKind, str, bool]],
) -> None:
    builder = CanonicalText(ParseLimits())
    placed = []
    for kind, text, page_ends in parts:
        span = builder.add_block(kind, text, level=1 if kind is BlockKind.HEADING else 0)
        if span is not None:
            placed.append((span, clean(text)))
        if page_ends:
            builder.close_page()
    parsed = builder.finish("text/plain")
    check(parsed)
    for span, text in placed:
        assert parsed.text[span.start : span.end] in text


def test_rows_of_a_table_stand_on_neighbouring_lines_and_tables_apart() -> None:
    builder = CanonicalText(ParseLimits())
    for text in ("a", "b"):
        builder.add_block(BlockKind.TABLE_ROW, text)
    builder.end_group()
    builder.add_block(BlockKind.TABLE_ROW, "c")
    assert builder.finish("text/plain").text == "a\nb\n\nc"


def test_a_block_may_go_on_across_a_page_end() -> None:
    builder = CanonicalText(ParseLimits())
    builder.add_block(BlockKind.PARAGRAPH, "It goes")
    builder.close_page()
    span = builder.extend_block(" ", "on here.")
    builder.close_page()
    parsed = builder.finish("text/plain")
    check(parsed)
    assert parsed.text == "It goes on here."
    assert [(page.start, page.end) for page in parsed.pages] == [(0, 7), (8, 16)]
    assert (span.start, span.end) == (8, 16)
    assert len(parsed.blocks) == 1


def test_the_first_heading_stands_in_for_a_missing_title() -> None:
    builder = CanonicalText(ParseLimits())
    builder.add_block(BlockKind.PARAGRAPH, "before")
    builder.add_block(BlockKind.HEADING, "The\nheading", level=1)
    assert builder.finish("text/plain", title="  ").title == "The heading"


def test_too_many_characters_are_refused() -> None:
    builder = CanonicalText(ParseLimits(max_chars=5))
    builder.add_block(BlockKind.PARAGRAPH, "12345")
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        builder.add_block(BlockKind.PARAGRAPH, "6")


GOOD = ParsedDocument(
    "ab\n\ncd",
    "text/plain",
    pages=(Page(1, 0, 2, words=WordTable.of([Word(0, 2, (0, 0, 1, 1))])), Page(2, 4, 6)),
    blocks=(Block(BlockKind.PARAGRAPH, 0, 2), Block(BlockKind.HEADING, 4, 6, level=1)),
)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(GOOD, text="ab\r\ncd"),
        replace(GOOD, text="ab\n\x00cd"),
        replace(GOOD, text="ab\n\ud800cd"),
        replace(GOOD, blocks=(Block(BlockKind.PARAGRAPH, 0, 7),)),
        replace(GOOD, blocks=(Block(BlockKind.PARAGRAPH, 1, 1),)),
        replace(GOOD, blocks=(Block(BlockKind.HEADING, 0, 2),)),
        replace(GOOD, blocks=(Block(BlockKind.PARAGRAPH, 0, 3), Block(BlockKind.PARAGRAPH, 2, 4))),
        replace(GOOD, pages=(Page(2, 0, 2),)),
        replace(GOOD, pages=(Page(1, 0, 2, words=WordTable.of([Word(1, 4, (0, 0, 1, 1))])),)),
        replace(GOOD, pages=(Page(1, 0, 2, words=WordTable.of([Word(1, 1, (0, 0, 1, 1))])),)),
        replace(GOOD, pages=(Page(1, 0, 2, words=WordTable.of([Word(0, 1, (1, 0, 0, 1))])),)),
        replace(GOOD, pages=(Page(1, 0, 2, words=WordTable.of([Word(0, 2, (0, 0, 1, 1))] * 2)),)),
    ],
)
def test_check_finds_what_breaks_the_invariants(wrong: ParsedDocument) -> None:
    check(GOOD)
    with pytest.raises(ValueError, match=r"."):
        check(wrong)
