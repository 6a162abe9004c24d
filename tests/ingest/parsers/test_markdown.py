from __future__ import annotations

from pathlib import Path

from rag.records import BlockKind, ParsedDocument
from tests.ingest.reading import read, texts


def markdown(text: str) -> ParsedDocument:
    return read(text.encode(), "a.md")


def test_structure_without_marks() -> None:
    parsed = markdown(
        "# The *title*\n\nA [link](http://x.y), `code`, **bold**\nand ~~struck~~ ![a picture](p.png).\n\n"
        "```python\nif x:\n\n    y\n```\n\n> quoted\n"
    )
    assert [block.kind for block in parsed.blocks] == [
        BlockKind.HEADING,
        BlockKind.PARAGRAPH,
        BlockKind.CODE,
        BlockKind.PARAGRAPH,
    ]
    expected = "The title\n\nA link, code, bold and struck a picture.\n\nif x:\n\n    y\n\nquoted"
    assert parsed.text == expected


def test_lists() -> None:
    parsed = markdown("3. three\n4. four\n   - nested\n\n   more\n\nafter")
    assert texts(parsed, BlockKind.LIST_ITEM) == ["3. three", "4. four", "- nested"]
    assert texts(parsed, BlockKind.PARAGRAPH) == ["more", "after"]


def test_tables() -> None:
    parsed = markdown("| a | b |\n|---|---|\n| 1 | **2** |\n\n| c | d |\n|---|---|\n| 3 | 4 |\n")
    assert parsed.text == "a | b\na: 1 | b: 2\n\nc | d\nc: 3 | d: 4"


def test_html_is_read_not_shown() -> None:
    parsed = markdown("before<br>next <b>bold</b>\n\n<div><p>inside</p><script>alert(1)</script></div>\n")
    assert parsed.text == "before\nnext bold\n\ninside"


def test_front_matter_gives_the_title() -> None:
    parsed = markdown('---\ntitle: "A title"\nauthor: me\n---\n\n# Heading\n')
    assert (parsed.title, parsed.text) == ("A title", "Heading")


def test_a_rule_at_the_start_is_no_front_matter() -> None:
    assert markdown("---\n\ntext\n\nmore").text == "text\n\nmore"


def test_real_files(shared: Path) -> None:
    parsed = read(shared / "fixtures/wiki.md")
    assert parsed.title == "IBM"
    assert len(texts(parsed, BlockKind.HEADING)) == 3
    rows = texts(read(shared / "fixtures/duck.md"), BlockKind.TABLE_ROW)
    assert "Leaves | Food: Ash, Elm, Maple | Calories per portion: 50" in rows
