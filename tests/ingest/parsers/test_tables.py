from __future__ import annotations

from collections.abc import Sequence

from ingest.canonical import CanonicalText
from ingest.parsers.limits import ParseLimits
from ingest.parsers.tables import CONTINUES, LONGEST_KEY, Cell, TableWriter


def rows(*lines: tuple[Sequence[Cell | str], bool]) -> list[str]:
    """What a table of these cells, each line with whether it is marked as a header, reads like."""
    builder = CanonicalText(ParseLimits())
    table = TableWriter(builder)
    for cells, header in lines:
        placed = [cell if isinstance(cell, Cell) else Cell(cell) for cell in cells]
        table.write_cells(placed, header=header)
    table.end()
    return builder.finish("text/plain").text.split("\n")


def test_each_row_names_its_columns_and_leaves_out_what_is_empty() -> None:
    found = rows(
        (["Item", "Price:", "Stock"], True), (["Widget", "3.50", "12"], False), (["Nut", "", "9"], False)
    )
    assert found == [
        "Item | Price: | Stock",
        "Item: Widget | Price: 3.50 | Stock: 12",
        "Item: Nut | Stock: 9",
    ]


def test_without_a_header_cells_stand_alone() -> None:
    assert rows((["a", "b"], False), (["c", ""], False)) == ["a | b", "c"]


def test_a_column_without_a_name_has_values_only() -> None:
    assert rows((["", "2023"], True), (["Sales", "5"], False)) == ["2023", "Sales | 2023: 5"]


def test_header_rows_in_succession_add_up() -> None:
    found = rows((["", Cell("2024", 2)], True), (["Item", "Sales", "Cost"], True), (["Tea", "1", "2"], False))
    assert found[-1] == "Item: Tea | 2024 Sales: 1 | 2024 Cost: 2"


def test_a_later_header_replaces_the_first() -> None:
    found = rows((["A", "B"], True), (["1", "2"], False), (["C", "D"], True), (["3", "4"], False))
    assert found[1:] == ["A: 1 | B: 2", "C | D", "C: 3 | D: 4"]


def test_nothing_but_headers_is_no_header() -> None:
    many = [([f"a{number}", "b"], True) for number in range(1000)]
    assert rows(*many)[999] == "a999 | b"
    assert len(rows(*many, (["c", "d"], False))[-1]) < 100


def test_titles_within_a_table_name_no_column() -> None:
    found = rows(
        ([Cell("Prices", 2)], True),
        (["Item", "Price"], True),
        ([Cell("Drinks", 2)], False),
        (["Tea", "2"], False),
        (["Food"], True),
        (["Pie", "4"], False),
    )
    expected = ["Prices", "Item | Price", "Drinks", "Item: Tea | Price: 2", "Food", "Item: Pie | Price: 4"]
    assert found == expected


def test_a_header_narrower_than_its_rows_was_a_title() -> None:
    assert rows((["Prices"], True), (["Tea", "2"], False)) == ["Prices", "Tea | 2"]
    assert rows((["Name"], True), (["Anna"], False)) == ["Name", "Name: Anna"]


def test_labels_that_span_rows_count_for_each() -> None:
    found = rows(
        (["Year", "Month"], True), ([Cell("2025", 1, 3), "May"], False), (["June"], False), (["July"], False),
        (["2026", "May"], False),
    )  # fmt: skip
    assert found[1:] == [
        "Year: 2025 | Month: May",
        "Year: 2025 | Month: June",
        "Year: 2025 | Month: July",
        "Year: 2026 | Month: May",
    ]
    below: list[Cell | str] = [Cell("", 1, CONTINUES), "June"]
    assert rows((["Year", "Month"], True), (["2025", "May"], False), (below, False))[2] == found[2]


def test_a_label_at_the_right_edge_is_not_forgotten() -> None:
    found = rows((["A", "B"], True), (["1", Cell("x", 1, 2)], False), (["2"], False))
    assert found[2] == "A: 2 | B: x"


def test_long_texts_beside_rows_are_not_repeated() -> None:
    found = rows((["1", Cell("long " * 50, 1, 2)], False), (["2"], False))
    assert found[1] == "2"


def test_only_the_beginning_of_a_long_header_is_repeated() -> None:
    question = "How satisfied are you with " + "all that was said about " * 10
    header, row = rows(([question, "B"], True), (["very", "1"], False))
    assert header.startswith(question.strip())
    assert row.startswith("How satisfied are you with")
    assert len(row) < LONGEST_KEY + len("…: very | B: 1") + 1
