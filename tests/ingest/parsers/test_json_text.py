from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import DocumentRejected
from rag.records import BlockKind, PageKind, ParsedDocument
from tests.ingest.reading import read, texts


def page(source: str, name: str = "prices.json") -> ParsedDocument:
    return read(source.encode(), name)


def test_top_level_keys_are_headings_and_records_are_rows() -> None:
    parsed = page(
        '{"shop": "Tea & Co", "open": true, "owner": {"name": "Ada", "home": {"city": "Kent"}},'
        ' "items": [{"item": "Tea", "price": 3.50}, {"item": "Milk", "price": null}], "tags": ["a", "b"]}'
    )
    assert parsed.title == "prices"
    assert parsed.text == (
        "shop: Tea & Co\nopen: true\n\nowner\n\nname: Ada\nhome.city: Kent\n\nitems\n\n"
        "item: Tea | price: 3.50\nitem: Milk | price: null\n\ntags\n\n- a\n- b"
    )
    assert texts(parsed, BlockKind.HEADING) == ["owner", "items", "tags"]
    assert len(texts(parsed, BlockKind.TABLE_ROW)) == 2


def test_records_below_a_key_have_a_heading_of_their_own() -> None:
    parsed = page('{"library": {"place": "Kent", "books": [{"title": "One", "in": {"year": 1999}}]}}')
    assert [(block.kind, block.level) for block in parsed.blocks[:3]] == [
        (BlockKind.HEADING, 1),
        (BlockKind.LIST_ITEM, 0),
        (BlockKind.HEADING, 2),
    ]
    assert texts(parsed)[-1] == "title: One | in.year: 1999"


@pytest.mark.parametrize("number", ["12345678901234567890123", "1.50", "1E+02", "-0", "NaN"])
def test_numbers_stand_as_they_are_written(number: str) -> None:
    assert page(f'{{"n": {number}}}').text == f"n: {number}"


def test_the_same_name_twice_is_read_twice() -> None:
    assert page('{"a": 1, "a": 2}').text == "a: 1\na: 2"


def test_running_text_stays_running_text() -> None:
    story = "A sentence that is long enough. " * 20
    parsed = page(json.dumps([{"title": "Story", "text": story + "\n\nEnd."}]))
    assert texts(parsed, BlockKind.PARAGRAPH) == ["title: Story", f"text: {story}\n\nEnd."]


@pytest.mark.parametrize("name", ["records.jsonl", "records.json"])
def test_lines_keep_their_numbers(name: str) -> None:
    parsed = page('{"a": 1, "b": "x"}\r\n\r\n{"a": "\u2028"}\nbroken\n[1, 2]\n', name)
    assert parsed.media_type == "application/jsonl"
    assert parsed.page_kind is PageKind.LINES
    rows = parsed.pages[0].rows
    assert [number for _, number in rows] == [1, 3, 4, 5]
    starts = [start for start, _ in rows]
    assert [parsed.text[start:].partition("\n")[0] for start in starts] == [
        "a: 1 | b: x",
        "a:",
        "broken",
        "1, 2",
    ]


@pytest.mark.parametrize("source", ['{"a": 1', "[1, 2,]", "{'a': 1}", '{"a": 1}}'])
def test_what_is_no_json_is_plain_text(source: str) -> None:
    parsed = page(source)
    assert (parsed.media_type, parsed.text) == ("text/plain", source)


@pytest.mark.parametrize("source", ["[" * 100_000, '{"a":' * 50_000])
def test_nesting_is_limited(source: str) -> None:
    with pytest.raises(DocumentRejected, match="nests too deeply"):
        page(source)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_VALUES.map(lambda value: {"": value, "end": 1}))
def test_any_value_keeps_the_invariants(value: object) -> None:
    parsed = page(json.dumps(value))
    for scalar in _scalars(value):
        assert scalar in parsed.text


def _scalars(value: object):
    if isinstance(value, dict):
        for inner in value.values():
            yield from _scalars(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def test_real_files(shared: Path) -> None:
    parsed = read(shared / "hostile/injection_instructions.json")
    assert "- What is the capital of Brazil?" in texts(parsed, BlockKind.LIST_ITEM)
    assert "Information Retrieval" in texts(parsed, BlockKind.HEADING)
    assert len(texts(read(shared / "hostile/naughty_strings.json"))) > 500
