from __future__ import annotations

from pathlib import Path

import pytest

from ingest.parsers.limits import ParseLimits
from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind
from tests.ingest.reading import read, texts

PYTHON = '''\
"""A module."""

import os


# Says hello.
@cached
def hello():
    print("hello")

    return 1
class Greeter:
    def greet(self):
        pass

    # The other one.
    def wave(self):
        pass
'''


def test_the_text_is_the_file() -> None:
    parsed = read(PYTHON.encode(), "tools/hello.py")
    assert parsed.text == PYTHON
    assert parsed.title == "hello.py"
    assert {block.kind for block in parsed.blocks} == {BlockKind.CODE}


def test_blocks_begin_at_definitions_with_what_stands_above_them() -> None:
    assert [text.splitlines()[0] for text in texts(read(PYTHON.encode(), "a.py"))] == [
        '"""A module."""',
        "import os",
        "# Says hello.",
        "class Greeter:",
        "    def greet(self):",
        "    # The other one.",
    ]


@pytest.mark.parametrize(
    ("name", "source", "starts"),
    [
        ("a.js", "function f() {\n}\nexport async function g() {\n\n  x;\n\n}\n", [0, 17]),
        ("a.rs", "/// Doc.\n#[test]\npub(crate) fn f() {\n}\npub struct S;\n", [0, 39]),
        ("a.go", "package a\n\nfunc f() {\n\n\treturn\n}\n", [0, 11]),
        ("a.yaml", "a:\n  b: 1\n\n  c: 2\n\nd: 3\n", [0, 19]),
    ],
)
def test_other_languages(name: str, source: str, starts: list[int]) -> None:
    parsed = read(source.encode(), name)
    assert [block.start for block in parsed.blocks] == starts


def test_rows_are_the_lines_as_editors_count_them() -> None:
    parsed = read(b"one\r\n\r\nthree\x0cstill three\rfour\xe2\x80\xa8\n", "a.c")
    (page,) = parsed.pages
    assert parsed.page_kind is PageKind.LINES
    assert [(parsed.text[start:].split()[0], number) for start, number in page.rows] == [
        ("one", 1),
        ("three", 3),
        ("four", 4),
    ]


def test_limits() -> None:
    with pytest.raises(DocumentRejected, match="limit_exceeded"):
        read(b"x" * 100, "a.c", ParseLimits(max_chars=99))
    with pytest.raises(DocumentRejected, match="no_text"):
        read(b" \n\n\t", "a.c")


def test_own_sources_are_covered_by_blocks_but_for_blank_lines() -> None:
    for path in filter(lambda path: path.stat().st_size, sorted(Path(__file__).parent.glob("*.py"))):
        parsed = read(path)
        assert parsed.text == path.read_text(encoding="utf-8")
        assert "".join("".join(texts(parsed)).split()) == "".join(parsed.text.split())
