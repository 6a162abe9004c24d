from __future__ import annotations

import pytest

from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from tests.ingest.reading import read, texts


def test_blank_lines_separate_paragraphs_and_line_ends_stay() -> None:
    parsed = read(b"one\r\ntwo\r\n \t\r\n\r\nthree\x00\n", "a.txt")
    assert texts(parsed) == ["one\ntwo", "three\ufffd"]
    assert parsed.pages == ()


def test_form_feeds_separate_pages() -> None:
    parsed = read(b"first\f\fthird", "a.txt")
    assert [parsed.text[page.start : page.end] for page in parsed.pages] == ["first", "", "third"]


def test_limits() -> None:
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(b"x\f" * 10, limits=ParseLimits(max_pages=5))
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(b"x" * 10, limits=ParseLimits(max_chars=9))


def test_white_space_alone_is_no_text() -> None:
    with pytest.raises(DocumentRejected, match="no_text"):
        read(b" \n\t\n", "a.txt")


def test_a_long_run_of_spaces_takes_linear_time() -> None:
    assert read(b"a\n" + b" " * 1_000_000 + b"b").text.startswith("a")
