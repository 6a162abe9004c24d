from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.canonical import CanonicalText, check
from ingest.parsers.html import write_html
from ingest.parsers.limits import ParseLimits
from rag.records import BlockKind, ParsedDocument
from tests.ingest.reading import read, texts


def page(body: str, head: str = "") -> ParsedDocument:
    return read(f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode(), "a.html")


def test_structure() -> None:
    parsed = page(
        "<h2>Head <em>line</em></h2><p>One\n <b>two</b>&nbsp;three<br>four</p><pre>a\n  b</pre>bare"
    )
    assert [(block.kind, block.level) for block in parsed.blocks] == [
        (BlockKind.HEADING, 2),
        (BlockKind.PARAGRAPH, 0),
        (BlockKind.CODE, 0),
        (BlockKind.PARAGRAPH, 0),
    ]
    assert parsed.text == "Head line\n\nOne two three\nfour\n\na\n  b\n\nbare"


def test_lists_are_marked_counted_and_nested() -> None:
    parsed = page("<ol start=3><li>a<ul><li>b</ul><li><p>c</p><p>more</p></ol>after")
    assert texts(parsed) == ["3. a", "- b", "4. c", "more", "after"]


def test_tables_become_rows_with_a_header() -> None:
    parsed = page("<table><tr><th>Item<th>Price<tr><td><p>Tea</p><p>green</p><td>2<tr><td><td></table>")
    assert parsed.text == "Item | Price\nItem: Tea green | Price: 2"


def test_header_cells_beside_rows_are_labels_of_all_they_span() -> None:
    parsed = page(
        "<table><thead><tr><td>Year<td>Month<td>Cost</thead><tr><th rowspan=0>2025</th></tr>"
        "<tr><td>May<td>$3<tr><td>June<td>$4</table>"
    )
    assert texts(parsed)[1:] == [
        "Year: 2025",
        "Year: 2025 | Month: May | Cost: $3",
        "Year: 2025 | Month: June | Cost: $4",
    ]


def test_headers_in_two_rows_add_up_and_sums_are_no_header() -> None:
    parsed = page(
        "<table><tr><th rowspan=2>Item<th colspan=2>2024<tr><th>Sales<th>Cost"
        "<tr><th>Tea<td>1<td>2<tr><th>Sum<th>1<th>2<tr><th>City<th>Sun<th>Rain<tr><th>Rome<td>5<td>6</table>"
    )
    assert texts(parsed) == [
        "Item | 2024",
        "Item | Sales | Cost",
        "Item: Tea | 2024 Sales: 1 | 2024 Cost: 2",
        "Item: Sum | 2024 Sales: 1 | 2024 Cost: 2",
        "City | Sun | Rain",
        "City: Rome | Sun: 5 | Rain: 6",
    ]


def test_spans_without_end_cost_no_more_than_their_rows() -> None:
    cells = "<td rowspan=99999 colspan=99999>" * 500
    assert len(page(f"<table>{('<tr>' + cells + 'x') * 50}</table>").text) < 100_000


def test_a_table_around_tables_only_arranges_them() -> None:
    parsed = page("<table><tr><td>left<td><table><tr><td>a<td>b</table>rest<td>right</table>")
    assert texts(parsed) == ["left", "a | b", "rest", "right"]


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>SECRET</script>",
        "<style>SECRET</style>",
        "<nav><ul><li>SECRET</ul></nav>",
        "<template>SECRET</template>",
        "<div role=navigation>SECRET</div>",
        "<p hidden>SECRET</p>",
        "<p style='color:red; display : none'>SECRET</p>",
        "<span aria-hidden=true>SECRET</span>",
        "<!-- SECRET -->",
        "<a hreflang=de href=x>SECRET</a>",
        "<form><select><option>SECRET</select></form>",
    ],
)
def test_what_is_not_read_is_dropped(hidden: str) -> None:
    assert page(f"<p>before</p>{hidden}<p>after</p>").text == "before\n\nafter"


def test_void_elements_among_dropped_ones_do_not_swallow_the_rest() -> None:
    assert page("a<input>b<nav><img><br></nav>c<embed>d").text == "abcd"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="iso-8859-5">', "iso-8859-5"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">', "cp1251"),
        ("", "utf-8"),
    ],
)
def test_declared_encodings(head: str, encoding: str) -> None:
    data = f"<html><head>{head}</head><body>Москва</body></html>".encode(encoding)
    assert read(data, "a.html").text == "Москва"


def test_title() -> None:
    assert page("<p>x", "<title> A\n title </title>").title == "A title"
    assert page("<h1>The heading</h1>").title == "The heading"


@pytest.mark.parametrize(
    "markup", ["<div>", "<b>", "<table><tr><td>", "<ul><li>", "<!-- -->", "<p>", "<svg>"]
)
def test_deep_nesting_is_survived(markup: str) -> None:
    builder = CanonicalText(ParseLimits())
    write_html(markup * 5000 + "end", builder)
    check(builder.finish("text/html"))


@given(
    st.lists(
        st.sampled_from(
            [
                "<table>",
                "<tr>",
                "<td>",
                "<th>",
                "</td>",
                "</tr>",
                "</table>",
                "<ul>",
                "<li>",
                "</ul>",
                "<pre>",
                "</pre>",
                "<h1>",
                "</h1>",
                "x",
            ]
        )
    )
)
def test_any_soup_of_tags_keeps_the_invariants(tags: list[str]) -> None:
    builder = CanonicalText(ParseLimits())
    write_html("".join(tags), builder)
    check(builder.finish("text/html"))


def test_an_encyclopedia_article(shared: Path) -> None:
    parsed = read(shared / "fixtures/wiki_duck.html")
    assert parsed.text.startswith("Duck\n")
    assert "Order: | Anseriformes" in texts(parsed, BlockKind.TABLE_ROW)
    assert "Etymology" in texts(parsed, BlockKind.HEADING)  # without its [edit] link
    assert "Plattdüütsch" not in parsed.text
    sentence = (
        "Ducks eat food sources such as grasses, aquatic plants, fish, insects, small amphibians, worms,"
    )
    assert any(text.startswith(sentence) for text in texts(parsed, BlockKind.PARAGRAPH))


def test_nested_tables_of_a_real_page(shared: Path) -> None:
    assert "A1 | B1 | C1" in texts(read(shared / "fixtures/table_06.html"), BlockKind.TABLE_ROW)


def test_merged_labels_of_a_real_page(shared: Path) -> None:
    rows = texts(read(shared / "fixtures/example_08.html"), BlockKind.TABLE_ROW)
    assert "Year: 2025 | Quarter: Q2 | Month: April | Revenue: $210 | Cost: $150" in rows
